"""Counting VDSR x2 at 1280x720: ours without values, ptflops' default way with them."""

import io
from contextlib import redirect_stdout
from functools import partial

from harness.efficiency.counting.multi_adds import count
from harness.models import registry
from tests.benchmarks.alternate import timed

TRUE = 664_704 * 1280 * 720
COUNT = partial(count, scale=2)


def count_by_ptflops(network):
    from ptflops import get_model_complexity_info

    with redirect_stdout(io.StringIO()):
        multi_adds, _ = get_model_complexity_info(
            network, (3, 360, 640), as_strings=False, print_per_layer_stat=False
        )
    return multi_adds


def test_counting_beside_ptflops_on_real_tensors(hold):
    network = registry.get("vdsr").build(scale=2)
    count(network, scale=2)  # the first call loads what the later ones need
    hold("counting vdsr x2", timed(count_by_ptflops, network), timed(COUNT, network))
    assert count(network, scale=2).multi_adds == count_by_ptflops(network) == TRUE


def test_ours_is_right_where_ptflops_default_way_sees_no_weight_normalised_layer(benchmark):
    network = registry.get("awsrn_s").build(scale=2)
    cost = benchmark(count, network, scale=2)
    assert cost.multi_adds == 395_940 * 640 * 360
    assert count_by_ptflops(network) < 0.1 * cost.multi_adds

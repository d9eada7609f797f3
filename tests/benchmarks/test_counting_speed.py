"""Counting VDSR x2 at 1280x720: ours without values, ptflops' default way with them."""

import io
import time
from contextlib import redirect_stdout

from harness.efficiency.counting.multi_adds import count
from harness.models import registry

TRUE = 664_704 * 1280 * 720


def count_by_ptflops(network):
    from ptflops import get_model_complexity_info

    with redirect_stdout(io.StringIO()):
        multi_adds, _ = get_model_complexity_info(
            network, (3, 360, 640), as_strings=False, print_per_layer_stat=False
        )
    return multi_adds


def test_counting_is_15_times_faster_than_ptflops_on_real_tensors(benchmark):
    network = registry.get("vdsr").build(scale=2)
    started = time.perf_counter()
    count(network, scale=2)
    first_s = time.perf_counter() - started
    cost = benchmark(count, network, scale=2)
    started = time.perf_counter()
    theirs = count_by_ptflops(network)
    theirs_s = time.perf_counter() - started
    ratio = theirs_s / benchmark.stats.stats.median
    benchmark.extra_info.update(
        first_call_s=first_s, ptflops_s=theirs_s, ratio=ratio, first_call_ratio=theirs_s / first_s
    )
    assert cost.multi_adds == theirs == TRUE
    assert ratio >= 15


def test_ours_is_right_where_ptflops_default_way_sees_no_weight_normalised_layer(benchmark):
    network = registry.get("awsrn_s").build(scale=2)
    cost = benchmark(count, network, scale=2)
    assert cost.multi_adds == 395_940 * 640 * 360
    assert count_by_ptflops(network) < 0.1 * cost.multi_adds

"""Latency of today's networks as a multiple of IMDN's at the same scale, image by image in turn.

Those of reports/modern at each of their scales, in the form in which they are deployed. To an
output of 320x180, in float32 with one thread: a network's memory of features, which the paper's
1280x720 would have, is not what is compared. `-k x4` measures one scale.
"""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from harness.models import registry
from harness.models.fusing import deployed, fold_norms
from harness.records import counts
from harness.reports.tables import modern_rows
from tests.benchmarks.alternate import Ratio, row, store, timed

OUTPUT_PX = (180, 320)
TURNS = 5
FILE = "latency.json"
WHAT = "as deployed, output 320x180, fp32, 1 thread"
YARDSTICK = "imdn"
CASES = [
    pytest.param(variant.id, scale, id=f"{variant.id}-x{scale}")
    for variant in modern_rows.variants()
    if variant.id != YARDSTICK
    for scale in variant.scales
]


def ready(name, scale):
    """A network in the form that is timed: merged where that is declared, weight norms folded."""
    network = deployed(registry.get(name).build(scale=scale).eval())
    fold_norms(network)
    return network


@pytest.mark.parametrize("name", ["span", "awsrn_s"])
def test_the_form_that_is_timed_has_the_layers_that_are_counted(name):
    network = ready(name, 4)
    convs = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convs) == counts.of_model(name, 4).convs
    assert not any(map(parametrize.is_parametrized, convs))


def forward(network, lr):
    with torch.inference_mode():
        network(lr)


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_latency_beside_imdn(benchmark, name, scale):
    lr = torch.rand(1, 3, *(side // scale for side in OUTPUT_PX)).mul(255)
    network, imdn = ready(name, scale), ready(YARDSTICK, scale)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        measured = Ratio.of(timed(forward, network, lr), timed(forward, imdn, lr), TURNS)
        benchmark.pedantic(forward, args=(network, lr), rounds=1)
    finally:
        torch.set_num_threads(threads)
    assert measured.least > 0
    about = {"what": WHAT, "turns": TURNS}
    script = Path(__file__).name
    store(row(f"{name} x{scale}", script, measured, about, over="own_s", under="imdn_s"), FILE)

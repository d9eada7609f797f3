"""One graph for all sizes: of networks whose own code makes numbers of an image's sides."""

from functools import cache

import pytest
import torch
from torch import nn

from harness.data import resize
from harness.deploy.export import any_size, extra, onnx_graph, openvino_ir, source, traced
from harness.models import registry, rlfn
from harness.models.adapted import Expects, adapt
from harness.models.units import AWRU

SMALL = {
    "wdsr_wru": {"num_units": 1, "channels": 8, "inner_channels": 8},
    "carn_m": {"channels": 16},
    "srcnn": {},
    "rlfn": {"num_blocks": 1, "channels": 8, "inner_channels": 8},
}


class OfOurUnits(nn.Module):
    """What a user may write: our unit between convolutions, sides in multiples of 4, 0..1."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.unit = AWRU(channels=8, inner_channels=8)
        self.tail = nn.Conv2d(8, 3 * 16, 3, padding=1)

    def forward(self, lr):
        height, width = (int(side) for side in lr.shape[2:])
        assert height % 4 == width % 4 == 0
        return nn.functional.pixel_shuffle(self.tail(self.unit(self.head(lr))), 4)


def module(graph):
    """The network of a graph's Python source."""
    text, tensors = source.source(graph, title="a network")
    names: dict = {"__file__": "/nowhere/network.py", "__name__": "network"}
    exec(compile(text, "network.py", "exec"), names)
    return names["Network"](tensors)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(2, 2), (2, 7), (13, 6)])
def test_bicubic_as_a_convolution_is_that_of_matlab(scale, size):
    """`resize.upscale` has MATLAB's own files as its oracle; it rounds after each pass."""
    lr = torch.randint(256, (1, 3, *size), generator=torch.Generator().manual_seed(0)).double()
    phased = any_size.PhasedBicubic(scale=scale).double()(lr)[0].permute(1, 2, 0).numpy()
    expected = resize.upscale(lr[0].permute(1, 2, 0).numpy(), scale)
    assert phased.shape == expected.shape
    assert abs(phased - expected).max() < 1e-4


def relative_difference(network, run, sizes):
    """The largest difference of outputs of all sizes, of the largest value."""
    off = 0.0
    with torch.no_grad():
        for size in sizes:
            lr = traced.noise(*size)
            expected, sr = network(lr), run(lr)
            assert sr.shape == expected.shape
            off = max(off, float((sr - expected).abs().max() / expected.abs().max()))
    return off


@cache
def graph_of(name):
    """A small network of a kind, and its graph."""
    variant = registry.get(name)
    torch.manual_seed(1)
    network = variant.build(scale=variant.scales[0], **SMALL[name]).eval()
    return network, traced.trace(network, name=name, scale=variant.scales[0])


@pytest.mark.parametrize("name", SMALL)
def test_networks_of_all_kinds_have_one_graph_and_one_source(name):
    network, graph = graph_of(name)
    run = module(graph)
    difference = onnx_graph.largest_difference(network, run, graph.sizes()[:3])
    assert difference <= 1e-5
    assert graph.least == ((21, 21) if name == "rlfn" else (3, 3) if name == "srcnn" else (2, 2))


def test_a_network_of_others_may_want_multiples():
    network = adapt(OfOurUnits().eval(), Expects(range=1, pad_to=4), scale=2)
    graph = traced.trace(network, name="of our units", scale=2)
    assert onnx_graph.largest_difference(network, module(graph), [(9, 14), (12, 12)]) <= 1e-5


@pytest.mark.parametrize("name", ["rlfn", "srcnn"])
def test_onnx_runtime_computes_them_at_any_size(name):
    """RLFN resizes to the size of its input, SRCNN to twice that."""
    for package in extra.NEEDED:
        pytest.importorskip(package, reason=f"the extra is not installed: {extra.INSTALL}")
    network, graph = graph_of(name)
    run = onnx_graph.OnnxNetwork(onnx_graph.build(graph, name=name).SerializeToString())
    assert onnx_graph.largest_difference(network, run, graph.sizes()) <= 1e-5


POOLING = {
    # one of each kind that pools to a share of the sides, or fills windows up
    "safmn": {"num_blocks": 1, "channels": 8},
    "smfanet": {"num_blocks": 1, "channels": 8},
    "swinir_light": {
        "num_groups": 1,
        "num_blocks": 2,
        "channels": 6,
        "num_heads": 2,
        "hidden": 8,
    },
}
PLACES = [(31, 45), (64, 48), (51, 29)]


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLING)
def test_networks_that_pool_or_have_windows_run_in_every_runtime(name, tmp_path):
    for package in extra.NEEDED:
        pytest.importorskip(package, reason=f"the extra is not installed: {extra.INSTALL}")
    torch.manual_seed(2)
    network = registry.get(name).build(scale=2, **POOLING[name]).eval()
    for parameter in network.parameters():  # features of all sizes: gates and tables count
        torch.nn.init.normal_(parameter, std=0.5)
    graph = traced.trace(network, name=name, scale=2)
    assert max(graph.least) <= 16
    sizes = [*PLACES, *graph.sizes()]
    assert relative_difference(network, module(graph), sizes) <= 1e-5
    (tmp_path / "a.onnx").write_bytes(onnx_graph.build(graph, name=name).SerializeToString())
    run = onnx_graph.OnnxNetwork(tmp_path / "a.onnx")
    assert relative_difference(network, run, sizes) <= 1e-5
    if extra.is_there("openvino"):
        openvino_ir.write(tmp_path / "a.onnx", tmp_path / "a.xml")
        by_openvino = openvino_ir.OpenVinoNetwork(tmp_path / "a.xml")
        assert relative_difference(network, by_openvino, sizes) <= 1e-5


class Pooled(nn.Module):
    """The least that pools to a third of the sides, and goes back by the nearest pixel."""

    def forward(self, lr):
        height, width = lr.shape[2:]
        small = nn.functional.adaptive_max_pool2d(lr, (height // 3, width // 3))
        back = nn.functional.interpolate(small, (height, width))
        return nn.functional.interpolate(lr + back, scale_factor=2.0, mode="nearest")


def test_pooling_to_a_share_of_the_sides_is_in_the_graph():
    """What is left of a share by a factor stays PyTorch's own."""
    graph = traced.trace(Pooled(), name="pooled", scale=2)
    run = module(graph)
    for height, width in PLACES:
        lr = traced.noise(height, width)
        assert torch.equal(run(lr), Pooled()(lr))
    calls = [str(node.target) for node in graph.program.graph.nodes]
    assert sum("nearest" in call for call in calls) == 1


def test_code_that_was_lent_symbols_has_its_own_numbers_again():
    network = registry.get("rlfn").build(scale=4, num_blocks=1)
    with any_size.symbolic_sides(network):
        assert vars(rlfn)["int"] is not int
        assert vars(rlfn)["int"]("7") == 7
    assert "int" not in vars(rlfn)

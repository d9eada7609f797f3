"""Parameters and Multi-Adds of the luma networks against independent counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.models import registry

OUTPUT_PX = 1280 * 720

COUNTS = (
    # id, scale, trainable parameters, Multi-Adds in G at a 1280x720 output
    ("srcnn", 2, 57281, 52.701),
    ("srcnn", 3, 57281, 52.701),
    ("srcnn", 4, 57281, 52.701),
    ("srcnn", 8, 57281, 52.701),
    ("fsrcnn", 2, 12809, 2.872),
    ("fsrcnn", 3, 12809, 1.276),
    ("fsrcnn", 4, 12809, 0.718),
    ("fsrcnn", 8, 12809, 0.179),
    ("espcn", 2, 21284, 4.881),
    ("espcn", 3, 22729, 2.317),
    ("espcn", 4, 24752, 1.419),
    ("espcn", 8, 38624, 0.554),
    ("vdsr", 2, 664704, 612.591),
    ("vdsr", 3, 664704, 612.591),
    ("vdsr", 4, 664704, 612.591),
    ("vdsr", 8, 664704, 612.591),
    ("drcn", 2, 1775121, 17974.297),
    ("drcn", 3, 1775121, 17974.297),
    ("drcn", 4, 1775121, 17974.297),
    ("drcn", 8, 1775121, 17974.297),
    ("lapsrn", 2, 407441, 94.095),
    ("lapsrn", 4, 814242, 117.486),
    ("lapsrn", 8, 1221043, 123.334),
    ("drrn", 2, 310659, 6796.896),
    ("drrn", 3, 310659, 6796.896),
    ("drrn", 4, 310659, 6796.896),
    ("memnet", 2, 695497, 2665.002),
    ("memnet", 3, 695497, 2665.002),
    ("memnet", 4, 695497, 2665.002),
    ("srdensenet", 4, 2659585, 256.994),
    ("falsr_a", 2, 1021401, 235.001),
    ("falsr_b", 2, 324745, 74.502),
    ("falsr_c", 2, 426569, 97.955),
    ("moremnas_c", 2, 25001, 5.544),
    ("moremnas_d", 2, 663993, 152.425),
    ("moremnas_a", 2, 1038777, 238.554),
)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def multi_adds(network: nn.Module, *, scale: int) -> float:
    """Return G at a 1280x720 output; every layer's work is proportional to the area."""
    height, width = 24, 40
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, height, width))
    per_output_px: float = counter.get_total_flops() / 2 / (height * width * scale**2)
    return per_output_px * OUTPUT_PX / 1e9


@pytest.mark.parametrize(("name", "scale", "params", "giga"), COUNTS)
def test_counts_are_those_of_the_independent_table(
    name: str, scale: int, params: int, giga: float
) -> None:
    with torch.device("meta"):
        network = registry.get(name).build(scale=scale).eval()
    assert parameters(network) == params
    assert multi_adds(network, scale=scale) == pytest.approx(giga, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "scale", "options", "params"),
    [
        ("vdsr", 2, {"bias": True}, 665921),
        ("drrn", 3, {"batch_norm": False}, 297216),
        ("lapsrn", 8, {"depth": 5}, 667123),
    ],
)
def test_released_forms_have_as_many_parameters_as_their_files(
    name: str, scale: int, options: dict[str, bool | int], params: int
) -> None:
    with torch.device("meta"):
        network = registry.get(name).build(scale=scale, **options)
    assert parameters(network) == params


def test_the_stand_in_has_the_totals_printed_for_moremnas_a() -> None:
    with torch.device("meta"):
        network = registry.get("moremnas_a").build(scale=2)
    assert round(parameters(network) / 1e3) == 1039
    assert round(multi_adds(network, scale=2), 1) == 238.6


def test_the_stand_in_is_marked() -> None:
    assert "not the authors' network" in registry.get("moremnas_a").source

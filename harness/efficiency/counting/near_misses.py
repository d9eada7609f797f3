"""Networks that some printed figures seem to belong to: one layer off those described.

None of them is public. They are inferred from the printed parameters and Multi-Adds.
"""

from __future__ import annotations

from typing import Any

from torch import nn


def shrink_upscaling(srdensenet: nn.Module) -> None:
    """Give SRDenseNet 2x2 transposed convolutions of stride 2 in place of 3x3."""
    steps: Any = srdensenet.get_submodule("upscale")
    for index, conv in enumerate(list(steps)):
        steps[index] = nn.ConvTranspose2d(conv.in_channels, conv.out_channels, 2, stride=2)


def widen_third_cell(falsr_b: nn.Module) -> None:
    """Let FALSR-B's cell 2 read the 48 channels of cell 1 a second time."""
    _read(falsr_b, 2, (*_sources(falsr_b, 2), 1))
    convs: Any = falsr_b.get_submodule("cells.2.convs")
    convs[0] = _reading(convs[0], convs[0].in_channels + 48)


def leave_second_cell_out(falsr_c: nn.Module) -> None:
    """Take the 64 channels of cell 1 away from FALSR-C's last convolution on the LR grid."""
    _read(falsr_c, -1, tuple(source for source in _sources(falsr_c, -1) if source != 1))
    last: Any = falsr_c.get_submodule("last")
    falsr_c.add_module("last", _reading(last, last.in_channels - 64))


def _sources(falsr: nn.Module, index: int) -> tuple[int, ...]:
    inputs: Any = falsr.inputs
    return tuple(inputs[index])


def _read(falsr: nn.Module, index: int, sources: tuple[int, ...]) -> None:
    inputs: Any = falsr.inputs
    inputs[index] = sources


def _reading(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    """Return a convolution like the one given, for another number of input channels."""
    size = conv.kernel_size[0]
    return nn.Conv2d(channels, conv.out_channels, size, padding=size // 2)

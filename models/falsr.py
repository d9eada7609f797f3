"""FALSR (Chu et al., ICPR 2020) and MoreMNAS (Chu et al., ECCVW 2020): searched cell graphs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from harness.models.layers import check_positive, in_float32, plain_conv
from harness.models.luma import ColourSpace, LumaNetwork

F = -1
"""Stands for the features of the first convolution where a cell's number is asked for."""

FRAME_CHANNELS = 32
"""Features of the first and of the last convolution on the LR grid."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a graph.

    Attributes:
        kind: ``conv`` repeats a convolution and its ReLU. ``inverted`` is a linear 1x1 and
            then repeated residual bottlenecks that are twice as wide inside.
        features: Features it gives out.
        kernel_size: Of its convolutions.
        repeats: How often.
        groups: Of its convolutions, by input channels.
        skip: Whether what the first convolution gave is added at the end; with one repeat
            there is nothing to add.
        inputs: Cells whose outputs it reads, concatenated in this order; None is the cell
            before.
    """

    kind: Literal["conv", "inverted"]
    features: int
    kernel_size: int
    repeats: int
    groups: int = 1
    skip: bool = False
    inputs: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """Cells in order, and which of them the last convolution on the LR grid reads."""

    cells: tuple[Cell, ...]
    last: tuple[int, ...] | None = None

    def inputs(self) -> list[tuple[int, ...]]:
        """Return what every cell reads, and at the end what the last convolution reads."""
        given = [*(cell.inputs for cell in self.cells), self.last]
        return [(index - 1,) if inputs is None else inputs for index, inputs in enumerate(given)]


class ConvCell(nn.Module):
    """Repeated convolutions, each with a ReLU."""

    def __init__(self, channels: int, cell: Cell) -> None:
        """Make a cell that reads ``channels`` features."""
        super().__init__()
        widths = [channels, *(cell.repeats - 1) * [cell.features]]
        self.convs = nn.ModuleList(
            plain_conv(width, cell.features, cell.kernel_size, groups=cell.groups)
            for width in widths
        )
        self.skip = cell.skip and cell.repeats > 1

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to ``(N, features, H, W)``."""
        first, *others = self.convs
        start: Tensor = first(x).relu()
        features = start
        for conv in others:
            features = conv(features).relu()
        return features + start if self.skip else features


class InvertedCell(nn.Module):
    """A linear 1x1 convolution and repeated inverted bottlenecks, each with a shortcut."""

    def __init__(self, channels: int, cell: Cell) -> None:
        """Make a cell that reads ``channels`` features."""
        super().__init__()
        self.entry = plain_conv(channels, cell.features, 1)
        self.bottlenecks = nn.ModuleList(self._bottleneck(cell) for _ in range(cell.repeats))
        self.skip = cell.skip and cell.repeats > 1

    @staticmethod
    def _bottleneck(cell: Cell) -> nn.Sequential:
        wide = 2 * cell.features
        return nn.Sequential(
            plain_conv(cell.features, wide, cell.kernel_size),
            nn.ReLU(),
            plain_conv(wide, wide, 3, groups=wide),
            nn.ReLU(),
            plain_conv(wide, cell.features, cell.kernel_size),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to ``(N, features, H, W)``."""
        start: Tensor = self.entry(x)
        features = start
        for bottleneck in self.bottlenecks:
            features = features + bottleneck(features)
        return features + start if self.skip else features


CELLS = {"conv": ConvCell, "inverted": InvertedCell}

YPBPR = ColourSpace(
    to_ycc=(
        (0.299 / 255, 0.587 / 255, 0.114 / 255),
        (-0.168736 / 255, -0.331264 / 255, 0.5 / 255),
        (0.5 / 255, -0.418688 / 255, -0.081312 / 255),
    ),
    ycc_offset=(0.0, 0.0, 0.0),
    to_rgb=(
        (255, 0.0, 255 * 1.402),
        (255, 255 * -0.34414, 255 * -0.71414),
        (255, 255 * 1.772, 0.0),
    ),
    rgb_offset=(-0.5 * 1.402, 0.5 * (0.34414 + 0.71414), -0.5 * 1.772),
)
"""Full-range luma in 0..1; back to RGB with the constants of the released graphs.

They put the centre of chroma at 127.5 in one place and at 128 in the other, which tints grey
by less than one level and leaves luma alone.
"""


class FALSR(LumaNetwork):
    """A searched graph of cells in the frame that all FALSR and MoreMNAS networks share.

    The frame: 3x3 convolution with ReLU (``F``); the cells; 3x3 convolution with ReLU,
    ``+ F``; depth to space; 3x3 convolution on the HR grid.
    """

    colour: ClassVar[ColourSpace] = YPBPR

    def __init__(self, *, scale: int, graph: Graph) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor; only 2 is published.
            graph: Its cells.

        Raises:
            ValueError: The scale is not 2, or a size is below 1.
        """
        super().__init__(scale=scale)
        if scale != 2:
            raise ValueError(f"scale must be 2, not {scale}")
        self.inputs = graph.inputs()
        widths = {F: FRAME_CHANNELS} | {i: cell.features for i, cell in enumerate(graph.cells)}
        channels = [sum(widths[source] for source in sources) for sources in self.inputs]
        self.entry = plain_conv(1, FRAME_CHANNELS, 3)
        self.cells = nn.ModuleList()
        for cell, width in zip(graph.cells, channels, strict=False):
            check_positive(features=cell.features, repeats=cell.repeats)
            self.cells.append(CELLS[cell.kind](width, cell))
        self.last = plain_conv(channels[-1], FRAME_CHANNELS, 3)
        self.output = plain_conv(FRAME_CHANNELS // scale**2, 1, 3)

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        entry = self.entry(y).relu()
        known = {F: entry}
        for index, cell in enumerate(self.cells):
            known[index] = cell(self._read(index, known))
        features = self.last(self._read(-1, known)).relu() + entry
        return in_float32(self.output, depth_to_space(features, self.scale))

    def chroma(self, lr: Tensor) -> Tensor:
        """Return the chroma of the 8-bit RGB image that Pillow makes, as the authors' script."""
        return self.colour.split(pillow_bicubic(lr, self.scale))[1]

    def _read(self, index: int, known: dict[int, Tensor]) -> Tensor:
        return torch.cat([known[source] for source in self.inputs[index]], 1)


def pillow_bicubic(lr: Tensor, scale: int) -> Tensor:
    """Upscale 8-bit images ``(N, C, H, W)``, 0..255, as Pillow's bicubic does.

    It rounds to 8 bits after the pass along the rows and again after that along the columns.
    """
    height, width = lr.shape[-2:]
    image = lr.float()
    for size in ((height, width * scale), (height * scale, width * scale)):
        image = nn.functional.interpolate(image, size, mode="bicubic", antialias=True)
        image = (image + 0.5).floor().clamp(0, 255)
    return image


def depth_to_space(features: Tensor, scale: int) -> Tensor:
    """Rearrange ``(N, s^2 C, H, W)`` to ``(N, C, s H, s W)`` in TensorFlow's order.

    There channel ``(s dy + dx) C + c`` becomes pixel ``(dy, dx)`` of output channel ``c``;
    PyTorch's pixel shuffle wants ``c`` first.
    """
    batch, channels, height, width = features.shape
    by_pixel = features.view(batch, scale**2, channels // scale**2, height, width)
    return nn.functional.pixel_shuffle(by_pixel.transpose(1, 2).flatten(1, 2), scale)


FALSR_A = Graph(
    (
        Cell("conv", 64, 3, 4, skip=True),
        Cell("conv", 48, 1, 1),
        Cell("conv", 64, 3, 4, skip=True),
        Cell("conv", 64, 3, 4, skip=True, inputs=(1, 2)),
        Cell("conv", 64, 3, 4, skip=True, inputs=(F, 1, 3)),
        Cell("conv", 64, 1, 4),
        Cell("conv", 64, 3, 4, skip=True, inputs=(F, 1, 4, 5)),
    ),
    last=(F, 0, 1, 2, 3, 4, 5, 6),
)
"""The released graph: the printed parameters, 0.13 % more Multi-Adds than printed."""

FALSR_B = Graph(
    (
        Cell("inverted", 16, 3, 1, skip=True),
        Cell("inverted", 48, 1, 2, skip=True, inputs=(F, 0)),
        Cell("conv", 16, 1, 2, skip=True, inputs=(F, 0, 1)),
        Cell("inverted", 32, 3, 4),
        Cell("conv", 64, 3, 2, inputs=(1, 2, 3)),
        Cell("conv", 16, 3, 4, groups=4, inputs=(1, 3, 4)),
        Cell("conv", 16, 3, 1, inputs=(F, 0, 1, 5)),
    ),
    last=(0, 3, 5, 6),
)
"""The released graph; :func:`falsr_b_as_printed` has the printed totals."""

FALSR_C = Graph(
    (
        Cell("conv", 32, 1, 1, groups=2),
        Cell("conv", 64, 1, 4, inputs=(F, 0)),
        Cell("inverted", 48, 3, 4),
        Cell("conv", 32, 1, 1, groups=2, inputs=(0, 2)),
        Cell("conv", 32, 1, 1, groups=4, inputs=(F, 3)),
        Cell("conv", 48, 1, 4, inputs=(F, 4)),
        Cell("conv", 16, 3, 1, inputs=(0, 5)),
    ),
    last=(F, 1, 5, 6),
)
"""The released graph; :func:`falsr_c_as_printed` has the printed totals, 4.5 % less."""

MOREMNAS_C = Graph(
    (
        Cell("inverted", 16, 1, 2),
        Cell("inverted", 16, 1, 2),
        Cell("inverted", 16, 1, 2),
        Cell("conv", 48, 1, 4, groups=2, skip=True),
        Cell("conv", 16, 1, 1, groups=2),
        Cell("inverted", 16, 1, 2),
        Cell("inverted", 16, 1, 2),
    )
)

MOREMNAS_D = Graph(
    (
        Cell("conv", 48, 1, 1),
        Cell("conv", 32, 1, 2, groups=4, skip=True),
        Cell("conv", 48, 1, 1),
        Cell("conv", 48, 1, 1, groups=4),
        Cell("inverted", 48, 1, 4, skip=True),
        Cell("conv", 16, 1, 1, groups=4),
        Cell("inverted", 64, 3, 4),
    )
)

MOREMNAS_A_STAND_IN = Graph(
    (
        Cell("inverted", 48, 3, 4),
        Cell("conv", 64, 1, 4),
        Cell("inverted", 48, 3, 2),
        Cell("conv", 64, 1, 4),
        Cell("inverted", 32, 3, 2),
        Cell("inverted", 48, 3, 4),
        Cell("conv", 64, 3, 2),
    )
)
"""Not the authors' network, of which no layer list is known: cells of the right kinds that add
up to its published totals."""


def falsr_b_as_printed(*, scale: int) -> FALSR:
    """Return FALSR-B with cell 1 read twice by cell 2, which gives the printed totals."""
    cells = list(FALSR_B.cells)
    cells[2] = replace(cells[2], inputs=(F, 0, 1, 1))
    return FALSR(scale=scale, graph=replace(FALSR_B, cells=tuple(cells)))


def falsr_c_as_printed(*, scale: int) -> FALSR:
    """Return FALSR-C with cell 1 not read at the end, which gives the printed totals."""
    return FALSR(scale=scale, graph=replace(FALSR_C, last=(F, 5, 6)))

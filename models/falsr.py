"""FALSR (Chu et al., ICPR 2020) and MoreMNAS (Chu et al., ECCVW 2020): searched cell graphs."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.models.falsr_graphs import FALSR_B, FALSR_C, F, Graph, GraphCell
from harness.models.layers import check_positive, in_float32, plain_conv
from harness.models.luma import ColourSpace, LumaNetwork

FRAME_CHANNELS = 32
"""Features of the first and of the last convolution on the LR grid."""


class ConvCell(nn.Module):
    """Repeated convolutions, each with a ReLU."""

    def __init__(self, channels: int, cell: GraphCell) -> None:
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

    def __init__(self, channels: int, cell: GraphCell) -> None:
        """Make a cell that reads ``channels`` features."""
        super().__init__()
        self.entry = plain_conv(channels, cell.features, 1)
        self.bottlenecks = nn.ModuleList(self._bottleneck(cell) for _ in range(cell.repeats))
        self.skip = cell.skip and cell.repeats > 1

    @staticmethod
    def _bottleneck(cell: GraphCell) -> nn.Sequential:
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


def falsr_b_as_printed(*, scale: int) -> FALSR:
    """Return FALSR-B with cell 1 read twice by cell 2, which gives the printed totals."""
    cells = list(FALSR_B.cells)
    cells[2] = replace(cells[2], inputs=(F, 0, 1, 1))
    return FALSR(scale=scale, graph=replace(FALSR_B, cells=tuple(cells)))


def falsr_c_as_printed(*, scale: int) -> FALSR:
    """Return FALSR-C with cell 1 not read at the end, which gives the printed totals."""
    return FALSR(scale=scale, graph=replace(FALSR_C, last=(F, 5, 6)))

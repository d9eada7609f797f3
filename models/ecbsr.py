"""ECBSR, edge-oriented convolution blocks (Zhang et al., ACM MM 2021)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from harness.models.layers import check_positive, in_float32, plain_conv
from harness.models.luma import LumaNetwork
from harness.models.merging import (
    Kernel,
    at_least_float32,
    in_a_row,
    kernel_of,
    same_conv_of,
    side_by_side,
    with_merged_parts,
)

SOBEL_X = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))
SOBEL_Y = ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0))
LAPLACE = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))

SPREAD = 1e-3
"""Standard deviation of the start values of gains and biases of the edge branches."""


class PaddedWithBias(nn.Module):
    """A 1x1 convolution whose output goes on beyond the border as its bias, one pixel each side.

    So it is as if the image had been padded by zeros before; a 3x3 convolution behind it can
    then be merged with it exactly.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Make a 1x1 convolution."""
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels_in, H, W)`` to ``(N, channels_out, H + 2, W + 2)``."""
        without_bias = nn.functional.conv2d(x, self.conv.weight)
        bias = self.conv.bias
        assert bias is not None
        return nn.functional.pad(without_bias, (1, 1, 1, 1)) + bias.view(1, -1, 1, 1)


class ExpandSqueeze(nn.Module):
    """The second branch: 1x1 to twice the output channels, then 3x3."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Make a branch from ``channels_in`` to ``channels_out``."""
        super().__init__()
        self.expand = PaddedWithBias(channels_in, 2 * channels_out)
        self.squeeze = nn.Conv2d(2 * channels_out, channels_out, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels_in, H, W)`` to ``(N, channels_out, H, W)``."""
        return self.squeeze(self.expand(x))  # type: ignore[no-any-return]

    def kernel(self) -> Kernel:
        """Return the branch as one 3x3 kernel."""
        return in_a_row(kernel_of(self.expand.conv), kernel_of(self.squeeze))


class EdgeBranch(nn.Module):
    """A 1x1, then a fixed edge filter on each channel, times a gain per channel, plus a bias."""

    mask: Tensor

    def __init__(
        self, channels_in: int, channels_out: int, mask: tuple[tuple[float, ...], ...]
    ) -> None:
        """Make a branch from ``channels_in`` to ``channels_out``; the mask is a constant."""
        super().__init__()
        self.mix = PaddedWithBias(channels_in, channels_out)
        self.gain = nn.Parameter(torch.empty(channels_out, 1, 1, 1))
        self.bias = nn.Parameter(torch.empty(channels_out))
        self.register_buffer("mask", torch.tensor(mask).view(1, 1, 3, 3), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw gains and biases around zero."""
        nn.init.normal_(self.gain, std=SPREAD)
        nn.init.normal_(self.bias, std=SPREAD)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels_in, H, W)`` to ``(N, channels_out, H, W)``."""
        mixed = self.mix(x)
        return nn.functional.conv2d(mixed, self.gain * self.mask, self.bias, groups=len(self.bias))

    def kernel(self) -> Kernel:
        """Return the branch as one 3x3 kernel."""
        gains = (self.gain.detach().double() * self.mask.double())[:, 0]
        filters = torch.eye(len(gains), dtype=gains.dtype, device=gains.device)
        depthwise = filters[:, :, None, None] * gains[:, None]
        return in_a_row(kernel_of(self.mix.conv), Kernel(depthwise, self.bias.detach().double()))


class EdgeOrientedBlock(nn.Module):
    """Edge-oriented convolution block: five linear branches that are one 3x3 when deployed."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Make a block from ``channels_in`` to ``channels_out``."""
        super().__init__()
        self.plain = plain_conv(channels_in, channels_out, 3)
        self.expanded = ExpandSqueeze(channels_in, channels_out)
        self.edges = nn.ModuleList(
            EdgeBranch(channels_in, channels_out, mask) for mask in (SOBEL_X, SOBEL_Y, LAPLACE)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels_in, H, W)`` to ``(N, channels_out, H, W)``."""
        total: Tensor = self.plain(x) + self.expanded(x)
        for edge in self.edges:
            total = total + edge(x)
        return total

    def deploy(self) -> nn.Conv2d:
        """Return the 3x3 convolution that computes the same."""
        edges = [edge.kernel() for edge in self.edges if isinstance(edge, EdgeBranch)]
        kernels = [kernel_of(self.plain), self.expanded.kernel(), *edges]
        return same_conv_of(side_by_side(*kernels), self.plain.weight)


class ECBSR(LumaNetwork):
    """ECBSR, on luma: blocks with a PReLU each but the last, plus the image repeated.

    ``deploy()`` returns it with each block merged into one 3x3 convolution, as its paper counts it.
    """

    def __init__(
        self, *, scale: int, channels: int = 64, num_blocks: int = 16, merged: bool = False
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features, ``C`` in the network's name.
            num_blocks: Blocks between the first and the last one, ``M`` in the network's name.
            merged: Build the deploy form, plain 3x3 convolutions, which can be trained as well.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__(scale=scale)
        check_positive(channels=channels, num_blocks=num_blocks)
        widths = [1, *(num_blocks + 1) * [channels]]
        self.blocks = nn.ModuleList(
            _block(width_in, width_out, merged=merged) for width_in, width_out in pairwise(widths)
        )
        self.activations = nn.ModuleList(nn.PReLU(channels) for _ in self.blocks)
        self.last = _block(channels, scale**2, merged=merged)

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        features = y
        for block, activation in zip(self.blocks, self.activations, strict=True):
            features = activation(block(features))
        detail = at_least_float32(in_float32(self.last, features))
        return nn.functional.pixel_shuffle(detail + y.repeat(1, self.scale**2, 1, 1), self.scale)

    def deploy(self) -> nn.Module:
        """Return the merged network, in evaluation mode."""
        return with_merged_parts(self)


def _block(channels_in: int, channels_out: int, *, merged: bool) -> nn.Module:
    if merged:
        return plain_conv(channels_in, channels_out, 3)
    return EdgeOrientedBlock(channels_in, channels_out)

"""SPAN, swift parameter-free attention network (Wan et al., 2023; NTIRE 2024), and SPANF (2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv
from harness.models.merging import (
    at_least_float32,
    in_a_row,
    kernel_of,
    same_conv_of,
    side_by_side,
    with_merged_parts,
)

WIDENING = 2
"""How many times more channels there are within the train form of a convolution."""


class LinearConv(nn.Module):
    """The train form of a 3x3 convolution: 1x1, 3x3, 1x1 in a row, plus a 1x1, all linear.

    The image is padded by zeros before the first 1x1, so that at the border the 3x3 sees the
    bias of that one; then a single 3x3 convolution computes the same, exactly.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Make the train form of a convolution from ``channels_in`` to ``channels_out``."""
        super().__init__()
        wide_in, wide_out = WIDENING * channels_in, WIDENING * channels_out
        self.widen = nn.Conv2d(channels_in, wide_in, 1)
        self.conv = nn.Conv2d(wide_in, wide_out, 3)
        self.narrow = nn.Conv2d(wide_out, channels_out, 1)
        self.skip = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels_in, H, W)`` to ``(N, channels_out, H, W)``."""
        padded = nn.functional.pad(x, (1, 1, 1, 1))
        return self.narrow(self.conv(self.widen(padded))) + self.skip(x)  # type: ignore[no-any-return]

    def deploy(self) -> nn.Conv2d:
        """Return the 3x3 convolution that computes the same."""
        row = in_a_row(kernel_of(self.widen), kernel_of(self.conv))
        row = in_a_row(row, kernel_of(self.narrow))
        return same_conv_of(side_by_side(row, kernel_of(self.skip)), self.conv.weight)


def _conv3(channels_in: int, channels_out: int, *, merged: bool) -> nn.Module:
    if merged:
        return plain_conv(channels_in, channels_out, 3)
    return LinearConv(channels_in, channels_out)


class AttentionBlock(nn.Module):
    """Swift parameter-free attention block: three 3x3 convolutions gate their own output."""

    def __init__(self, channels: int, *, merged: bool) -> None:
        """Make a block on ``channels`` features."""
        super().__init__()
        self.convs = nn.ModuleList(_conv3(channels, channels, merged=merged) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(N, channels, H, W)`` to two of the same shape.

        Returns:
            The output, and what is inside behind the first activation. The last block of SPAN
            hands both on: its authors' activation works in place, so that what their code keeps
            from before it is in fact what comes out of it.
        """
        first, second, third = self.convs
        inside = nn.functional.silu(first(x))
        features = third(nn.functional.silu(second(inside)))
        return (features + x) * (torch.sigmoid(features) - 0.5), inside


class SPAN(nn.Module):
    """SPAN: RGB less DIV2K's mean colour in steps of 8-bit levels; it returns RGB in 0..1.

    ``deploy()`` returns it with each of its train forms merged into one 3x3 convolution, as its
    paper counts it. The weights of NTIRE 2024 are of that form: ``merged``.
    """

    def __init__(
        self, *, scale: int, channels: int = 52, num_blocks: int = 6, merged: bool = False
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features.
            num_blocks: Attention blocks, at least 2.
            merged: Build the deploy form, plain 3x3 convolutions, which can be trained as well.

        Raises:
            ValueError: A number below 1, or fewer than 2 blocks.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels)
        if num_blocks < 2:
            raise ValueError(f"num_blocks must be at least 2, not {num_blocks}")
        self.normalise = Normalise(divisor=1)
        self.head = _conv3(3, channels, merged=merged)
        self.blocks = nn.ModuleList(
            AttentionBlock(channels, merged=merged) for _ in range(num_blocks)
        )
        self.smooth = _conv3(channels, channels, merged=merged)
        self.fusion = plain_conv(4 * channels, channels, 1)
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        head = self.head(self.normalise(lr))
        outputs, inside, features = [], head, head
        for block in self.blocks:
            features, inside = block(features)
            outputs.append(features)
        parts = [head, self.smooth(features), outputs[0], inside]
        fused = self.fusion(torch.cat(parts, 1))
        return 255 * at_least_float32(self.shuffle(in_float32(self.tail, fused)))

    def deploy(self) -> nn.Module:
        """Return the merged network, in evaluation mode."""
        return with_merged_parts(self)


class FirstBlock(nn.Module):
    """What SPANF begins with: three 3x3 convolutions from the image, neither gate nor shortcut."""

    def __init__(self, channels: int, *, merged: bool) -> None:
        """Make a block to ``channels`` features."""
        super().__init__()
        widths = ((3, channels), (channels, channels), (channels, channels))
        self.convs = nn.ModuleList(_conv3(*width, merged=merged) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, 3, H, W)`` to ``(N, channels, H, W)``."""
        first, second, third = self.convs
        inside = nn.functional.silu(first(x))
        return third(nn.functional.silu(second(inside)))  # type: ignore[no-any-return]


class SPANF(nn.Module):
    """SPANF, second of NTIRE 2025: RGB in 0..1, no mean colour; the image goes in at the end, too.

    A grouped 3x3 convolution that starts as nearest-neighbour upscaling stands beside the features
    before the last two convolutions.
    """

    def __init__(
        self, *, scale: int, channels: int = 32, num_blocks: int = 5, merged: bool = False
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features.
            num_blocks: Blocks, the first of them without a gate; at least 2.
            merged: Build the deploy form, plain 3x3 convolutions, which can be trained as well.

        Raises:
            ValueError: A number below 1, or fewer than 2 blocks.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels)
        if num_blocks < 2:
            raise ValueError(f"num_blocks must be at least 2, not {num_blocks}")
        self.normalise = Normalise(BLACK, divisor=255)
        self.nearest = plain_conv(3, 3 * scale**2, 3, groups=3, bias=False)
        self.first = FirstBlock(channels, merged=merged)
        self.blocks = nn.ModuleList(
            AttentionBlock(channels, merged=merged) for _ in range(num_blocks - 1)
        )
        self.fusion = plain_conv(3 * scale**2 + 2 * channels, channels, 1)
        self.tail = _conv3(channels, 3 * scale**2, merged=merged)
        self.shuffle = nn.PixelShuffle(scale)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Let the grouped convolution repeat each pixel, as nearest-neighbour upscaling does."""
        self.nearest.weight.zero_()
        self.nearest.weight[:, :, 1, 1] = 1

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        image = self.normalise(lr)
        first = features = self.first(image)
        for block in self.blocks:
            features, _ = block(features)
        fused = self.fusion(torch.cat([self.nearest(image), features, first], 1))
        return 255 * at_least_float32(self.shuffle(in_float32(self.tail, fused)))

    def deploy(self) -> nn.Module:
        """Return the merged network, in evaluation mode."""
        return with_merged_parts(self)

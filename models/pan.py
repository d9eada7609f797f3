"""PAN, pixel attention network (Zhao et al., ECCVW 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import (
    BLACK,
    Normalise,
    check_positive,
    in_float32,
    plain_conv,
    shuffle_steps,
)

SLOPE = 0.2
"""Of the leaky ReLUs."""


class PixelAttention(nn.Module):
    """Gates per pixel and channel from one 1x1 convolution, and what they are put on."""

    def __init__(self, channels: int, *, gated: nn.Module | None = None) -> None:
        """Make gates for ``channels`` features; they weigh those of ``gated``, if any."""
        super().__init__()
        self.gate = plain_conv(channels, channels, 1)
        self.gated = gated if gated is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        return self.gated(x) * torch.sigmoid(self.gate(x))  # type: ignore[no-any-return]


class SelfCalibratedBlock(nn.Module):
    """Self-calibrated block with pixel attention, SCPA: two halves, one gated."""

    def __init__(self, channels: int) -> None:
        """Make a block on an even number of ``channels``."""
        super().__init__()
        half = channels // 2
        self.split_plain = plain_conv(channels, half, 1, bias=False)
        self.split_gated = plain_conv(channels, half, 1, bias=False)
        self.plain = plain_conv(half, half, 3, bias=False)
        self.gated = nn.Sequential(
            PixelAttention(half, gated=plain_conv(half, half, 3, bias=False)),
            plain_conv(half, half, 3, bias=False),
        )
        self.fusion = plain_conv(2 * half, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        halves = []
        for split, body in ((self.split_plain, self.plain), (self.split_gated, self.gated)):
            half = nn.functional.leaky_relu(split(x), SLOPE)
            halves.append(nn.functional.leaky_relu(body(half), SLOPE))
        return x + self.fusion(torch.cat(halves, 1))  # type: ignore[no-any-return]


class UpsamplingBlock(nn.Sequential):
    """Upsampling with pixel attention, U-PA: nearest, 3x3, gates, 3x3."""

    def __init__(self, channels_in: int, channels: int, step: int) -> None:
        """Upscale ``channels_in`` features to ``channels`` of ``step`` times the sides."""
        super().__init__(
            nn.Upsample(scale_factor=step, mode="nearest"),
            plain_conv(channels_in, channels, 3),
            PixelAttention(channels),
            nn.LeakyReLU(SLOPE),
            plain_conv(channels, channels, 3),
            nn.LeakyReLU(SLOPE),
        )


class PAN(nn.Module):
    """PAN: SCPA blocks under a long skip, and bilinear upscaling beside all.

    RGB in 0..1. Weights do not tell x2 from x3, whose upsampling blocks have the same shapes.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 40,
        upsampling_channels: int = 24,
        num_blocks: int = 16,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features, an even number.
            upsampling_channels: Features behind each upsampling step.
            num_blocks: SCPA blocks.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(
            channels=channels, upsampling_channels=upsampling_channels, num_blocks=num_blocks
        )
        if channels % 2:
            raise ValueError(f"channels must be even, not {channels}")
        self.scale = scale
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.blocks = nn.Sequential(*(SelfCalibratedBlock(channels) for _ in range(num_blocks)))
        self.smooth = plain_conv(channels, channels, 3)
        self.upsampling = nn.Sequential()
        for step in shuffle_steps(scale):
            entering = upsampling_channels if len(self.upsampling) else channels
            self.upsampling.append(UpsamplingBlock(entering, upsampling_channels, step))
        self.tail = plain_conv(upsampling_channels, 3, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        image = self.normalise(lr)
        head = self.head(image)
        features = self.upsampling(self.smooth(self.blocks(head)) + head)
        bilinear = nn.functional.interpolate(
            image, scale_factor=self.scale, mode="bilinear", align_corners=False
        )
        return self.normalise.inverse(in_float32(self.tail, features) + bilinear)

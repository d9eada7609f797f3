"""VapSR, vast-receptive-field pixel attention (Zhou et al., ECCVW 2022)."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models.channel_norm import ChannelNorm
from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv

SLOPE = 0.1
"""Of the leaky ReLU between the two steps of the upsampler."""

STEP_CHANNELS = 16
"""Features between these steps."""


class LargeAttention(nn.Module):
    """Gates per pixel and channel: 1x1, depthwise 5x5, depthwise 5x5 of dilation 3."""

    def __init__(self, channels: int) -> None:
        """Make gates for ``channels`` features."""
        super().__init__()
        self.pointwise = nn.Conv2d(channels, channels, 1)
        self.depthwise = plain_conv(channels, channels, 5, groups=channels)
        self.dilated = nn.Conv2d(channels, channels, 5, padding=6, dilation=3, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        return x * self.dilated(self.depthwise(self.pointwise(x)))  # type: ignore[no-any-return]


class PixelBlock(nn.Module):
    """Wide 1x1, GELU, attention, 1x1 back, shortcut; the norm stands behind the sum."""

    def __init__(self, channels: int, inner_channels: int) -> None:
        """Make a block on ``channels`` features, ``inner_channels`` of them inside."""
        super().__init__()
        self.widen = nn.Conv2d(channels, inner_channels, 1)
        self.attention = LargeAttention(inner_channels)
        self.narrow = nn.Conv2d(inner_channels, channels, 1)
        self.norm = ChannelNorm(channels, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        inner = self.attention(nn.functional.gelu(self.widen(x)))
        return self.norm(self.narrow(inner) + x)  # type: ignore[no-any-return]


class VapSR(nn.Module):
    """VapSR x4: RGB in 0..1; upsampling in two steps of two, no global skip to the image."""

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 48,
        inner_channels: int = 64,
        num_blocks: int = 21,
        groups: int = 1,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor; only 4 is described.
            channels: Features between the blocks.
            inner_channels: Features inside them.
            num_blocks: Pixel attention blocks.
            groups: Of the 3x3 convolution behind the blocks.

        Raises:
            ValueError: The scale is not 4, or a number is below 1.
        """
        super().__init__()
        check_positive(channels=channels, inner_channels=inner_channels, num_blocks=num_blocks)
        if scale != 4:
            raise ValueError(f"scale must be 4, not {scale}")
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.blocks = nn.Sequential(
            *(PixelBlock(channels, inner_channels) for _ in range(num_blocks))
        )
        self.smooth = plain_conv(channels, channels, 3, groups=groups)
        self.step = plain_conv(channels, 4 * STEP_CHANNELS, 3)
        self.tail = plain_conv(STEP_CHANNELS, 3 * 4, 3)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, 4 H, 4 W)``."""
        head = self.head(self.normalise(lr))
        features = self.smooth(self.blocks(head)) + head
        doubled = nn.functional.leaky_relu(self.shuffle(self.step(features)), SLOPE)
        return self.normalise.inverse(self.shuffle(in_float32(self.tail, doubled)))

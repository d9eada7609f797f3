"""RLFN as it won the NTIRE 2022 challenge on efficient SR (Kong et al., CVPRW 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv

SLOPE = 0.05
"""Of the leaky ReLUs."""


class SpatialAttention(nn.Module):
    """Enhanced spatial attention: gates per pixel from a coarse look at the features.

    The coarse map is a strided convolution and a 7x7 maximum of stride 3; on images too
    small for that, the maximum is taken over what there is.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        """Make gates for ``channels`` features, through ``hidden`` ones."""
        super().__init__()
        self.reduce = plain_conv(channels, hidden, 1)
        self.direct = plain_conv(hidden, hidden, 1)
        self.stride = nn.Conv2d(hidden, hidden, 3, stride=2)
        self.coarse = plain_conv(hidden, hidden, 3)
        self.expand = plain_conv(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to the same shape."""
        reduced = self.reduce(x)
        missing = [max(0, 3 - int(side)) for side in reduced.shape[2:]]
        padded = nn.functional.pad(reduced, (0, missing[1], 0, missing[0]))
        strided = self.stride(padded)
        window = [min(7, int(side)) for side in strided.shape[2:]]
        pooled = nn.functional.max_pool2d(strided, window, stride=3)
        coarse = nn.functional.interpolate(
            self.coarse(pooled), x.shape[2:], mode="bilinear", align_corners=False
        )
        return x * torch.sigmoid(self.expand(coarse + self.direct(reduced)))


class LocalBlock(nn.Module):
    """Residual local feature block: three 3x3 convolutions, shortcut, 1x1, attention."""

    def __init__(self, channels: int, inner_channels: int, attention_channels: int) -> None:
        """Make a block on ``channels`` features, ``inner_channels`` of them inside."""
        super().__init__()
        widths = ((channels, inner_channels), (inner_channels, inner_channels))
        self.convs = nn.ModuleList(
            plain_conv(wide_in, wide_out, 3)
            for wide_in, wide_out in (*widths, (inner_channels, channels))
        )
        self.fusion = plain_conv(channels, channels, 1)
        self.attention = SpatialAttention(channels, attention_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        features = x
        for conv in self.convs:
            features = nn.functional.leaky_relu(conv(features), SLOPE)
        return self.attention(self.fusion(features + x))  # type: ignore[no-any-return]


class RLFN(nn.Module):
    """RLFN of the challenge: four blocks of 46 features, RGB in 0..255, no global skip."""

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 46,
        inner_channels: int = 48,
        attention_channels: int = 16,
        num_blocks: int = 4,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features between the blocks.
            inner_channels: Features inside them.
            attention_channels: Features inside the attention.
            num_blocks: Residual local feature blocks.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__()
        check_positive(
            scale=scale,
            channels=channels,
            inner_channels=inner_channels,
            attention_channels=attention_channels,
            num_blocks=num_blocks,
        )
        self.normalise = Normalise(BLACK, divisor=1)
        self.head = plain_conv(3, channels, 3)
        self.blocks = nn.Sequential(
            *(LocalBlock(channels, inner_channels, attention_channels) for _ in range(num_blocks))
        )
        self.smooth = plain_conv(channels, channels, 3)
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        head = self.head(self.normalise(lr))
        features = self.smooth(self.blocks(head)) + head
        return self.normalise.inverse(self.shuffle(in_float32(self.tail, features)))

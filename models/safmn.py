"""SAFMN, spatially-adaptive feature modulation (Sun et al., ICCV 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.channel_norm import ChannelNorm
from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv
from harness.models.padding import at_least

LEVELS = 4
"""Parts of the features, each pooled to half the sides of the one before."""

LEAST_SIDE = 2 ** (LEVELS - 1)
"""Sides of the smallest image that all levels have a pixel of."""


class FeatureModulation(nn.Module):
    """Four parts of the features, seen at four sizes, make gates for all of them."""

    def __init__(self, channels: int) -> None:
        """Make gates for ``channels`` features, a multiple of 4."""
        super().__init__()
        part = channels // LEVELS
        self.depthwise = nn.ModuleList(
            plain_conv(part, part, 3, groups=part) for _ in range(LEVELS)
        )
        self.fusion = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)``, sides of at least 8, to the same shape."""
        height, width = x.shape[2:]
        seen = []
        for level, (conv, part) in enumerate(zip(self.depthwise, x.chunk(LEVELS, 1), strict=True)):
            if level:
                size = height // 2**level, width // 2**level
                small = conv(nn.functional.adaptive_max_pool2d(part, size))
                seen.append(nn.functional.interpolate(small, (height, width), mode="nearest"))
            else:
                seen.append(conv(part))
        return x * nn.functional.gelu(self.fusion(torch.cat(seen, 1)))


class ModulationBlock(nn.Module):
    """Feature modulation, then a convolutional mixer of channels, each behind a norm."""

    def __init__(self, channels: int, expansion: int) -> None:
        """Make a block on ``channels`` features, ``expansion`` times as many in its mixer."""
        super().__init__()
        self.norms = nn.ModuleList(ChannelNorm(channels, eps=1e-6) for _ in range(2))
        self.modulation = FeatureModulation(channels)
        self.mixer = nn.Sequential(
            plain_conv(channels, expansion * channels, 3),
            nn.GELU(),
            nn.Conv2d(expansion * channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        first, second = self.norms
        x = x + self.modulation(first(x))
        return x + self.mixer(second(x))  # type: ignore[no-any-return]


class SAFMN(nn.Module):
    """SAFMN: RGB in 0..1; images with a side below 8 are filled up inside."""

    def __init__(
        self, *, scale: int, channels: int = 36, num_blocks: int = 8, expansion: int = 2
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features, a multiple of 4.
            num_blocks: Modulation blocks.
            expansion: Features in the mixers, in multiples of ``channels``.

        Raises:
            ValueError: A number below 1, or features that are no multiple of 4.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels, num_blocks=num_blocks, expansion=expansion)
        if channels % LEVELS:
            raise ValueError(f"channels must be a multiple of {LEVELS}, not {channels}")
        self.scale = scale
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.blocks = nn.Sequential(
            *(ModulationBlock(channels, expansion) for _ in range(num_blocks))
        )
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        return at_least(self._upscale, lr, side=LEAST_SIDE, scale=self.scale)

    def _upscale(self, lr: Tensor) -> Tensor:
        head = self.head(self.normalise(lr))
        features = self.blocks(head) + head
        return self.normalise.inverse(self.shuffle(in_float32(self.tail, features)))

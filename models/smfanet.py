"""SMFANet, self-modulation feature aggregation (Zheng et al., ECCV 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv
from harness.models.padding import at_least

LEAST_SIDE = 8
"""The features are pooled by it, so that a smaller image has no pixel left."""


class SelfModulation(nn.Module):
    """Self-modulation feature aggregation: a non-local and a local branch, added.

    The non-local one gates features by what is left of them at an eighth of the sides, weighted
    with their variance over the image (the unbiased one); the local one is three convolutions.
    """

    def __init__(self, channels: int) -> None:
        """Make an aggregation of ``channels`` features."""
        super().__init__()
        self.split = nn.Conv2d(channels, 2 * channels, 1)
        self.pooled = plain_conv(channels, channels, 3, groups=channels)
        self.alpha = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gates = nn.Conv2d(channels, channels, 1)
        self.local = nn.Sequential(
            plain_conv(channels, 2 * channels, 3, groups=channels),
            nn.Conv2d(2 * channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 1),
        )
        self.fusion = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)``, sides of at least 8, to the same shape."""
        height, width = x.shape[2:]
        local, wide = self.split(x).chunk(2, 1)
        size = height // LEAST_SIDE, width // LEAST_SIDE
        coarse = self.pooled(nn.functional.adaptive_max_pool2d(wide, size))
        variance = wide.var((2, 3), keepdim=True)
        gates = nn.functional.gelu(self.gates(self.alpha * coarse + self.beta * variance))
        wide = wide * nn.functional.interpolate(gates, (height, width), mode="nearest")
        return self.fusion(wide + self.local(local))  # type: ignore[no-any-return]


class PartialFeedForward(nn.Module):
    """Partial convolution-based feed-forward network: a quarter of the wide features sees 3x3."""

    def __init__(self, channels: int) -> None:
        """Make a network on ``channels`` features, an even number."""
        super().__init__()
        self.part = channels // 2
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.partial = plain_conv(self.part, self.part, 3)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        wide = nn.functional.gelu(self.widen(x))
        part = nn.functional.gelu(self.partial(wide[:, : self.part]))
        return self.narrow(torch.cat([part, wide[:, self.part :]], 1))  # type: ignore[no-any-return]


class AggregationBlock(nn.Module):
    """Aggregation, then the feed-forward network, each behind a norm without parameters."""

    def __init__(self, channels: int) -> None:
        """Make a block on ``channels`` features."""
        super().__init__()
        self.aggregation = SelfModulation(channels)
        self.feed_forward = PartialFeedForward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape; norms make channels a unit vector."""
        x = x + self.aggregation(nn.functional.normalize(x))
        return x + self.feed_forward(nn.functional.normalize(x))  # type: ignore[no-any-return]


class SMFANet(nn.Module):
    """SMFANet: RGB in 0..1; images with a side below 8 are filled up inside."""

    def __init__(self, *, scale: int, channels: int = 36, num_blocks: int = 8) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features, an even number.
            num_blocks: Aggregation blocks.

        Raises:
            ValueError: A number below 1, or an odd number of features.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels, num_blocks=num_blocks)
        if channels % 2:
            raise ValueError(f"channels must be even, not {channels}")
        self.scale = scale
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.blocks = nn.Sequential(*(AggregationBlock(channels) for _ in range(num_blocks)))
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        return at_least(self._upscale, lr, side=LEAST_SIDE, scale=self.scale)

    def _upscale(self, lr: Tensor) -> Tensor:
        head = self.head(self.normalise(lr))
        features = self.blocks(head) + head
        return self.normalise.inverse(self.shuffle(in_float32(self.tail, features)))

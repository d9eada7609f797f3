"""IMDN, information multi-distillation network (Hui et al., ACM MM 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv

SLOPE = 0.05
"""Of the leaky ReLUs."""


class ContrastAttention(nn.Module):
    """Contrast-aware channel attention: gates from each channel's deviation plus mean (Eq. 5)."""

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        """Make gates for ``channels`` features."""
        super().__init__()
        self.squeeze = nn.Conv2d(channels, max(1, channels // reduction), 1)
        self.excite = nn.Conv2d(max(1, channels // reduction), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to the same shape."""
        mean = x.mean((2, 3), keepdim=True)
        variance = (x - mean).pow(2).mean((2, 3), keepdim=True)
        contrast = variance.clamp_min(1e-12).sqrt()  # the root has no gradient at 0
        return x * torch.sigmoid(self.excite(self.squeeze(contrast + mean).relu()))


class DistillationBlock(nn.Module):
    """Information multi-distillation block (Fig. 3).

    Four 3x3 convolutions; of each but the last a quarter of the features is kept and
    three quarters go on. What was kept is weighted, fused and added to the input.
    """

    def __init__(self, channels: int) -> None:
        """Make a block on ``channels`` features, a multiple of 4."""
        super().__init__()
        self.kept, self.passed = channels // 4, channels - channels // 4
        self.convs = nn.ModuleList(
            [
                plain_conv(channels, channels, 3),
                plain_conv(self.passed, channels, 3),
                plain_conv(self.passed, channels, 3),
                plain_conv(self.passed, self.kept, 3),
            ]
        )
        self.attention = ContrastAttention(4 * self.kept)
        self.fusion = plain_conv(4 * self.kept, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        *splitting, last = self.convs
        features, distilled = x, []
        for conv in splitting:
            output = nn.functional.leaky_relu(conv(features), SLOPE)
            distilled.append(output[:, : self.kept])
            features = output[:, self.kept :]
        distilled.append(last(features))
        return x + self.fusion(self.attention(torch.cat(distilled, 1)))  # type: ignore[no-any-return]


class IMDN(nn.Module):
    """IMDN (Sec. 3.1). RGB in 0..1; there is no global skip to the image."""

    def __init__(self, *, scale: int, channels: int = 64, num_blocks: int = 6) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features, a multiple of 4.
            num_blocks: Distillation blocks.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels, num_blocks=num_blocks)
        if channels % 4:
            raise ValueError(f"channels must be a multiple of 4, not {channels}")
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.blocks = nn.ModuleList(DistillationBlock(channels) for _ in range(num_blocks))
        self.fusion = plain_conv(num_blocks * channels, channels, 1)
        self.smooth = plain_conv(channels, channels, 3)
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        head = self.head(self.normalise(lr))
        features, outputs = head, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        fused = nn.functional.leaky_relu(self.fusion(torch.cat(outputs, 1)), SLOPE)
        features = self.smooth(fused) + head
        return self.normalise.inverse(self.shuffle(in_float32(self.tail, features)))

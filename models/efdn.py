"""EFDN, edge-enhanced feature distillation network (Wang, CVPRW 2022), in its merged form.

The form of NTIRE 2023's winner, in which each cell's re-parameterised branches are one
convolution; what they were in training is not described here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv
from harness.models.rfdn import DeepSpatialAttention


class Cell(nn.Module):
    """Edge-enhanced feature distillation block: three convolutions in a row, all four kept."""

    def __init__(self, channels: int) -> None:
        """Make a cell on ``channels`` features."""
        super().__init__()
        kept = channels // 2
        self.convs = nn.ModuleList(plain_conv(channels, channels, kernel) for kernel in (1, 3, 3))
        self.activations = nn.ModuleList(nn.PReLU(channels) for _ in range(3))
        self.distilled = nn.ModuleList(plain_conv(channels, kept, 1) for _ in range(4))
        self.fusion = plain_conv(4 * kept, channels, 1)
        self.attention = DeepSpatialAttention(channels, channels // 4)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        features = [x]
        for conv, activation in zip(self.convs, self.activations, strict=True):
            features.append(activation(conv(features[-1])))
        kept = [distil(one) for distil, one in zip(self.distilled, features, strict=True)]
        return x + self.attention(self.fusion(torch.cat(kept, 1)))  # type: ignore[no-any-return]


class EFDN(nn.Module):
    """Four cells, neighbours joined by 1x1 convolutions. RGB in 0..1.

    The output is cut to 0..1 when the network is evaluated. In training it is not: what is cut
    has no gradient.
    """

    def __init__(self, *, scale: int, channels: int = 48) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features, at least 4.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels)
        if channels < 4:
            raise ValueError(f"channels must be at least 4, not {channels}")
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.cells = nn.ModuleList(Cell(channels) for _ in range(4))
        self.fusions = nn.ModuleList(plain_conv(2 * channels, channels, 1) for _ in range(3))
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        head = self.head(self.normalise(lr))
        first = self.cells[0](head)
        second = self.cells[1](first)
        third = self.cells[2](self.fusions[0](torch.cat((first, second), 1)))
        fourth = self.cells[3](self.fusions[1](torch.cat((second, third), 1)))
        features = self.fusions[2](torch.cat((second, fourth), 1)) + head
        sr = self.shuffle(in_float32(self.tail, features))
        return self.normalise.inverse(sr if self.training else sr.clamp(0, 1))

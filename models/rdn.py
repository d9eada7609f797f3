"""RDN, the residual dense network (Zhang et al., CVPR 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import Upsampler, check_positive, in_float32, plain_conv


class RDB(nn.Module):
    """Residual dense block (Sec. 3.2): densely connected layers, 1x1 local fusion, ``+ x``."""

    def __init__(self, *, channels: int, growth: int, num_layers: int) -> None:
        """Make a block whose layers each add ``growth`` features to ``channels``."""
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(plain_conv(channels + layer * growth, growth, 3), nn.ReLU())
            for layer in range(num_layers)
        )
        self.fusion = plain_conv(channels + num_layers * growth, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        known = x
        for layer in self.layers:
            known = torch.cat([known, layer(known)], 1)
        return x + self.fusion(known)  # type: ignore[no-any-return]


class RDN(nn.Module):
    """Residual dense blocks and the global fusion of their outputs (Fig. 2).

    The defaults are those the paper compares with others, D = 16, C = 8, G = 64. The network
    works on RGB in 0..255 without a mean shift, like the public PyTorch version.
    """

    def __init__(
        self,
        *,
        scale: int,
        num_blocks: int = 16,
        num_layers: int = 8,
        growth: int = 64,
        channels: int = 64,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            num_blocks: Residual dense blocks (D).
            num_layers: Convolutions inside a block (C).
            growth: Features that each of them adds (G).
            channels: Features between the blocks (G0).

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(
            num_blocks=num_blocks, num_layers=num_layers, growth=growth, channels=channels
        )
        self.head = plain_conv(3, channels, 3)
        self.entry = plain_conv(channels, channels, 3)
        self.body = nn.ModuleList(
            RDB(channels=channels, growth=growth, num_layers=num_layers) for _ in range(num_blocks)
        )
        self.fusion = nn.Sequential(
            plain_conv(num_blocks * channels, channels, 1), plain_conv(channels, channels, 3)
        )
        self.upsampler = Upsampler(channels=channels, scale=scale)
        self.tail = plain_conv(channels, 3, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        shallow = self.head(lr)
        features, outputs = self.entry(shallow), []
        for block in self.body:
            features = block(features)
            outputs.append(features)
        features = shallow + self.fusion(torch.cat(outputs, 1))
        return in_float32(self.tail, self.upsampler(features)).float()

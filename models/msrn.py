"""MSRN, the multi-scale residual network (Li et al., ECCV 2018), as retrained on RGB."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import Normalise, Upsampler, check_positive, in_float32, plain_conv


class MSRB(nn.Module):
    """Multi-scale residual block (Sec. 3.1): 3x3 and 5x5 paths, crossed once, ``+ x``."""

    def __init__(self, channels: int) -> None:
        """Make a block on ``channels`` features."""
        super().__init__()
        self.conv_3_1 = plain_conv(channels, channels, 3)
        self.conv_5_1 = plain_conv(channels, channels, 5)
        self.conv_3_2 = plain_conv(2 * channels, 2 * channels, 3)
        self.conv_5_2 = plain_conv(2 * channels, 2 * channels, 5)
        self.fusion = plain_conv(4 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        crossed = torch.relu(torch.cat([self.conv_3_1(x), self.conv_5_1(x)], 1))
        wide = torch.relu(torch.cat([self.conv_3_2(crossed), self.conv_5_2(crossed)], 1))
        return x + self.fusion(wide)  # type: ignore[no-any-return]


class MSRN(nn.Module):
    """MSRBs whose outputs are all fused before the reconstruction (Sec. 3.2).

    This is the authors' RGB network, which Table 5 counts; the ECCV paper's own works
    on Y and has other layers. It works on RGB in 0..255 less the mean colour. The
    Multi-Adds in print take every layer to run on the LR grid; this network's layers
    run on their own.
    """

    def __init__(self, *, scale: int, num_blocks: int = 8, channels: int = 64) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            num_blocks: MSRBs in a row.
            channels: Features between the blocks.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(num_blocks=num_blocks, channels=channels)
        self.normalise = Normalise(divisor=1)
        self.head = plain_conv(3, channels, 3)
        self.body = nn.ModuleList(MSRB(channels) for _ in range(num_blocks))
        self.fusion = nn.Sequential(
            plain_conv((num_blocks + 1) * channels, channels, 1),
            plain_conv(channels, channels, 3),
        )
        self.upsampler = Upsampler(channels=channels, scale=scale)
        self.tail = plain_conv(channels, 3, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        head = features = self.head(self.normalise(lr))
        outputs = []
        for block in self.body:
            features = block(features)
            outputs.append(features)
        features = self.upsampler(self.fusion(torch.cat([*outputs, head], 1)))
        return self.normalise.inverse(in_float32(self.tail, features))

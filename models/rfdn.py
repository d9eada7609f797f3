"""RFDN, residual feature distillation network (Liu et al., ECCVW 2020)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv
from harness.models.rlfn import SLOPE, SpatialAttention


class DeepSpatialAttention(SpatialAttention):
    """Enhanced spatial attention with three convolutions on the coarse map."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        *,
        conv: Callable[[int, int, int], nn.Module] = plain_conv,
        activation: Callable[[], nn.Module] = nn.ReLU,
    ) -> None:
        """Make gates for ``channels`` features, through ``hidden`` ones.

        Args:
            channels: Features.
            hidden: Features of the coarse map.
            conv: Makes its convolutions from channels in, channels out and kernel size.
            activation: Stands between them.
        """
        super().__init__(channels, hidden)
        self.coarse: nn.Module = nn.Sequential(  # type: ignore[assignment]
            conv(hidden, hidden, 3),
            activation(),
            conv(hidden, hidden, 3),
            activation(),
            conv(hidden, hidden, 3),
        )


class DistillationBlock(nn.Module):
    """Residual feature distillation block, as released: three steps, then attention.

    A step keeps half as many features by a 1x1 convolution, and passes on those of a 3x3
    convolution with a shortcut. The block as a whole has no shortcut.
    """

    def __init__(self, channels: int) -> None:
        """Make a block on ``channels`` features."""
        super().__init__()
        kept = channels // 2
        self.distilled = nn.ModuleList(plain_conv(channels, kept, 1) for _ in range(3))
        self.refined = nn.ModuleList(plain_conv(channels, channels, 3) for _ in range(3))
        self.last = plain_conv(channels, kept, 3)
        self.fusion = plain_conv(4 * kept, channels, 1)
        self.attention: nn.Module = DeepSpatialAttention(channels, channels // 4)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        kept = []
        for distil, refine in zip(self.distilled, self.refined, strict=True):
            kept.append(nn.functional.leaky_relu(distil(x), SLOPE))
            x = nn.functional.leaky_relu(refine(x) + x, SLOPE)
        kept.append(nn.functional.leaky_relu(self.last(x), SLOPE))
        return self.attention(self.fusion(torch.cat(kept, 1)))  # type: ignore[no-any-return]


class RFDN(nn.Module):
    """RFDN as it won the AIM 2020 challenge: four blocks of 50 features, RGB in 0..255.

    The paper's text names another network, of 48 features and six blocks; its larger one,
    RFDN-L, has 52. Of both only the block that was released is known.
    """

    def __init__(self, *, scale: int, channels: int = 50, num_blocks: int = 4) -> None:
        """Build the network; the defaults are the challenge's.

        Args:
            scale: Upscaling factor.
            channels: Features, at least 4; half as many are distilled, a quarter gate.
            num_blocks: Distillation blocks.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels, num_blocks=num_blocks)
        if channels < 4:
            raise ValueError(f"channels must be at least 4, not {channels}")
        self.normalise = Normalise(BLACK, divisor=1)
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


def rfdn_as_printed(*, scale: int) -> RFDN:
    """Return the network with the printed parameters of RFDN: a fit, see :func:`_outer_gates`."""
    return _outer_gates(RFDN(scale=scale, channels=48, num_blocks=6))


def rfdn_l_as_printed(*, scale: int) -> RFDN:
    """Return the network with the printed parameters of RFDN-L: a fit, as for RFDN."""
    return _outer_gates(RFDN(scale=scale, channels=52, num_blocks=6))


def _outer_gates(network: RFDN) -> RFDN:
    """Leave of every attention only its first and its last 1x1 convolution.

    All six printed counts of parameters are those of networks of six blocks so reduced. How the
    authors came by them is not known.
    """
    for block in network.blocks:
        gates = block.attention
        assert isinstance(gates, SpatialAttention)
        block.attention = nn.Sequential(gates.reduce, gates.expand)
    return network

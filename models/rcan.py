"""RCAN, the residual channel attention network (Zhang et al., ECCV 2018)."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models.layers import (
    Normalise,
    Residual,
    Upsampler,
    check_positive,
    in_float32,
    plain_conv,
)


class ChannelAttention(nn.Module):
    """Weigh each channel by what the whole image shows (Sec. 3.3, Fig. 3)."""

    def __init__(self, *, channels: int, reduction: int) -> None:
        """Squeeze ``channels`` by ``reduction`` between pooling and the gate."""
        super().__init__()
        self.gate = nn.Sequential(
            plain_conv(channels, channels // reduction, 1),
            nn.ReLU(),
            plain_conv(channels // reduction, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        return x * self.gate(x.mean((2, 3), keepdim=True))  # type: ignore[no-any-return]


class RCAN(nn.Module):
    """Residual groups of attention blocks under one long skip (Sec. 3.2, Fig. 2).

    The network works on RGB in 0..255 less the mean colour. The attention's own
    Multi-Adds do not depend on the image size, so that its count is affine in the area,
    not proportional.
    """

    def __init__(
        self,
        *,
        scale: int,
        num_groups: int = 10,
        num_blocks: int = 20,
        channels: int = 64,
        reduction: int = 16,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            num_groups: Residual groups.
            num_blocks: Attention blocks per group.
            channels: Features.
            reduction: Ratio of features to the attention's hidden units.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(
            num_groups=num_groups, num_blocks=num_blocks, channels=channels, reduction=reduction
        )
        if reduction > channels:
            raise ValueError(f"reduction must be at most channels ({channels}), not {reduction}")
        self.normalise = Normalise(divisor=1)
        self.head = plain_conv(3, channels, 3)
        self.body = nn.Sequential(
            *(self._group(num_blocks, channels, reduction) for _ in range(num_groups)),
            plain_conv(channels, channels, 3),
        )
        self.upsampler = Upsampler(channels=channels, scale=scale)
        self.tail = plain_conv(channels, 3, 3)

    @classmethod
    def _group(cls, num_blocks: int, channels: int, reduction: int) -> Residual:
        blocks = (cls._block(channels, reduction) for _ in range(num_blocks))
        return Residual(*blocks, plain_conv(channels, channels, 3))

    @staticmethod
    def _block(channels: int, reduction: int) -> Residual:
        return Residual(
            plain_conv(channels, channels, 3),
            nn.ReLU(),
            plain_conv(channels, channels, 3),
            ChannelAttention(channels=channels, reduction=reduction),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        features = self.head(self.normalise(lr))
        features = features + self.body(features)
        return self.normalise.inverse(in_float32(self.tail, self.upsampler(features)))

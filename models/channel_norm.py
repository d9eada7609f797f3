"""Layer norm over the channels of each pixel, as recent SR networks use it."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel, with a gain and mostly a bias per channel.

    The variance is the biased one.
    """

    def __init__(self, channels: int, *, eps: float, bias: bool = True) -> None:
        """Make a norm of ``channels`` features.

        Args:
            channels: Features.
            eps: Added to the variance.
            bias: Whether there is a bias per channel.
        """
        super().__init__(channels, eps=eps, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

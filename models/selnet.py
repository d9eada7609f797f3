"""SelNet, a network of selection units (Choi & Kim, CVPRW 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.bicubic import Bicubic
from harness.models.layers import BLACK, Normalise, Residual, check_positive, plain_conv


class SelectionUnit(nn.Module):
    """A learned switch in place of a ReLU: ``x sigmoid(conv_1x1(relu(x)))``."""

    def __init__(self, channels: int) -> None:
        """Make a unit on ``channels`` features."""
        super().__init__()
        self.conv = plain_conv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        return x * torch.sigmoid(self.conv(torch.relu(x)))


class SelNet(nn.Module):
    """Convolutions, each followed by a selection unit, and a bicubic global skip.

    No weights or code are public. The layers here (20 inner convolutions, 21 selection
    units, one shuffle for any scale, RGB in and out) are the ones that hit the published
    parameters and Multi-Adds at all three scales. Open, and without effect on either:
    that the inner convolutions form residual units of two, that the network works in
    0..1, and which of the paper's "22 layers" is not counted there.
    """

    def __init__(self, *, scale: int, num_units: int = 10, channels: int = 64) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            num_units: Residual units of two convolutions.
            channels: Features.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(scale=scale, num_units=num_units, channels=channels)
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = nn.Sequential(plain_conv(3, channels, 3), SelectionUnit(channels))
        self.body = nn.Sequential(*(self._unit(channels) for _ in range(num_units)))
        self.upsampler = nn.Sequential(
            plain_conv(channels, scale**2 * channels, 3), nn.PixelShuffle(scale)
        )
        self.tail = plain_conv(channels, 3, 3)
        self.skip = Bicubic(scale=scale)

    @staticmethod
    def _unit(channels: int) -> Residual:
        return Residual(
            plain_conv(channels, channels, 3),
            SelectionUnit(channels),
            plain_conv(channels, channels, 3),
            SelectionUnit(channels),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        features = self.body(self.head(self.normalise(lr)))
        residual = self.normalise.inverse(self.tail(self.upsampler(features)))
        return residual + self.skip(lr)  # type: ignore[no-any-return]

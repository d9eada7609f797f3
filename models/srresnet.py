"""SRResNet, the generator of SRGAN trained without it (Ledig et al., CVPR 2017)."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models.layers import (
    BLACK,
    Normalise,
    Residual,
    Upsampler,
    check_positive,
    in_float32,
    plain_conv,
    shuffle_steps,
)

GREY = (0.5, 0.5, 0.5)
"""The centre of the output range."""


class SRResNet(nn.Module):
    """Residual blocks with batch norm between 9x9 convolutions (Fig. 4).

    LR is scaled to 0..1 and SR comes out in -1..1 (Sec. 3.2). The figure fixes the
    layers, the usual parameter count the rest: convolutions before a batch norm have no
    bias, every PReLU has one slope for all channels, and the one of the first layer also
    serves behind the pixel shuffles (inferred; it is the count that has no slope left
    for them).
    """

    def __init__(self, *, scale: int, num_blocks: int = 16, channels: int = 64) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            num_blocks: Residual blocks.
            channels: Features.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(num_blocks=num_blocks, channels=channels)
        self.normalise = Normalise(BLACK, divisor=255)
        self.output = Normalise(GREY, divisor=127.5)
        self.head = plain_conv(3, channels, 9)
        self.activation = nn.PReLU()
        self.body = nn.Sequential(
            *(self._block(channels) for _ in range(num_blocks)),
            plain_conv(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.upsamplers = nn.ModuleList(
            Upsampler(channels=channels, scale=step) for step in shuffle_steps(scale)
        )
        self.tail = plain_conv(channels, 3, 9)

    @staticmethod
    def _block(channels: int) -> Residual:
        return Residual(
            plain_conv(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(),
            plain_conv(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        features = self.activation(self.head(self.normalise(lr)))
        features = features + self.body(features)
        for upsampler in self.upsamplers:
            features = self.activation(upsampler(features))
        return self.output.inverse(in_float32(self.tail, features))

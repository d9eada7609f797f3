"""ESPCN (Shi et al., CVPR 2016): the sub-pixel convolution."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models.layers import check_positive, in_float32, plain_conv
from harness.models.luma import LumaNetwork


class ESPCN(LumaNetwork):
    """The 5-3-3 network on luma with tanh; named in the text, not in Table 5."""

    def __init__(self, *, scale: int, channels: int = 64, mapped_channels: int = 32) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features after the first layer.
            mapped_channels: Features after the second layer.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__(scale=scale)
        check_positive(channels=channels, mapped_channels=mapped_channels)
        self.features = plain_conv(1, channels, 5)
        self.mapping = plain_conv(channels, mapped_channels, 3)
        self.output = plain_conv(mapped_channels, scale**2, 3)

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        features = self.mapping(self.features(y).tanh()).tanh()
        return nn.functional.pixel_shuffle(in_float32(self.output, features), self.scale)

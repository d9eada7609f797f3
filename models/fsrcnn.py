"""FSRCNN (Dong et al., ECCV 2016): a thin network on the LR grid and one big deconvolution."""

from __future__ import annotations

from torch import Tensor, nn

from harness.models.layers import check_positive, in_float32, plain_conv, start_he
from harness.models.luma import LumaNetwork


class FSRCNN(LumaNetwork):
    """FSRCNN (d=56, s=12, m=4) with a PReLU per channel (Sec. 3.2)."""

    def __init__(
        self, *, scale: int, channels: int = 56, shrunk_channels: int = 12, num_mappings: int = 4
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor, the stride of the deconvolution.
            channels: Features outside, ``d``.
            shrunk_channels: Features inside, ``s``.
            num_mappings: 3x3 layers inside, ``m``.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__(scale=scale)
        check_positive(
            channels=channels, shrunk_channels=shrunk_channels, num_mappings=num_mappings
        )
        layers = [
            plain_conv(1, channels, 5),
            plain_conv(channels, shrunk_channels, 1),
            *(plain_conv(shrunk_channels, shrunk_channels, 3) for _ in range(num_mappings)),
            plain_conv(shrunk_channels, channels, 1),
        ]
        self.body = nn.Sequential(
            *(part for conv in layers for part in (conv, nn.PReLU(conv.out_channels)))
        )
        self.output = nn.ConvTranspose2d(
            channels, 1, 9, stride=scale, padding=4, output_padding=scale - 1
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start like He et al., the deconvolution with standard deviation 1e-3 (Sec. 4.1)."""
        start_he(self)
        nn.init.normal_(self.output.weight, std=1e-3)

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        return in_float32(self.output, self.body(y))

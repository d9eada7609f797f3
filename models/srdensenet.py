"""SRDenseNet (Tong et al., ICCV 2017): dense blocks with every skip connection."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import check_positive, in_float32, plain_conv, start_he
from harness.models.luma import LumaNetwork, doublings


class DenseBlock(nn.Module):
    """Convolutions that each see all earlier ones of the block.

    The block's input is seen by the first convolution alone.
    """

    def __init__(self, *, channels: int, growth: int, num_layers: int) -> None:
        """Make a block on ``channels`` features with ``num_layers * growth`` outputs."""
        super().__init__()
        self.first = plain_conv(channels, growth, 3)
        self.others = nn.ModuleList(
            plain_conv(layer * growth, growth, 3) for layer in range(1, num_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to ``(N, num_layers * growth, H, W)``."""
        outputs = self.first(x).relu()
        for conv in self.others:
            outputs = torch.cat([outputs, conv(outputs).relu()], 1)
        return outputs  # type: ignore[no-any-return]


class SRDenseNet(LumaNetwork):
    """SRDenseNet "All" with 3x3 transposed convolutions, as in the original.

    It has 2,659,585 parameters where Table 5, after CARN's, prints 2,015K. Which network
    that figure belongs to is open; 2x2 transposed convolutions come within 1 %
    (:func:`with_small_upscaling`).
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 128,
        num_blocks: int = 8,
        num_layers: int = 8,
        growth: int = 16,
        neck_channels: int = 256,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor, a power of two; published for 4.
            channels: Features after the first convolution.
            num_blocks: Dense blocks.
            num_layers: Convolutions per dense block.
            growth: Features that each of them adds.
            neck_channels: Features from the 1x1 bottleneck on.

        Raises:
            ValueError: A number below 1, or a scale that is no power of two.
        """
        super().__init__(scale=scale)
        check_positive(
            channels=channels,
            num_blocks=num_blocks,
            num_layers=num_layers,
            growth=growth,
            neck_channels=neck_channels,
        )
        widths = [channels + block * num_layers * growth for block in range(num_blocks + 1)]
        self.entry = plain_conv(1, channels, 3)
        self.blocks = nn.ModuleList(
            DenseBlock(channels=width, growth=growth, num_layers=num_layers)
            for width in widths[:-1]
        )
        self.neck = plain_conv(widths[-1], neck_channels, 1)
        self.upscale = nn.ModuleList(
            nn.ConvTranspose2d(
                neck_channels, neck_channels, 3, stride=2, padding=1, output_padding=1
            )
            for _ in range(doublings(scale))
        )
        self.output = plain_conv(neck_channels, 1, 3)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start like He et al., usual for ReLUs; the published start is not known here."""
        start_he(self)

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        features = self.entry(y).relu()
        for block in self.blocks:
            features = torch.cat([features, block(features)], 1)
        features = self.neck(features).relu()
        for layer in self.upscale:
            features = layer(features).relu()
        return in_float32(self.output, features)


def with_small_upscaling(*, scale: int) -> SRDenseNet:
    """Return SRDenseNet with 2x2 transposed convolutions, the nearest to its counts in Table 5.

    It is not public: it is inferred from the printed parameters and Multi-Adds.
    """
    network = SRDenseNet(scale=scale)
    channels = network.output.in_channels
    network.upscale = nn.ModuleList(
        nn.ConvTranspose2d(channels, channels, 2, stride=2) for _ in network.upscale
    )
    return network

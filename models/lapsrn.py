"""LapSRN (Lai et al., CVPR 2017): a Laplacian pyramid of x2 levels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import check_positive, in_float32, plain_conv, start_he
from harness.models.luma import LumaNetwork, doublings

SLOPE = 0.2
"""Of the leaky ReLUs (Sec. 3.3)."""


class Level(nn.Module):
    """One doubling: features and image at one size to features and image at twice the size.

    The authors' network upscales features by a 3x3 transposed convolution whose last row
    and column are cut, where the paper's text speaks of 4x4.
    """

    def __init__(self, *, channels: int, depth: int) -> None:
        """Make a level with ``depth`` convolutions before it doubles."""
        super().__init__()
        self.convs = nn.ModuleList(plain_conv(channels, channels, 3) for _ in range(depth))
        self.upscale = nn.ConvTranspose2d(channels, channels, 3, stride=2)
        self.residual = plain_conv(channels, 1, 3)
        self.upscale_image = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start like He et al.; the image by bilinear interpolation."""
        start_he(self)
        row = torch.tensor([0.25, 0.75, 0.75, 0.25])
        with torch.no_grad():
            self.upscale_image.weight.copy_(torch.outer(row, row).view(1, 1, 4, 4))

    def forward(self, features: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(N, channels, H, W)`` and ``(N, 1, H, W)`` to the same at twice the size."""
        for conv in self.convs:
            features = nn.functional.leaky_relu(conv(features), SLOPE)
        features = self.upscale(features)[..., :-1, :-1]
        features = nn.functional.leaky_relu(features, SLOPE)
        doubled = in_float32(self.upscale_image, image) + self.residual(features).float()
        return features, doubled


class LapSRN(LumaNetwork):
    """LapSRN with one level for x2, two for x4, three for x8.

    Table 5 prints the x4 network's parameters at every scale. The released x8 network has
    5 convolutions per level (667,123 parameters), the others 10. The published loss is
    Charbonnier's at every level (Sec. 3.2): see ``forward_luma_pyramid``.
    """

    def __init__(self, *, scale: int, channels: int = 64, depth: int = 10) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor, a power of two.
            channels: Features everywhere.
            depth: Convolutions per level.

        Raises:
            ValueError: A number below 1, or a scale that is no power of two.
        """
        super().__init__(scale=scale)
        check_positive(channels=channels, depth=depth)
        self.entry = plain_conv(1, channels, 3)
        self.levels = nn.ModuleList(
            Level(channels=channels, depth=depth) for _ in range(doublings(scale))
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start the first convolution with standard deviation 1e-3."""
        nn.init.normal_(self.entry.weight, std=1e-3)
        nn.init.zeros_(self.entry.bias)  # type: ignore[arg-type]

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        return self.forward_luma_pyramid(y)[-1]

    def forward_luma_pyramid(self, y: Tensor) -> list[Tensor]:
        """Map LR luma ``(N, 1, H, W)`` to luma at x2, x4, .. up to the scale."""
        features = nn.functional.leaky_relu(self.entry(y), SLOPE)
        image, pyramid = y, []
        for level in self.levels:
            features, image = level(features, image)
            pyramid.append(image)
        return pyramid

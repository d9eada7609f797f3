"""PLKSR, partial large kernels (Lee et al., 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv


class LargeKernelBlock(nn.Module):
    """A mixer of channels, then a large kernel on the first of them alone, 1x1, shortcut."""

    def __init__(self, channels: int, part: int, kernel_size: int) -> None:
        """Make a block on ``channels`` features, the first ``part`` of which see the kernel."""
        super().__init__()
        self.part = part
        self.mixer = nn.Sequential(
            plain_conv(channels, 2 * channels, 3),
            nn.GELU(),
            plain_conv(2 * channels, channels, 3),
        )
        self.large = plain_conv(part, part, kernel_size)
        self.fusion = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        mixed = self.mixer(x)
        seen = torch.cat([self.large(mixed[:, : self.part]), mixed[:, self.part :]], 1)
        return x + self.fusion(seen)  # type: ignore[no-any-return]


class PLKSR(nn.Module):
    """PLKSR-tiny: RGB in 0..1, plus the image itself, each pixel repeated."""

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 64,
        num_blocks: int = 12,
        part: int = 16,
        kernel_size: int = 13,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor.
            channels: Features.
            num_blocks: Large-kernel blocks.
            part: Features that see the large kernel.
            kernel_size: Its side, an odd number of pixels.

        Raises:
            ValueError: A number below 1, more features for the kernel than there are, or an
                even kernel.
        """
        super().__init__()
        check_positive(scale=scale, channels=channels, num_blocks=num_blocks, part=part)
        if part > channels:
            raise ValueError(f"part must be at most {channels}, the channels, not {part}")
        self.scale = scale
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = plain_conv(3, channels, 3)
        self.blocks = nn.Sequential(
            *(LargeKernelBlock(channels, part, kernel_size) for _ in range(num_blocks))
        )
        self.tail = plain_conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        image = self.normalise(lr)
        detail = in_float32(self.tail, self.blocks(self.head(image))).float()
        repeated = image.repeat_interleave(self.scale**2, 1)
        return self.normalise.inverse(self.shuffle(detail + repeated))

"""EDSR-baseline, EDSR and the multi-scale MDSR (Lim et al., CVPRW 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from harness.models.layers import (
    Normalise,
    Residual,
    Upsampler,
    check_positive,
    in_float32,
    plain_conv,
)


def residual_block(channels: int, kernel_size: int = 3, *, scaling: float = 1.0) -> Residual:
    """Return EDSR's block (Fig. 2c): conv - ReLU - conv without batch norm, scaled, ``+ x``."""
    return Residual(
        plain_conv(channels, channels, kernel_size),
        nn.ReLU(),
        plain_conv(channels, channels, kernel_size),
        scaling=scaling,
    )


class EDSR(nn.Module):
    """The single-scale network (Sec. 3.2, Fig. 3): residual blocks in a row, long skip.

    It works on RGB in 0..255 less the mean colour.
    """

    def __init__(
        self,
        *,
        scale: int,
        num_blocks: int = 32,
        channels: int = 256,
        residual_scaling: float = 0.1,
    ) -> None:
        """Build the network; the defaults are EDSR's.

        Args:
            scale: Upscaling factor.
            num_blocks: Residual blocks; 16 in EDSR-baseline.
            channels: Features; 64 in EDSR-baseline.
            residual_scaling: Constant on each block's body; 1 in EDSR-baseline.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(num_blocks=num_blocks, channels=channels)
        self.normalise = Normalise(divisor=1)
        self.head = plain_conv(3, channels, 3)
        self.body = nn.Sequential(
            *(residual_block(channels, scaling=residual_scaling) for _ in range(num_blocks)),
            plain_conv(channels, channels, 3),
        )
        self.upsampler = Upsampler(channels=channels, scale=scale)
        self.tail = plain_conv(channels, 3, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        features = self.head(self.normalise(lr))
        features = features + self.body(features)
        return self.normalise.inverse(in_float32(self.tail, self.upsampler(features)))


class MDSR(nn.Module):
    """The multi-scale network (Sec. 3.3, Fig. 5): one trunk, an entry and exit per scale.

    The entry of a scale is two residual blocks of 5x5 convolutions, its exit an
    upsampler. A network has the weights of all its scales and runs those of one.

    Attributes:
        unused_modules: Prefixes of the modules that ``forward`` leaves out, so that a
            count can tell them from modules it failed to see.
    """

    def __init__(
        self,
        *,
        scale: int,
        scales: Sequence[int] = (2, 3, 4),
        num_blocks: int = 80,
        channels: int = 64,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor that ``forward`` serves.
            scales: Factors the network has weights for.
            num_blocks: Residual blocks of the trunk.
            channels: Features.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(num_blocks=num_blocks, channels=channels)
        if scale not in scales:
            raise ValueError(f"scale must be one of {tuple(scales)}, not {scale}")
        self.branch = f"x{scale}"
        self.normalise = Normalise(divisor=1)
        self.head = plain_conv(3, channels, 3)
        self.entries = nn.ModuleDict(
            {
                f"x{known}": nn.Sequential(residual_block(channels, 5), residual_block(channels, 5))
                for known in scales
            }
        )
        self.body = nn.Sequential(
            *(residual_block(channels) for _ in range(num_blocks)),
            plain_conv(channels, channels, 3),
        )
        self.upsamplers = nn.ModuleDict(
            {f"x{known}": Upsampler(channels=channels, scale=known) for known in scales}
        )
        self.tail = plain_conv(channels, 3, 3)
        self.unused_modules = tuple(
            f"{part}.x{known}"
            for part in ("entries", "upsamplers")
            for known in scales
            if known != scale
        )

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        features = self.entries[self.branch](self.head(self.normalise(lr)))
        features = features + self.body(features)
        return self.normalise.inverse(in_float32(self.tail, self.upsamplers[self.branch](features)))

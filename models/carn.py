"""CARN and CARN-M, cascading residual networks (Ahn et al., ECCV 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.models.layers import (
    Normalise,
    Residual,
    Upsampler,
    check_positive,
    in_float32,
    plain_conv,
)


def residual_unit(channels: int) -> nn.Module:
    """Return CARN's unit (Sec. 3.1): 3x3 - ReLU - 3x3, ``+ x``, ReLU."""
    body = Residual(plain_conv(channels, channels, 3), nn.ReLU(), plain_conv(channels, channels, 3))
    return nn.Sequential(body, nn.ReLU())


def efficient_unit(channels: int, groups: int) -> nn.Module:
    """Return CARN-M's unit (Sec. 3.2): two grouped 3x3 and a 1x1, ``+ x``, ReLU."""
    body = Residual(
        plain_conv(channels, channels, 3, groups=groups),
        nn.ReLU(),
        plain_conv(channels, channels, 3, groups=groups),
        nn.ReLU(),
        plain_conv(channels, channels, 1),
    )
    return nn.Sequential(body, nn.ReLU())


class Cascade(nn.Module):
    """Units in a row, each followed by a 1x1 fusion of all that was there before (Sec. 3.1).

    After unit ``i`` the input and the outputs of units ``1..i`` are concatenated and
    reduced to the width of one. A cascading block is a cascade of residual units, the
    network's trunk a cascade of such blocks.
    """

    def __init__(self, units: Sequence[nn.Module], *, channels: int, num_steps: int) -> None:
        """Chain units over ``num_steps`` steps; a single unit serves all of them."""
        super().__init__()
        self.units = nn.ModuleList(units)
        self.fusions = nn.ModuleList(
            nn.Sequential(plain_conv((step + 2) * channels, channels, 1), nn.ReLU())
            for step in range(num_steps)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to the same shape."""
        features, known = x, x
        for step, fusion in enumerate(self.fusions):
            unit = self.units[step % len(self.units)]
            known = torch.cat([known, unit(features)], 1)
            features = fusion(known)
        return features


class CARN(nn.Module):
    """CARN, and CARN-M by ``groups=4`` (Secs. 3.1 and 3.2), for one scale or for several.

    The authors train one network for x2, x3 and x4; its parameters are what the paper's
    Table 5 prints. ``scales`` builds it; without, the network has one upsampler. There
    is no global skip. The network works on RGB in 0..1 less the mean colour.

    Attributes:
        unused_modules: Prefixes of the modules that ``forward`` leaves out, so that a
            count can tell them from modules it failed to see.
    """

    def __init__(
        self,
        *,
        scale: int,
        scales: Sequence[int] | None = None,
        groups: int | None = None,
        num_blocks: int = 3,
        num_units: int = 3,
        channels: int = 64,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor that ``forward`` serves.
            scales: Factors the network has weights for; None for ``scale`` alone.
            groups: Groups of CARN-M's efficient unit, which a block has one of, shared
                by its steps, and of the upsampler; None for CARN's own units.
            num_blocks: Cascading blocks.
            num_units: Residual units per block.
            channels: Features.

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(num_blocks=num_blocks, num_units=num_units, channels=channels)
        scales = (scale,) if scales is None else scales
        if scale not in scales:
            raise ValueError(f"scale must be one of {tuple(scales)}, not {scale}")
        self.branch = f"x{scale}"
        self.normalise = Normalise(divisor=255)
        self.head = plain_conv(3, channels, 3)
        blocks = [self._block(channels, num_units, groups) for _ in range(num_blocks)]
        self.body = Cascade(blocks, channels=channels, num_steps=num_blocks)
        self.upsamplers = nn.ModuleDict(
            {
                f"x{known}": Upsampler(
                    channels=channels, scale=known, groups=groups or 1, activation=nn.ReLU
                )
                for known in scales
            }
        )
        self.tail = plain_conv(channels, 3, 3)
        self.unused_modules = tuple(f"upsamplers.x{known}" for known in scales if known != scale)

    @staticmethod
    def _block(channels: int, num_units: int, groups: int | None) -> Cascade:
        if groups is None:
            units = [residual_unit(channels) for _ in range(num_units)]
        else:
            units = [efficient_unit(channels, groups)]
        return Cascade(units, channels=channels, num_steps=num_units)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        features = self.body(self.head(self.normalise(lr)))
        return self.normalise.inverse(in_float32(self.tail, self.upsamplers[self.branch](features)))

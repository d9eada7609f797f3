"""D-DBPN, the dense deep back-projection network (Haris et al., CVPR 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.models.layers import BLACK, Normalise, check_positive, in_float32, plain_conv, start_he

KERNEL_SIZES = {2: 6, 4: 8, 8: 12}
"""Side of the projections' kernels by scale; the stride is the scale, the padding 2."""


class Projection(nn.Module):
    """A dense up- or down-projection unit (Secs. 3.1 and 3.2).

    It changes the grid, changes it back, and projects the error of the round trip too:
    ``h = P(l)``, then ``h + Q(P'(h) - l)``. Where several maps come in, a 1x1
    convolution first brings them to the features of one.
    """

    def __init__(self, *, channels: int, num_inputs: int, scale: int, up: bool) -> None:
        """Make a unit on ``num_inputs`` maps of ``channels`` features."""
        super().__init__()
        self.entry = (
            nn.Sequential(plain_conv(num_inputs * channels, channels, 1), nn.PReLU(channels))
            if num_inputs > 1
            else nn.Identity()
        )
        self.project = _grid_change(channels, scale, up=up)
        self.project_back = _grid_change(channels, scale, up=not up)
        self.project_error = _grid_change(channels, scale, up=up)

    def forward(self, known: Sequence[Tensor]) -> Tensor:
        """Map maps ``(N, channels, H, W)`` to one ``(N, channels, H', W')``."""
        x = self.entry(torch.cat(list(known), 1))
        projected = self.project(x)
        return projected + self.project_error(self.project_back(projected) - x)  # type: ignore[no-any-return]


def _grid_change(channels: int, scale: int, *, up: bool) -> nn.Sequential:
    convolution = nn.ConvTranspose2d if up else nn.Conv2d
    size = KERNEL_SIZES[scale]
    return nn.Sequential(
        convolution(channels, channels, size, stride=scale, padding=2), nn.PReLU(channels)
    )


class DDBPN(nn.Module):
    """Up- and down-projections in turn, each fed by all earlier ones of the other kind.

    The reconstruction sees the outputs of all up-projections (Sec. 3.3). The
    defaults are D-DBPN's: n0 = 256, nR = 64, T = 7. PReLUs have a slope per channel, as
    in the public re-implementation; the authors' code has one slope each, 3,405
    parameters less. The network works in 0..1.
    """

    def __init__(
        self,
        *,
        scale: int,
        num_stages: int = 7,
        channels: int = 64,
        head_channels: int = 256,
    ) -> None:
        """Build the network.

        Args:
            scale: Upscaling factor: 2, 4 or 8.
            num_stages: Up-projections (T); there is one down-projection less.
            channels: Features of the projections (nR).
            head_channels: Features of the first layer (n0).

        Raises:
            ValueError: A value that no such network can have.
        """
        super().__init__()
        check_positive(num_stages=num_stages, channels=channels, head_channels=head_channels)
        if scale not in KERNEL_SIZES:
            known = ", ".join(map(str, KERNEL_SIZES))
            raise ValueError(f"scale must be one of {known}, not {scale}")
        self.normalise = Normalise(BLACK, divisor=255)
        self.head = nn.Sequential(
            plain_conv(3, head_channels, 3),
            nn.PReLU(head_channels),
            plain_conv(head_channels, channels, 1),
            nn.PReLU(channels),
        )
        self.up = nn.ModuleList(
            Projection(channels=channels, num_inputs=max(1, stage), scale=scale, up=True)
            for stage in range(num_stages)
        )
        self.down = nn.ModuleList(
            Projection(channels=channels, num_inputs=stage + 1, scale=scale, up=False)
            for stage in range(num_stages - 1)
        )
        self.tail = plain_conv(num_stages * channels, 3, 3)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all convolutions as published: He-normal weights, zero biases (Sec. 4.1)."""
        start_he(self)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        high = [self.up[0]([self.head(self.normalise(lr))])]
        low: list[Tensor] = []  # without the head's features: they feed the first unit only
        for down, up in zip(self.down, self.up[1:], strict=True):
            low.append(down(high))
            high.append(up(low))
        return self.normalise.inverse(in_float32(self.tail, torch.cat(high, 1)))

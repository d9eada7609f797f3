"""What all networks of the luma channel share: colour, chroma, the interpolated input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from harness.models.bicubic import Bicubic
from harness.models.layers import check_positive

Row = tuple[float, float, float]
Matrix = tuple[Row, Row, Row]


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """Affine maps between RGB in 0..255 and luma in 0..1 with two chroma channels.

    They are written element by element, so that they count no Multi-Adds.

    Attributes:
        to_ycc: Rows of luma and chroma, columns of R, G, B.
        ycc_offset: Added to luma and chroma.
        to_rgb: Rows of R, G, B, columns of luma and chroma.
        rgb_offset: Added to R, G, B.
    """

    to_ycc: Matrix
    ycc_offset: Row
    to_rgb: Matrix
    rgb_offset: Row

    def split(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Return luma ``(N, 1, H, W)`` and chroma ``(N, 2, H, W)`` of RGB ``(N, 3, H, W)``."""
        ycc = _affine(rgb, self.to_ycc, self.ycc_offset)
        return ycc[:, :1], ycc[:, 1:]

    def join(self, luma: Tensor, chroma: Tensor) -> Tensor:
        """Return RGB ``(N, 3, H, W)``, unclipped."""
        return _affine(torch.cat([luma, chroma], 1), self.to_rgb, self.rgb_offset)


def _affine(image: Tensor, matrix: Matrix, offset: Row) -> Tensor:
    first, second, third = image[:, 0:1], image[:, 1:2], image[:, 2:3]
    rows = [
        a * first + b * second + c * third + shift
        for (a, b, c), shift in zip(matrix, offset, strict=True)
    ]
    return torch.cat(rows, 1)


def invertible(to_ycc: Matrix, ycc_offset: Row) -> ColourSpace:
    """Return the colour space whose way back is the exact inverse."""
    inverse = np.linalg.inv(np.array(to_ycc))
    rows: list[Row] = [(r[0], r[1], r[2]) for r in inverse.tolist()]
    shift = (-inverse @ np.array(ycc_offset)).tolist()
    return ColourSpace(
        to_ycc, ycc_offset, (rows[0], rows[1], rows[2]), (shift[0], shift[1], shift[2])
    )


def _scaled(matrix: Matrix, factor: float) -> Matrix:
    a, b, c = ((row[0] * factor, row[1] * factor, row[2] * factor) for row in matrix)
    return a, b, c


YCBCR = invertible(
    _scaled(
        ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214)),
        1 / 255**2,
    ),
    (16 / 255, 128 / 255, 128 / 255),
)
"""BT.601 studio range (MATLAB's ``rgb2ycbcr``), divided by 255: luma in 16/255..235/255."""


class LumaNetwork(nn.Module, ABC):
    """A network that super-resolves luma; chroma is upscaled, as a rule by MATLAB's bicubic.

    Colour conversion and bicubic have no parameters and count no Multi-Adds.
    """

    colour: ClassVar[ColourSpace] = YCBCR

    def __init__(self, *, scale: int) -> None:
        """Keep the upscaling factor.

        Raises:
            ValueError: The factor is below 1.
        """
        super().__init__()
        check_positive(scale=scale)
        self.scale = scale
        self.bicubic = Bicubic(scale=scale)

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        luma, _ = self.colour.split(lr)
        return self.colour.join(self.forward_luma(luma).float(), self.chroma(lr))

    def chroma(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB to the chroma of SR, ``(N, 2, scale H, scale W)``."""
        return self.bicubic(self.colour.split(lr)[1])  # type: ignore[no-any-return]

    @abstractmethod
    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""


class InterpolatedNetwork(LumaNetwork):
    """A network that sees luma already interpolated to HR size.

    Its cost depends on the size of the output alone.
    """

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        return self.refine(self.bicubic(y))

    @abstractmethod
    def refine(self, y: Tensor) -> Tensor:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to SR luma of the same shape."""


class MixedNetwork(InterpolatedNetwork):
    """An interpolated-input network that mixes several predictions by learned weights.

    To train one as published, every prediction is supervised too: see
    ``forward_luma_predictions``.
    """

    def __init__(self, *, scale: int, num_predictions: int) -> None:
        """Keep one weight per prediction.

        Raises:
            ValueError: A number below 1.
        """
        super().__init__(scale=scale)
        check_positive(num_predictions=num_predictions)
        self.mixture = nn.Parameter(torch.full((num_predictions,), 1 / num_predictions))

    def refine(self, y: Tensor) -> Tensor:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to SR luma of the same shape."""
        return self._mix(self.predict(y))

    def forward_luma_predictions(self, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return SR luma and the predictions it is mixed from, for a supervised loss.

        Args:
            y: LR luma, ``(N, 1, H, W)`` in 0..1.
        """
        predictions = self.predict(self.bicubic(y))
        return self._mix(predictions), predictions

    @abstractmethod
    def predict(self, y: Tensor) -> list[Tensor]:
        """Map interpolated luma ``(N, 1, H, W)`` in 0..1 to predictions of the same shape."""

    def _mix(self, predictions: list[Tensor]) -> Tensor:
        return (self.mixture.view(-1, 1, 1, 1, 1) * torch.stack(predictions)).sum(0)


def doublings(scale: int) -> int:
    """Return how many x2 steps make the scale.

    Raises:
        ValueError: The scale is not a power of two, or below 2.

    Example:
        >>> doublings(8)
        3
    """
    steps = scale.bit_length() - 1
    if steps < 1 or 2**steps != scale:
        raise ValueError(f"scale must be a power of two, not {scale}")
    return steps

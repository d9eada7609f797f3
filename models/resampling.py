"""Bicubic resampling weights of MATLAB's ``imresize``, as exact fractions.

MATLAB widens the kernel by the inverse of the scale when it shrinks an image, places samples at
pixel centres, and normalises the weights of every output sample. With rational scales all of it
is rational, so the weights are kept as integers over one denominator: sums over 8-bit pixels are
then exact, and a tie at one half rounds the same way on every machine.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import ceil, floor, lcm
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Boundary = Literal["symmetric", "replicate"]


class Contributions(NamedTuple):
    """Which input samples make each output sample, and how much each counts.

    Output ``i`` is ``sum_k weights[i, k] * x[indices[i, k]] / denominator``.

    Attributes:
        indices: Positions in the input, (length_out, taps).
        weights: Numerators, (length_out, taps); every row sums to the denominator.
        denominator: What the sum is divided by.
    """

    indices: NDArray[np.int64]
    weights: NDArray[np.int64]
    denominator: int


def cubic(x: Fraction) -> Fraction:
    """Return Keys' cubic convolution kernel with a = -0.5 (IEEE TASSP 29(6), 1981, Eq. 15).

    Example:
        >>> [str(cubic(Fraction(x, 2))) for x in range(5)]
        ['1', '9/16', '0', '-1/16', '0']
    """
    x = abs(x)
    if x <= 1:
        return (Fraction(3, 2) * x - Fraction(5, 2)) * x**2 + 1
    if x <= 2:
        return ((Fraction(5, 2) - x / 2) * x - 4) * x + 2
    return Fraction(0)


def contributions(
    length_in: int, length_out: int, scale: Fraction, *, boundary: Boundary = "symmetric"
) -> Contributions:
    """Return the bicubic weights that turn one row of pixels into a longer or shorter one.

    Args:
        length_in: Samples before, at least 1.
        length_out: Samples after; ``imresize`` takes ``ceil(scale * length_in)``.
        scale: Samples after per sample before. Below 1 the kernel is widened by ``1 / scale``
            (antialiasing).
        boundary: How samples beyond the ends are made: ``symmetric`` mirrors with the end sample
            repeated (MATLAB today), ``replicate`` repeats the end sample (older MATLAB).

    Raises:
        ValueError: A length is below 1, the scale is not positive, or the boundary is unknown.
    """
    if length_in < 1 or length_out < 1 or scale <= 0:
        raise ValueError(f"cannot resample {length_in} to {length_out} samples at scale {scale}")
    starts, weights, denominator = _phases(scale)
    block, phase = np.divmod(np.arange(length_out), scale.numerator)
    start = starts[phase] + scale.denominator * block
    indices = _inside(start[:, None] + np.arange(weights.shape[1]), length_in, boundary)
    return Contributions(indices, weights[phase], denominator)


@cache
def _phases(scale: Fraction) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return first index, numerators and denominator of the outputs before they repeat.

    Output ``i + scale.numerator`` reads ``scale.denominator`` samples further on with the same
    weights as output ``i``.
    """
    stretch = max(Fraction(1), 1 / scale)
    starts: list[int] = []
    rows: list[list[Fraction]] = []
    for output in range(scale.numerator):
        start, row = _phase((output + Fraction(1, 2)) / scale - Fraction(1, 2), stretch)
        starts.append(start)
        rows.append(row)
    denominator = lcm(*(weight.denominator for row in rows for weight in row))
    taps = max(map(len, rows))
    numerators = [
        [int(weight * denominator) for weight in row] + [0] * (taps - len(row)) for row in rows
    ]
    return np.array(starts, np.int64), np.array(numerators, np.int64), denominator


def _phase(centre: Fraction, stretch: Fraction) -> tuple[int, list[Fraction]]:
    """Return the first contributing position around a centre, and the normalised weights."""
    first = floor(centre - 2 * stretch) + 1
    last = ceil(centre + 2 * stretch) - 1
    row = [cubic((centre - position) / stretch) for position in range(first, last + 1)]
    total = sum(row)
    return first, [weight / total for weight in row]


def _inside(indices: NDArray[np.int64], length: int, boundary: Boundary) -> NDArray[np.int64]:
    """Map positions beyond the ends of a row back into it."""
    if boundary == "replicate":
        return np.clip(indices, 0, length - 1)
    if boundary == "symmetric":
        folded = indices % (2 * length)
        return np.minimum(folded, 2 * length - 1 - folded)
    raise ValueError(f"boundary must be symmetric or replicate, not {boundary!r}")

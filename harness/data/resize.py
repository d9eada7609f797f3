"""MATLAB's antialiased bicubic ``imresize``, equal to it in every pixel of an 8-bit image."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.models.resampling import Boundary, contributions

Pixel = TypeVar("Pixel", np.uint8, np.float64)


def crop_to_multiple(image: NDArray[Pixel], scale: int) -> NDArray[Pixel]:
    """Cut rows at the bottom and columns at the right until the scale divides both sides.

    Example:
        >>> crop_to_multiple(np.zeros((7, 10, 3)), 4).shape
        (4, 8, 3)
    """
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]


def downscale(
    image: NDArray[Pixel], scale: int, *, boundary: Boundary = "symmetric"
) -> NDArray[Pixel]:
    """Make LR from HR: ``imresize`` by ``1 / scale``.

    Args:
        image: HR, (H, W) or (H, W, C), sides multiples of the scale; see ``crop_to_multiple``.
        scale: Factor by which both sides shrink.
        boundary: As in ``imresize``.

    Raises:
        ValueError: The scale does not divide a side: LR would not line up with HR.

    Example:
        >>> downscale(np.full((8, 12, 3), 7, dtype=np.uint8), 4).shape
        (2, 3, 3)
    """
    height, width = image.shape[:2]
    if height % scale or width % scale:
        raise ValueError(f"{width}x{height} pixels are no multiple of {scale}")
    return imresize(image, Fraction(1, scale), boundary=boundary)


def upscale(
    image: NDArray[Pixel], scale: int, *, boundary: Boundary = "symmetric"
) -> NDArray[Pixel]:
    """Interpolate LR to the size of HR: ``imresize`` by ``scale``, the bicubic baseline."""
    return imresize(image, Fraction(scale), boundary=boundary)


def imresize(
    image: NDArray[Pixel], ratio: Fraction, *, boundary: Boundary = "symmetric"
) -> NDArray[Pixel]:
    """Resize both sides by one ratio, rows first.

    An 8-bit image is rounded to 8 bits between the passes as well as after, which is what MATLAB
    does with uint8: without it some 10 % of the pixels differ by one level. A float image is
    never rounded; that is the older protocol of LR luma that was not quantised.

    Args:
        image: (H, W) or (H, W, C), uint8 or float64, at least one pixel.
        ratio: Side after per side before; sizes are rounded up.
        boundary: ``symmetric`` as MATLAB today, ``replicate`` as older MATLAB (the LR files of
            SelfExSR, and those of the benchmarks at x8).

    Raises:
        TypeError: The image is neither uint8 nor float64.
        ValueError: The image has no pixels.
    """
    if image.dtype not in (np.uint8, np.float64):
        raise TypeError(f"imresize takes uint8 or float64 images, not {image.dtype}")
    rows = _resize_rows(image, ratio, boundary)
    # Rows are contiguous and columns are not: transposing twice is cheaper than striding.
    columns = _resize_rows(np.ascontiguousarray(rows.swapaxes(0, 1)), ratio, boundary)
    return np.ascontiguousarray(columns.swapaxes(0, 1))


def _resize_rows(image: NDArray[Pixel], ratio: Fraction, boundary: Boundary) -> NDArray[Pixel]:
    """Resize the first axis; the taps are added in a fixed order."""
    length = image.shape[0]
    taps = contributions(length, ceil(length * ratio), ratio, boundary=boundary)
    eight_bit = image.dtype == np.uint8
    kind = _integer_for(taps.weights, taps.denominator) if eight_bit else np.dtype(np.float64)
    weights = taps.weights.astype(kind).reshape(*taps.weights.shape, *[1] * (image.ndim - 1))
    total = np.zeros((len(weights), *image.shape[1:]), kind)
    for tap in range(weights.shape[1]):
        total += weights[:, tap] * image[taps.indices[:, tap]]
    if eight_bit:
        half_up = (2 * total + taps.denominator) // (2 * taps.denominator)
        resized: NDArray[Pixel] = np.clip(half_up, 0, 255).astype(image.dtype)
    else:
        resized = (total / taps.denominator).astype(image.dtype)
    return resized


def _integer_for(weights: NDArray[np.int64], denominator: int) -> np.dtype[Any]:
    """Return the narrowest integer type that holds twice any sum over 8-bit pixels."""
    peak = 2 * 255 * int(np.abs(weights).sum(axis=1).max()) + denominator
    return np.dtype(np.int32 if peak < 2**31 else np.int64)

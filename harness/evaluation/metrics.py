"""PSNR and SSIM as pure functions; what they are given is up to :mod:`harness.config.protocols`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from harness.config.protocols import DEFAULT, Protocol
from harness.errors import DataError

Image = NDArray[np.uint8]
Luma = NDArray[np.float64]

_WINDOW_RADIUS = 5
_PEAK = 255.0


def to_uint8(values: NDArray[np.floating], *, truncate: bool = False) -> Image:
    """Clip to 0..255 and round half away from zero, as MATLAB's ``uint8`` does.

    Args:
        values: Pixels of any shape.
        truncate: Drop the fraction instead, as a cast in NumPy or TensorFlow does.

    Example:
        >>> to_uint8(np.array([-3.0, 0.5, 99.7, 300.0])).tolist()
        [0, 1, 100, 255]
        >>> to_uint8(np.array([99.7]), truncate=True).tolist()
        [99]
    """
    shift = 0.0 if truncate else 0.5
    quantised: Image = np.floor(np.clip(values, 0, _PEAK) + shift).astype(np.uint8)
    return quantised


def luma(rgb: Image) -> Luma:
    """Return the Y of BT.601 studio-range YCbCr, not rounded.

    Args:
        rgb: ``(H, W, 3)``, 0..255.

    Returns:
        ``(H, W)``, 16..235: ``16 + (65.481 R + 128.553 G + 24.966 B) / 255``.
    """
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    return 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255


def cut(image: Luma, border: int) -> Luma:
    """Cut ``border`` pixels from every side of an ``(H, W)`` image."""
    height, width = image.shape
    return image[border : height - border, border : width - border]


def psnr(first: Luma, second: Luma) -> float:
    """Return the peak signal-to-noise ratio in dB, for a peak of 255.

    Args:
        first: ``(H, W)`` luma, border already cut.
        second: The other image, same shape.

    Returns:
        Infinity where the images are equal.

    Raises:
        ValueError: The shapes differ, or there are no pixels.

    Example:
        >>> round(psnr(np.zeros((4, 4)), np.ones((4, 4))), 2)  # one level off everywhere
        48.13
    """
    _check_shapes(first, second, minimum=1)
    error = float(np.mean((first - second) ** 2))
    return math.inf if error == 0 else 10 * math.log10(_PEAK**2 / error)


def ssim(first: Luma, second: Luma) -> float:
    """Return the structural similarity of Wang et al. (2004).

    11x11 Gaussian window of sigma 1.5, K = (0.01, 0.03), L = 255, population
    (co)variance, mean over the pixels whose window lies inside the image.

    Args:
        first: ``(H, W)`` luma, border already cut.
        second: The other image, same shape.

    Raises:
        ValueError: The shapes differ, or the images are smaller than the window.
    """
    _check_shapes(first, second, minimum=2 * _WINDOW_RADIUS + 1)
    mean_1, mean_2 = _blur(first), _blur(second)
    variance_1 = _blur(first * first) - mean_1**2
    variance_2 = _blur(second * second) - mean_2**2
    covariance = _blur(first * second) - mean_1 * mean_2
    c1, c2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
    similarity = ((2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)) / (
        (mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2)
    )
    return float(similarity.mean())


def planes(image: Image, protocol: Protocol) -> list[Luma]:
    """Return the ``(H, W)`` channels of an image that a protocol compares.

    Args:
        image: 8-bit RGB, ``(H, W, 3)``, or 8-bit luma, ``(H, W)``, which is its only channel.
        protocol: The protocol.
    """
    if image.ndim == 2:
        return [image.astype(np.float64)]
    if protocol.compared == "RGB":
        return [image[..., channel].astype(np.float64) for channel in range(3)]
    exact = luma(image)
    return [np.floor(exact + 0.5) if protocol.compared == "8-bit luma" else exact]


def score(
    sr: Image,
    hr: Image,
    *,
    scale: int,
    name: str,
    protocol: Protocol = DEFAULT,
    hr_planes: Sequence[Luma] | None = None,
) -> tuple[float, float]:
    """Score one SR image.

    Args:
        sr: ``(H, W, 3)`` 8-bit RGB, or ``(H, W)`` 8-bit luma.
        hr: Its reference, same shape.
        scale: Upscaling factor: the border that most protocols cut.
        name: Name of the image, for the error message.
        protocol: What is compared, and the border.
        hr_planes: What :func:`planes` returns of HR, where it is at hand.

    Returns:
        PSNR in dB and SSIM.

    Raises:
        DataError: The image is too small for the border and the SSIM window.
    """
    border = protocol.border_px(scale)
    least = 2 * border + 2 * _WINDOW_RADIUS + 1
    if min(hr.shape[:2]) < least:
        height, width = hr.shape[:2]
        raise DataError(
            f"'{name}' is too small to score: {width}x{height} pixels, "
            f"expected at least {least}x{least} (border {border}, SSIM window 11)"
        )
    both = (planes(sr, protocol), hr_planes or planes(hr, protocol))
    first, second = ([cut(plane, border) for plane in of_one] for of_one in both)
    similarity = fmean(ssim(*pair) for pair in zip(first, second, strict=True))
    return psnr(np.hstack(first), np.hstack(second)), similarity


def _check_shapes(first: Luma, second: Luma, *, minimum: int) -> None:
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(f"expected two (H, W) images of one shape: {first.shape}, {second.shape}")
    if min(first.shape) < minimum:
        raise ValueError(f"expected at least {minimum} pixels a side, not {first.shape}")


def _gaussian() -> NDArray[np.float64]:
    offsets = np.arange(-_WINDOW_RADIUS, _WINDOW_RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    normal: NDArray[np.float64] = weights / weights.sum()
    return normal


def _blur(image: Luma) -> Luma:
    """Weighted mean over the window, on the pixels where the window fits."""
    for axis in (0, 1):
        image = correlate1d(image, _gaussian(), axis=axis, mode="constant")
    return cut(image, _WINDOW_RADIUS)

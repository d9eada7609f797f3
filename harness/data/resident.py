"""Training patches from a prepared set that lies whole in a device's memory: one gather a batch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.data.patches import Patches, below

_CHUNK = 2**26  # bytes sent at a time


class ResidentPatches:
    """The batches of :class:`Patches`, byte for byte, cut where the pixels lie.

    LR and HR of all images are sent to the device once, as 8-bit pixels. A crop, flipped and
    turned, is affine in its rows and columns: a corner, the way to the next row and the way to
    the next column, in bytes. Six numbers a sample go to the device with a step, and one gather
    for LR and one for HR cut the whole batch there. The device may be a CPU; there it takes three
    times as long as the sampler (134 and 46 us a sample of 48x48 at x2, one thread), which stays.
    """

    def __init__(self, patches: Patches, device: torch.device) -> None:
        """Send the pixels of the patches' images to a device.

        Raises:
            torch.OutOfMemoryError: They do not fit.
        """
        prepared = patches.prepared
        self._patches = patches
        self._device = device
        self._lr = _sent(prepared.lr_pixels, device)
        self._hr = _sent(prepared.hr_pixels, device)
        chosen = (prepared.entries[index] for index in patches.usable)
        self._images = np.array(
            [(entry.height, entry.width, entry.lr_offset, entry.hr_offset) for entry in chosen],
            np.int64,
        )

    def cut(self, step: int, share: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Return the batch of a step, or a share of its samples, on the device.

        Returns:
            LR (N, 3, patch, patch) and HR (N, 3, scale*patch, scale*patch), uint8 RGB.
        """
        windows = torch.from_numpy(self._windows(self._patches.draws(step)[share]))
        lr, hr = windows.to(self._device, non_blocking=True)
        side = self._patches.patch
        return _gathered(self._lr, lr, side), _gathered(
            self._hr, hr, side * self._patches.prepared.scale
        )

    def _windows(self, draws: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return where the patches of LR and HR lie: corner, way down, way right, in bytes.

        Args:
            draws: (N, 4), as :meth:`Patches.draws` has them.

        Returns:
            (2, 3, N).
        """
        image, row, column, turn = draws.astype(np.int64).T
        side = self._patches.patch
        chosen = self._images[below(len(self._images), image)]
        height, width, lr_offset, hr_offset = chosen.T
        top, left = below(height - side + 1, row), below(width - side + 1, column)
        pose = below(8, turn)
        found = [
            _window(offset, 3 * width * scale, top * scale, left * scale, side * scale, pose)
            for offset, scale in ((lr_offset, 1), (hr_offset, self._patches.prepared.scale))
        ]
        return np.array(found)


def _window(
    offset: NDArray[np.int64],
    row: NDArray[np.int64],
    top: NDArray[np.int64],
    left: NDArray[np.int64],
    side: int,
    pose: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return corner, way down and way right of the patches in one of the eight poses, (3, N).

    Args:
        offset: Where the images begin.
        row: Bytes of a row of the images.
        top: First row of the patches.
        left: First column of the patches.
        side: Of the patches, in pixels.
        pose: Bit 1: columns reversed, 2: rows reversed, 4: then rows and columns exchanged.
    """
    columns_reversed, rows_reversed, exchanged = pose & 1 > 0, pose & 2 > 0, pose & 4 > 0
    down, right = np.where(rows_reversed, -row, row), np.where(columns_reversed, -3, 3)
    first_row = top + np.where(rows_reversed, side - 1, 0)
    first_column = left + np.where(columns_reversed, side - 1, 0)
    corner = offset + row * first_row + 3 * first_column
    return np.array(
        [corner, np.where(exchanged, right, down), np.where(exchanged, down, right)], np.int64
    )


def _gathered(pixels: Tensor, windows: Tensor, side: int) -> Tensor:
    """Return patches, (N, 3, side, side), of pixels end to end, by their windows (3, N)."""
    corner, down, right = windows.view(3, -1, 1, 1, 1)
    along = torch.arange(side, device=pixels.device)
    channel = torch.arange(3, device=pixels.device).view(3, 1, 1)
    return pixels.take(corner + channel + down * along.view(side, 1) + right * along)


def _sent(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return a copy of pixels on a device; they may be a memory map larger than the memory."""
    held = torch.empty(pixels.size, dtype=torch.uint8, device=device)
    for start in range(0, pixels.size, _CHUNK):
        part = pixels[start : start + _CHUNK]
        held[start : start + part.size] = torch.from_numpy(part.copy())
    return held

"""Training patches: random crops and dihedral augmentations, a function of seed and step alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.prepare import Prepared
from harness.errors import DataError

# Random numbers per patch: image, row, column, augmentation.
_DRAWS = 4

_TURNS = 8
_HALF = np.uint64(32)


class Patches:
    """Batches of aligned LR and HR patches; ``patches[step]`` is the batch of a step.

    Nothing is remembered between steps, so a batch is the same whatever the model, the number of
    workers or a restart; the first patches of a batch are the same whatever its size. The random
    numbers are the raw output of a counter-based generator (Philox4x64-10, Salmon et al. 2011),
    which no NumPy release changes.

    Every image is equally likely, however large: an epoch of the paper's training, as of EDSR's
    before it, shows each image equally often. In DIV2K, where sizes hardly differ, this is the
    same as choosing by area; in T291 it keeps the small but sharp images of T91 at a third of
    the patches, where by area they would be a seventh. Within an image every position is equally
    likely, and so are the eight flips and quarter turns (Sec. 4.2).

    Attributes:
        prepared: The images.
        usable: Which of them hold a patch.
        patch, batch, seed: As below.

    Args:
        prepared: The images.
        patch: Side of an LR patch in pixels.
        batch: Patches per step.
        seed: At least 0.

    Raises:
        DataError: No image is as large as the patch.
    """

    def __init__(self, prepared: Prepared, *, patch: int, batch: int, seed: int) -> None:
        """Find the images that hold a patch."""
        usable = prepared.usable(patch)
        if not usable:
            side = patch * prepared.scale
            raise DataError(
                f"{prepared.name}: expected an image of at least {side}x{side} pixels (a patch of "
                f"{patch} at x{prepared.scale}), but all {len(prepared.entries)} are smaller"
            )
        self.prepared = prepared
        self.usable = usable
        self.patch = patch
        self.batch = batch
        self.seed = seed
        pairs = [(prepared.lr(index), prepared.hr(index)) for index in usable]
        self._rows = [(_rows(lr), _rows(hr)) for lr, hr in pairs]
        # How many places a patch may have along either side of each image.
        sides = np.array([lr.shape[:2] for lr, _ in pairs], np.uint64)
        self._places = sides - np.uint64(patch - 1)

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels of all images, LR and HR."""
        return self.prepared.lr_pixels.nbytes + self.prepared.hr_pixels.nbytes

    def __getitem__(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the batch of a step, counted from 0.

        Returns:
            LR (N, 3, patch, patch) and HR (N, 3, scale*patch, scale*patch), uint8 RGB.
        """
        scale = self.prepared.scale
        small, large = self.patch, self.patch * scale
        lr = np.empty((self.batch, 3, small, small), np.uint8)
        hr = np.empty((self.batch, 3, large, large), np.uint8)
        # A patch is cut in two passes: its rows, which lie far from each other in the image, are
        # put side by side, where its pixels are then picked up in any order without waiting.
        lr_cut, hr_cut = (np.empty((side, 3 * side), np.uint8) for side in (small, large))
        lr_turned, hr_turned = _poses(lr_cut), _poses(hr_cut)
        for n, (image, top, left, turn) in enumerate(self._choices(step)):
            lr_rows, hr_rows = self._rows[image]
            lr_cut[...] = lr_rows[top : top + small, 3 * left : 3 * (left + small)]
            lr[n] = lr_turned[turn]
            top, left = top * scale, left * scale
            hr_cut[...] = hr_rows[top : top + large, 3 * left : 3 * (left + large)]
            hr[n] = hr_turned[turn]
        return lr, hr

    def draws(self, step: int) -> NDArray[np.uint64]:
        """Return 32 random bits for every choice of every patch of a step.

        Returns:
            (N, 4): image, row, column, turn; :func:`below` makes a choice of one.
        """
        # A step owns 2**192 numbers of the seed's sequence, so steps never overlap.
        generator = np.random.Philox(key=self.seed, counter=[0, 0, 0, step])
        raw = generator.random_raw(self.batch * _DRAWS) >> _HALF
        return np.asarray(raw.reshape(self.batch, _DRAWS), np.uint64)

    def _choices(self, step: int) -> list[list[int]]:
        """Return image, row, column and turn of every patch of a step."""
        bits = self.draws(step)
        image = below(len(self._rows), bits[:, 0])
        limits = np.empty((self.batch, _DRAWS - 1), np.uint64)
        limits[:, :2] = self._places[image]
        limits[:, 2] = _TURNS
        chosen: list[list[int]] = np.column_stack([image, below(limits, bits[:, 1:])]).tolist()
        return chosen


def below(limit: Any, bits: Any) -> Any:
    """Return a number in [0, limit) from 32 uniform bits; or many, limits below 2**31."""
    return (bits * limit) >> 32


def _rows(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an (H, W, 3) image as its rows, (H, 3 W)."""
    return image.reshape(image.shape[0], -1)


def _poses(rows: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the flips and quarter turns of a square patch (S, 3 S), as views (3, S, S) of it."""
    image = rows.reshape(len(rows), -1, 3).transpose(2, 0, 1)
    return [_turned(image, turn) for turn in range(_TURNS)]


def _turned(image: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Return one of the eight flips and quarter turns of a (3, S, S) image, as a view."""
    if turn & 1:
        image = image[:, :, ::-1]
    if turn & 2:
        image = image[:, ::-1]
    if turn & 4:
        image = image.swapaxes(1, 2)
    return image

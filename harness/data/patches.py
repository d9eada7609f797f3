"""Training patches: random crops and dihedral augmentations, a function of seed and step alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.data.prepare import Prepared
from harness.errors import DataError

# Random numbers per patch: image, row, column, augmentation.
_DRAWS = 4


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
        self._pairs = [(prepared.lr(index), prepared.hr(index)) for index in usable]
        self._scale = prepared.scale
        self._patch = patch
        self._batch = batch
        self._seed = seed

    def __getitem__(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the batch of a step, counted from 0.

        Returns:
            LR (N, 3, patch, patch) and HR (N, 3, scale*patch, scale*patch), uint8 RGB.
        """
        side = self._patch * self._scale
        lr = np.empty((self._batch, 3, self._patch, self._patch), np.uint8)
        hr = np.empty((self._batch, 3, side, side), np.uint8)
        for lr_out, hr_out, draws in zip(lr, hr, self._draws(step), strict=True):
            self._cut(lr_out, hr_out, draws)
        return lr, hr

    def _draws(self, step: int) -> list[list[int]]:
        """Return 32 random bits for every choice of every patch of a step."""
        # A step owns 2**192 numbers of the seed's sequence, so steps never overlap.
        generator = np.random.Philox(key=self._seed, counter=[0, 0, 0, step])
        raw = generator.random_raw(self._batch * _DRAWS) >> np.uint64(32)
        drawn: list[list[int]] = raw.reshape(self._batch, _DRAWS).tolist()
        return drawn

    def _cut(self, lr_out: NDArray[np.uint8], hr_out: NDArray[np.uint8], draws: list[int]) -> None:
        """Cut one patch out of LR and HR at the same place and turn both the same way."""
        image, row, column, turn = draws
        lr, hr = self._pairs[_below(len(self._pairs), image)]
        top = _below(lr.shape[0] - self._patch + 1, row)
        left = _below(lr.shape[1] - self._patch + 1, column)
        for out, whole, scale in ((lr_out, lr, 1), (hr_out, hr, self._scale)):
            side = self._patch * scale
            cut = whole[top * scale : top * scale + side, left * scale : left * scale + side]
            out[...] = _turned(cut.transpose(2, 0, 1), _below(8, turn))


def _below(limit: int, bits: int) -> int:
    """Return a number in [0, limit) from 32 uniform bits."""
    return (bits * limit) >> 32


def _turned(image: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Return one of the eight flips and quarter turns of a (3, S, S) image, as a view."""
    if turn & 1:
        image = image[:, :, ::-1]
    if turn & 2:
        image = image[:, ::-1]
    if turn & 4:
        image = image.swapaxes(1, 2)
    return image

"""Training patches: random crops and dihedral augmentations, a function of seed and step alone."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.data.prepare import Prepared
from harness.errors import DataError

_Whole = TypeVar("_Whole", int, NDArray[np.int64])

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
        self._pairs = [(prepared.lr(index), prepared.hr(index)) for index in usable]
        self._scale = prepared.scale

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels of all images, LR and HR."""
        return self.prepared.lr_pixels.nbytes + self.prepared.hr_pixels.nbytes

    def __getitem__(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the batch of a step, counted from 0.

        Returns:
            LR (N, 3, patch, patch) and HR (N, 3, scale*patch, scale*patch), uint8 RGB.
        """
        side = self.patch * self._scale
        lr = np.empty((self.batch, 3, self.patch, self.patch), np.uint8)
        hr = np.empty((self.batch, 3, side, side), np.uint8)
        for lr_out, hr_out, draws in zip(lr, hr, self.draws(step).tolist(), strict=True):
            self._cut(lr_out, hr_out, draws)
        return lr, hr

    def draws(self, step: int) -> NDArray[np.uint64]:
        """Return 32 random bits for every choice of every patch of a step.

        Returns:
            (N, 4): image, row, column, turn; :func:`below` makes a choice of one.
        """
        # A step owns 2**192 numbers of the seed's sequence, so steps never overlap.
        generator = np.random.Philox(key=self.seed, counter=[0, 0, 0, step])
        raw = generator.random_raw(self.batch * _DRAWS) >> np.uint64(32)
        return np.asarray(raw.reshape(self.batch, _DRAWS), np.uint64)

    def _cut(self, lr_out: NDArray[np.uint8], hr_out: NDArray[np.uint8], draws: list[int]) -> None:
        """Cut one patch out of LR and HR at the same place and turn both the same way."""
        image, row, column, turn = draws
        lr, hr = self._pairs[below(len(self._pairs), image)]
        top = below(lr.shape[0] - self.patch + 1, row)
        left = below(lr.shape[1] - self.patch + 1, column)
        for out, whole, scale in ((lr_out, lr, 1), (hr_out, hr, self._scale)):
            side = self.patch * scale
            cut = whole[top * scale : top * scale + side, left * scale : left * scale + side]
            out[...] = _turned(cut.transpose(2, 0, 1), below(8, turn))


def below(limit: int | _Whole, bits: _Whole) -> _Whole:
    """Return a number in [0, limit) from 32 uniform bits; or many, limits below 2**31."""
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

"""What makes a difference uncertain: the variances of seeds, of images and of the residual.

They are those of the model of :mod:`harness.statistics.random_effects`, estimated from the mean
squares of its two-way table, with the limits that chi-square gives. From three seeds the spread
over seeds is known within a factor of 0.5 to 6 only (95 % limits with 2 degrees of freedom).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isinf

import numpy as np
from scipy.special import chdtri

from harness.statistics.random_effects import (
    LEVEL,
    Array,
    Sample,
    VariancePart,
    residual_part,
    seed_part,
)

Limits = tuple[Array, Array, Array]
"""A standard deviation, and its lower and upper limit."""


@dataclass(frozen=True, slots=True)
class Components:
    """The variances of the difference of two rows that share their seeds, in squared units.

    Attributes:
        training: Of one training's difference, a mean over images and sets: seeds and residual.
        images: Of the images of each set.
        residual: The residual of each set.
        numbers: How many images each set has.
        trainings: How many trainings they are estimated from.
    """

    training: Array
    images: tuple[Array, ...]
    residual: tuple[Array, ...]
    numbers: tuple[int, ...]
    trainings: int

    @property
    def seeds(self) -> Array:
        """The variance over seeds, without what the residual adds to a mean over images."""
        shares = self._means(self.residual)
        return np.asarray(np.maximum(self.training - np.sum(shares, axis=0), 0))

    @property
    def of_images(self) -> Array:
        """What the images add to the variance of the mean, whatever the number of seeds."""
        return np.asarray(np.sum(self._means(self.images), axis=0))

    def parts(self, seeds: float) -> tuple[list[VariancePart], list[VariancePart]]:
        """Return the parts of the variance of a mean over so many seeds, and over the images.

        Args:
            seeds: Trainings a row, 2 or more; infinite for what no number of seeds takes away.
        """
        rows = [] if isinf(seeds) else [(self.training / seeds, int(seeds) - 1)]
        return rows, [
            (part, number - 1)
            for part, number in zip(self._means(self.images), self.numbers, strict=True)
            if number > 1
        ]

    def upper(self, seeds: float, confidence: float) -> Components:
        """Return variances that are larger than the true ones in that share of all pilots.

        The upper limit is of the variance of a mean over ``seeds`` trainings, by the modified
        large-sample method (Graybill and Wang, J. Am. Stat. Assoc. 75, 1980): the excesses of the
        parts' own limits are added as squares. Each part gets its share of the whole excess.
        """
        seeds_part, image_parts = self.parts(seeds)
        values = [value for value, _ in (*seeds_part, *image_parts)]
        numbers = [self.trainings - 1] * len(seeds_part) + [df for _, df in image_parts]
        excesses = [
            value * (number / chdtri(number, confidence) - 1)
            for value, number in zip(values, numbers, strict=True)
        ]
        whole = np.sqrt(np.sum(np.square(excesses), axis=0))
        whole = np.where(whole > 0, whole, 1.0)
        grown = [
            1 + np.divide(excess**2 / whole, value, out=np.zeros_like(value), where=value > 0)
            for value, excess in zip(values, excesses, strict=True)
        ]
        factors = iter(grown)
        training = self.training * (next(factors) if seeds_part else 1)
        images = [
            value * (next(factors) if number > 1 else 1)
            for value, number in zip(self.images, self.numbers, strict=True)
        ]
        return replace(self, training=np.asarray(training), images=tuple(images))

    def seeds_sd(self) -> Limits:
        """Return the standard deviation over seeds with its 95 % limits."""
        rest = self.training - self.seeds
        low, high = (self.training * factor for factor in _factors(self.trainings - 1))
        return _sds(self.seeds, low - rest, high - rest)

    def images_sd(self) -> Limits:
        """Return the root of the mean variance over images of the sets, with its 95 % limits."""
        own = np.asarray(np.mean(self.images, axis=0))
        rest = [part / self.trainings for part in self.residual]
        observed = np.stack([a + b for a, b in zip(self.images, rest, strict=True)])
        numbers = np.maximum(np.array(self.numbers, dtype=np.float64) - 1, 1)
        squares = np.tensordot(1 / numbers, observed**2, axes=1)
        total = observed.sum(axis=0)
        df = np.divide(total**2, squares, out=np.ones_like(total), where=squares > 0)
        low, high = (total / len(rest) * factor for factor in _factors(df))
        mean_rest = np.mean(rest, axis=0)
        return _sds(own, low - mean_rest, high - mean_rest)

    def residual_sd(self) -> Limits:
        """Return the root of the mean residual variance of the sets, with its 95 % limits."""
        own = np.asarray(np.mean(self.residual, axis=0))
        df = (self.trainings - 1) * sum(number - 1 for number in self.numbers)
        low, high = (own * factor for factor in _factors(max(df, 1)))
        return _sds(own, low, high)

    def _means(self, variances: Sequence[Array]) -> list[Array]:
        """Return what the variances of single images are of a mean over images and sets."""
        sets = len(self.numbers)
        return [
            value / (sets**2 * number)
            for value, number in zip(variances, self.numbers, strict=True)
        ]


def of_sample(sample: Sample) -> Components:
    """Estimate the components of paired differences.

    Args:
        sample: By set ``(..., seeds, images)``, of two seeds or more.

    Raises:
        ValueError: There are fewer than two seeds, so that nothing is known of their spread.
    """
    trainings = sample[0].shape[-2]
    if trainings < 2:
        raise ValueError("one training a row says nothing of the spread over seeds")
    of_mean, _ = seed_part(sample)
    residual = [residual_part(values) * values.shape[-2] * values.shape[-1] for values in sample]
    images = []
    for values, rest in zip(sample, residual, strict=True):
        several = values.shape[-1] > 1
        between = values.mean(axis=-2).var(axis=-1, ddof=1) if several else np.zeros_like(rest)
        images.append(np.asarray(np.maximum(between - rest / trainings, 0)))
    return Components(
        training=of_mean * trainings,
        images=tuple(images),
        residual=tuple(np.asarray(rest) for rest in residual),
        numbers=tuple(values.shape[-1] for values in sample),
        trainings=trainings,
    )


def _factors(df: Array | int) -> tuple[Array, Array]:
    """Return by what a variance's estimate is multiplied for its 95 % limits."""
    tail = (1 - LEVEL) / 2
    return np.asarray(df / chdtri(df, tail)), np.asarray(df / chdtri(df, 1 - tail))


def _sds(value: Array, low: Array, high: Array) -> Limits:
    ends = (np.sqrt(np.maximum(end, 0)) for end in (value, low, high))
    own, lower, upper = (np.asarray(end) for end in ends)
    return own, lower, upper

"""A bootstrap over seeds and images, to stand beside the interval of the model."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from harness.statistics.random_effects import LEVEL, Array, Sample

REPLICATES = 5000
"""Resamplings."""


def interval(*samples: Sample, replicates: int = REPLICATES, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of a paired hierarchical bootstrap.

    Seeds are drawn anew with replacement (those of two samples apart), and within each set
    the images, the same for all seeds. With few seeds it is too short: of 3 seeds, one draw
    in nine is a single one. It stands beside the model for comparison only.

    Args:
        samples: As for :func:`harness.statistics.random_effects.estimate`, without leading axes.
        replicates: Number of resamplings.
        seed: Of the resampling.
    """
    trainings = tuple(sample[0].shape[0] for sample in samples)
    images = tuple(values.shape[1] for values in samples[0])
    drawn_trainings, drawn_images = _drawn(trainings, images, replicates, seed)
    total = np.zeros(replicates)
    for sample, weights in zip(samples, drawn_trainings, strict=True):
        for values, image_weights in zip(sample, drawn_images, strict=True):
            total += np.einsum("rn,rn->r", weights @ values, image_weights)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(total / len(images), [tail, 1 - tail])
    return float(low), float(high)


@lru_cache(maxsize=16)
def _drawn(
    trainings: tuple[int, ...], images: tuple[int, ...], replicates: int, seed: int
) -> tuple[list[Array], list[Array]]:
    """Return the weights of a mean over what was drawn, ``(replicates, number)`` each."""
    generator = np.random.default_rng(seed)

    def weights(number: int) -> Array:
        shares = np.full(number, 1 / number)
        return generator.multinomial(number, shares, size=replicates) / number

    return [weights(number) for number in trainings], [weights(number) for number in images]

"""Do all images of these trainings lose, or gain? An exact sign test over images.

It speaks of another population than the interval of :mod:`harness.statistics.random_effects`.
The interval is for new trainings on new images; with 3 seeds it can hold zero although every
image loses in every one of them. The sign test is for new images, but for these very trainings:
whether an image of these kinds, under the trainings at hand, loses as often as it gains. A
small p says nothing of other seeds. It is not corrected for the number of rows, and all images
count alike, so that large sets weigh more than in a mean over sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from harness.statistics.random_effects import Sample


@dataclass(frozen=True, slots=True)
class Agreement:
    """In how many images a row is above its base.

    Attributes:
        better: Images with a positive mean difference over the trainings.
        worse: Those with a negative one; images without any difference are in neither.
        trainings: Number of differences an image: of seeds, or of pairs of seeds where the two
            rows do not share them.
        unanimous: Whether every image has the same sign in every training.
    """

    better: int
    worse: int
    trainings: int
    unanimous: bool

    @property
    def p(self) -> float:
        """The two-sided p-value of the exact sign test: are gains as frequent as losses?"""
        fewer = min(self.better, self.worse)
        return min(1.0, 2 * float(bdtr(fewer, self.better + self.worse, 0.5)))


def of_trainings(row: Sample, base: Sample, *, paired: bool) -> Agreement:
    """Return how far the images agree on the sign of a difference.

    Args:
        row: Values of the row, by set ``(trainings, images)``.
        base: Those of the base, of the same images.
        paired: Whether a training of one belongs to the same one of the other; otherwise every
            training is compared with every other.
    """
    ours, theirs = (np.concatenate(sample, axis=1) for sample in (row, base))
    if paired:
        differences = ours - theirs
        means = differences.mean(axis=0)
        least, most = differences.min(), differences.max()
    else:  # what follows for all pairs, without making them: they are too many
        means = ours.mean(axis=0) - theirs.mean(axis=0)
        least = (ours.min(axis=0) - theirs.max(axis=0)).min()
        most = (ours.max(axis=0) - theirs.min(axis=0)).max()
    return Agreement(
        better=int((means > 0).sum()),
        worse=int((means < 0).sum()),
        trainings=len(ours) if paired else len(ours) * len(theirs),
        unanimous=bool(least > 0 or most < 0),
    )

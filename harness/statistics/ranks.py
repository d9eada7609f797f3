"""Which of many rows rank alike? Friedman's test over images, and Nemenyi's critical difference.

Every image of every set is a block: the rows are ranked within it by their PSNR, a mean over their
seeds, the best first. Friedman's test asks whether all rows rank alike; two rows differ by
Nemenyi's test where their mean ranks are further apart than

    CD = q(k) sqrt(k (k + 1) / (6 N))

with k rows, N images, and q(k) the 5 % point of the studentized range over the square root of 2
(Demsar, J. Mach. Learn. Res. 7, 2006). All images count alike, so that large sets weigh more than
in a mean over sets. It speaks of new images under these trainings, and of no other seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.errors import UsageError
from harness.records.selection import ComparedRow, Comparison
from harness.statistics.random_effects import LEVEL, Array

FEWEST = 5
"""Rows from which on it is drawn: of fewer, a table says more."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """How rows rank over images.

    Attributes:
        labels: The rows, the best first.
        means: Their mean ranks, from 1.
        images: How many images they were ranked on.
        sets: The sets of the images.
        p: The p-value of Friedman's test.
        critical: Nemenyi's critical difference.
    """

    labels: tuple[str, ...]
    means: tuple[float, ...]
    images: int
    sets: tuple[str, ...]
    p: float
    critical: float

    @property
    def cliques(self) -> tuple[tuple[int, int], ...]:
        """The largest runs of rows that do not differ, by the first and the last of each."""
        runs: list[tuple[int, int]] = []
        for first, mean in enumerate(self.means):
            last = max(i for i, other in enumerate(self.means) if other - mean <= self.critical)
            if last > first and (not runs or last > runs[-1][1]):
                runs.append((first, last))
        return tuple(runs)


def of_comparison(comparison: Comparison) -> Ranks:
    """Rank the rows of a comparison that were run.

    Raises:
        UsageError: They are fewer than five, or were not scored on the same images.
    """
    rows = [entry for entry in comparison.entries if entry.records]
    if len(rows) < FEWEST:
        raise UsageError(
            f"expected {FEWEST} rows that were trained alike or more, not {len(rows)}: of fewer, "
            "the table says more"
        )
    if not comparison.sets:
        raise UsageError("the rows have no set of images in common")
    values = np.array([_values(row, comparison.sets) for row in rows])
    return of_values([row.label for row in rows], values, comparison.sets)


def of_values(labels: Sequence[str], values: Array, sets: Sequence[str]) -> Ranks:
    """Rank rows by their values, ``(rows, images)``, the largest first; ties share their ranks."""
    number, images = values.shape
    means = stats.rankdata(-values, axis=0).mean(axis=1)
    order = np.argsort(means, kind="stable")
    q = float(stats.studentized_range.ppf(LEVEL, number, np.inf)) / 2**0.5
    alike = bool((values == values[0]).all())
    return Ranks(
        labels=tuple(labels[i] for i in order),
        means=tuple(float(means[i]) for i in order),
        images=images,
        sets=tuple(sets),
        p=1.0 if alike else float(stats.friedmanchisquare(*values).pvalue),
        critical=q * (number * (number + 1) / (6 * images)) ** 0.5,
    )


def _values(row: ComparedRow, sets: Sequence[str]) -> list[float]:
    """Return the PSNR of each image, the mean over the seeds; infinite where SR equals HR."""
    found: list[float] = []
    for name in sets:
        scores = [score for record in row.records for score in record.scores if score.set == name]
        table = [[image.psnr_db for image in score.images] for score in scores]
        found += np.mean(table, axis=0).tolist()
    return found

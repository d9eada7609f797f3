"""The trainings of two rows, and their values on the same images, as the statistics take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from harness.records.record import Record, SetScore

if TYPE_CHECKING:
    from harness.statistics.random_effects import Estimate, Sample

Metric = Literal["psnr_db", "ssim"]


@dataclass(frozen=True, slots=True)
class Runs:
    """The trainings of one row.

    Attributes:
        label: The row's name.
        seeds: One a training; None where it is unknown.
        scores: By set, one mapping a training.
        learned: False for a network without weights, which has no seeds to differ in.
        until: Where its seeds were trained until it was decided, within how many dB a difference
            counts as none; None where their number was fixed.
    """

    label: str
    seeds: tuple[int | None, ...]
    scores: tuple[Mapping[str, SetScore], ...]
    learned: bool = True
    until: float | None = None

    @classmethod
    def of_records(cls, label: str, records: Sequence[Record]) -> Runs:
        """Return the trainings of a row from their records."""
        scores = tuple({score.set: score for score in record.scores} for record in records)
        seeds = tuple(record.seed for record in records)
        asked = [one for one in records if one.config.until is not None]
        last = max(asked, key=lambda one: one.provenance.finished, default=None)
        learned = any(seed is not None for seed in seeds)
        return cls(label, seeds, scores, learned, last.config.until if last else None)

    def of_seeds(self, seeds: Sequence[int]) -> Runs:
        """Return the trainings of these seeds, in their order; of what has none, all."""
        if not self.learned:
            return self
        by_seed = dict(zip(self.seeds, self.scores, strict=True))
        return replace(self, seeds=tuple(seeds), scores=tuple(by_seed[seed] for seed in seeds))


def common_seeds(row: Runs, base: Runs) -> tuple[int, ...]:
    """Return the seeds that both rows were trained with, in order; one may need none."""
    if not (row.seeds and base.seeds):  # one has not been run
        return ()
    known = [set(each.seeds) - {None} for each in (row, base) if each.learned]
    shared = set.intersection(*known) if known else set()
    return tuple(sorted(seed for seed in shared if seed is not None))


@dataclass(frozen=True, slots=True)
class Differences:
    """The values of two rows on the same images, by set ``(trainings, images)``.

    Attributes:
        ours: Those of the row.
        theirs: Those of its base.
        paired: Whether their trainings belong together one by one.
    """

    ours: Sample
    theirs: Sample
    paired: bool

    @classmethod
    def of(cls, row: Runs, base: Runs, sets: Sequence[str], metric: Metric) -> Differences | None:
        """Return the values of a metric; None unless both have all of the same images."""
        values = _values([row, base], sets, metric) if base.seeds and row.seeds else None
        if not values:
            return None
        ours, theirs = (_as_often(values[i], values[1 - i], (row, base)[i]) for i in (0, 1))
        same_seeds = row.seeds == base.seeds or not (row.learned and base.learned)
        paired = len(ours[0]) == len(theirs[0]) and (same_seeds or len(ours[0]) == 1)
        return cls(ours, theirs, paired)

    @property
    def samples(self) -> list[Sample]:
        """The samples that the model takes: one of differences, or two whose sum it is."""
        if not self.paired:
            return [self.ours, [-values for values in self.theirs]]
        return [[value - other for value, other in zip(self.ours, self.theirs, strict=True)]]

    def estimate(self, *, level: float | None = None) -> Estimate | None:
        """Return the difference with its error; None where the error is not known at all.

        Args:
            level: Confidence of its interval; None for the usual one.
        """
        from harness.statistics import random_effects

        level = random_effects.LEVEL if level is None else level
        estimate = random_effects.estimate(*self.samples, level=level)
        return estimate if estimate.over != "nothing" else None


def _values(rows: Sequence[Runs], sets: Sequence[str], metric: Metric) -> list[Sample] | None:
    """Return a metric by set, ``(trainings, images)``, or None unless all have the same images."""
    import numpy as np

    for name in sets:
        scores = [training[name] for row in rows for training in row.scores]
        if len({tuple(image.name for image in score.images) for score in scores}) != 1:
            return None
    samples: list[Sample] = [
        [
            np.array(
                [
                    [image.psnr_db if metric == "psnr_db" else image.ssim for image in score.images]
                    for score in (training[name] for training in row.scores)
                ],
                dtype=np.float64,
            )
            for name in sets
        ]
        for row in rows
    ]
    usable = all(
        values.size and np.isfinite(values).all() for sample in samples for values in sample
    )
    return samples if sets and usable else None


def _as_often(values: Sample, other: Sample, row: Runs) -> Sample:
    """Return the values; those of a network without weights are repeated for each training."""
    return values if row.learned else [each.repeat(len(other[0]), axis=0) for each in values]

"""The statistics of each row of a table: spread over seeds, and difference to the base row.

:mod:`harness.statistics.random_effects` is loaded only where a row has more than one seed, or
where a comparison is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from statistics import stdev
from typing import TYPE_CHECKING

from harness.records.means import mean_over_sets
from harness.records.record import Record, SetScore
from harness.records.selection import ComparedRow

if TYPE_CHECKING:
    from harness.statistics.random_effects import Estimate, Sample


@dataclass(frozen=True, slots=True)
class Runs:
    """The trainings of one row.

    Attributes:
        label: The row's name.
        seeds: One a training; None where it is unknown.
        scores: By set, one mapping a training.
        learned: False for a network without weights, which has no seeds to differ in.
    """

    label: str
    seeds: tuple[int | None, ...]
    scores: tuple[Mapping[str, SetScore], ...]
    learned: bool = True

    @classmethod
    def of_records(cls, label: str, records: Sequence[Record]) -> Runs:
        """Return the trainings of a row from their records."""
        scores = tuple({score.set: score for score in record.scores} for record in records)
        seeds = tuple(record.seed for record in records)
        return cls(label, seeds, scores, learned=any(seed is not None for seed in seeds))


@dataclass(frozen=True, slots=True)
class Inference:
    """The statistics of one row; differences are to the base row, in dB.

    Attributes:
        label: The row's name.
        spread_db: Standard deviation over seeds of its mean PSNR, None with one seed.
        seeds: Number of its trainings.
        estimate: Its difference; None for the base, and where there are no image scores.
        paired: Whether the two rows have the same seeds, or one of them needs none.
        p_corrected: The p-value corrected for the number of rows.
        bootstrap_db: The bootstrap's interval.
        unrelated_db: Half the width that the interval would have with unrelated seeds.
        is_base: Whether it is the base row.
    """

    label: str
    spread_db: float | None
    seeds: int
    estimate: Estimate | None = None
    paired: bool = True
    p_corrected: float | None = None
    bootstrap_db: tuple[float, float] | None = None
    unrelated_db: float | None = None
    is_base: bool = False

    @property
    def partial(self) -> bool:
        """Whether the interval is over images alone."""
        return self.estimate is not None and self.estimate.over == "images"

    @property
    def mark(self) -> str | None:
        """``n.s.`` where the interval holds zero, a dagger where it is over images alone."""
        if self.estimate is None:
            return None
        holds_zero = bool(self.estimate.low <= 0 <= self.estimate.high)
        return " ".join(["\u2020"] * self.partial + ["n.s."] * holds_zero) or None


def of_entries(
    entries: Sequence[ComparedRow], base: ComparedRow, sets: Sequence[str]
) -> tuple[Inference, ...]:
    """Return the statistics of the rows of an ablation; none if all rows have one seed."""
    if max(len(entry.records) for entry in entries) < 2:
        return ()
    return of_runs(
        [Runs.of_records(entry.label, entry.records) for entry in entries],
        {entry.label: entry.base or base.label for entry in entries},
        sets,
    )


def of_runs(
    rows: Sequence[Runs], base: str | Mapping[str, str], sets: Sequence[str]
) -> tuple[Inference, ...]:
    """Return the statistics of each row.

    Args:
        rows: The rows, the base among them.
        base: Label of the base row, or of each row's own by the row's label.
        sets: The sets that the mean runs over; all rows have them, with the same images.
    """
    from harness.statistics import random_effects

    by_name = {row.label: row for row in rows}
    origins = [by_name.get(base if isinstance(base, str) else base[row.label]) for row in rows]
    inferences = [
        _inference(row, None if origin is row else origin, sets, is_base=origin is row)
        for row, origin in zip(rows, origins, strict=True)
    ]
    tested = [inference for inference in inferences if inference.estimate is not None]
    corrected = random_effects.holm(
        [float(inference.estimate.p) for inference in tested if inference.estimate]
    )
    by_label = {inference.label: float(p) for inference, p in zip(tested, corrected, strict=True)}
    return tuple(
        replace(inference, p_corrected=by_label.get(inference.label)) for inference in inferences
    )


def _inference(row: Runs, base: Runs | None, sets: Sequence[str], *, is_base: bool) -> Inference:
    from harness.statistics import random_effects

    means = [
        mean
        for scores in row.scores
        if (mean := mean_over_sets({s.set: s.psnr_db for s in scores.values()}, sets)) is not None
    ]
    spread = stdev(means) if len(means) > 1 and all(map(isfinite, means)) else None
    without_estimate = Inference(row.label, spread, len(row.seeds), is_base=is_base)
    values = _values([row, base], sets) if base and base.seeds and row.seeds else None
    if not values or base is None:
        return without_estimate
    ours, theirs = (_as_often(values[i], values[1 - i], (row, base)[i]) for i in (0, 1))
    paired = len(ours[0]) == len(theirs[0]) and (
        row.seeds == base.seeds or not (row.learned and base.learned) or len(ours[0]) == 1
    )
    samples: list[Sample] = [ours, [-values for values in theirs]]
    if paired:
        samples = [[value - other for value, other in zip(ours, theirs, strict=True)]]
    estimate = random_effects.estimate(*samples)
    common = paired and row.learned and base.learned and len(ours[0]) > 1
    return replace(
        without_estimate,
        estimate=estimate if estimate.over != "nothing" else None,
        paired=paired,
        bootstrap_db=random_effects.bootstrap(*samples),
        unrelated_db=float(random_effects.unrelated(ours, theirs).half_width) if common else None,
    )


def _values(rows: Sequence[Runs], sets: Sequence[str]) -> list[Sample] | None:
    """Return PSNR by set, ``(trainings, images)``, or None unless all have the same images."""
    import numpy as np

    samples: list[Sample] = []
    for name in sets:
        scores = [each[name] for row in rows for each in row.scores]
        if len({tuple(image.name for image in score.images) for score in scores}) != 1:
            return None
    for row in rows:
        psnr = [
            [[image.psnr_db for image in each[name].images] for each in row.scores] for name in sets
        ]
        samples.append([np.array(values, dtype=np.float64) for values in psnr])
    usable = all(values.size and np.isfinite(values).all() for each in samples for values in each)
    return samples if sets and usable else None


def _as_often(values: Sample, other: Sample, row: Runs) -> Sample:
    """Return the values; those of a network without weights are repeated for each training."""
    return values if row.learned else [each.repeat(len(other[0]), axis=0) for each in values]

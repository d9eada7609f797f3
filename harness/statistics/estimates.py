"""The statistics of each row of a table: spread over seeds, and difference to the base row.

:mod:`harness.statistics.random_effects` is loaded only where a row has more than one seed, or
where a comparison is asked for. PSNR and SSIM get the same intervals and are corrected each on
its own, by Holm's rule over all rows and pairs of a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from statistics import stdev
from typing import TYPE_CHECKING

from harness.config.ablation import Pair
from harness.records.means import mean_over_sets
from harness.records.selection import ComparedRow
from harness.statistics.differences import Differences, Runs, common_seeds

if TYPE_CHECKING:
    from harness.statistics.agreement import Agreement
    from harness.statistics.looks import Looked
    from harness.statistics.random_effects import Estimate


@dataclass(frozen=True, slots=True)
class Inference:
    """The statistics of one row, or of a pair of rows; differences are to the base row.

    Attributes:
        label: The row's name, of a pair both names.
        spread_db: Standard deviation over seeds of its mean PSNR, None with one seed.
        seeds: Number of its trainings.
        estimate: Its difference in PSNR, in dB; None for the base, and where there are no
            image scores.
        paired: Whether the two rows have the same seeds, or one of them needs none.
        p_corrected: The p-value corrected for the number of rows and pairs.
        bootstrap_db: The bootstrap's interval.
        unrelated_db: Half the width that the interval would have with unrelated seeds.
        is_base: Whether it is the base row.
        ssim: Its difference in SSIM.
        ssim_p: The p-value of that, over all looks where there were several.
        ssim_p_corrected: The same, corrected among those of SSIM.
        agreement: In how many images its PSNR is above the base's.
        pair: The pair; None for a row.
        looked: What looks at it said, where its seeds were trained until it was decided.
        waiting: Whether they were, and there has been no look yet.
        shared: How many seeds the difference is of, where one of the rows may have more.
        unused: Whether one of them has more.
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
    ssim: Estimate | None = None
    ssim_p: float | None = None
    ssim_p_corrected: float | None = None
    agreement: Agreement | None = None
    pair: Pair | None = None
    looked: Looked | None = None
    waiting: bool = False
    shared: int | None = None
    unused: bool = False

    @property
    def p(self) -> float | None:
        """The p-value of no difference in PSNR, over all looks where there were several."""
        if self.looked:
            return self.looked.p
        return float(self.estimate.p) if self.estimate else None

    @property
    def partial(self) -> bool:
        """Whether the interval is over images alone."""
        return self.estimate is not None and self.estimate.over == "images"

    @property
    def agrees(self) -> bool:
        """Whether the interval of PSNR holds zero while all images of all trainings agree."""
        if self.estimate is None or self.agreement is None:
            return False
        return self.agreement.unanimous and self.agreement.trainings > 1 and _zero(self.estimate)

    @property
    def mark(self) -> str | None:
        """``n.s.`` where the interval holds zero, a dagger where it is over images alone.

        A double dagger where all images of all trainings have the same sign nevertheless.
        """
        mark = mark_of(self.estimate)
        return f"{mark} \u2021" if self.agrees else mark


def mark_of(estimate: Estimate | None) -> str | None:
    """Return ``n.s.`` where an interval holds zero, a dagger where it is over images alone."""
    if estimate is None:
        return None
    partial = estimate.over == "images"
    return " ".join(["\u2020"] * partial + ["n.s."] * _zero(estimate)) or None


def _zero(estimate: Estimate) -> bool:
    return bool(estimate.low <= 0 <= estimate.high)


def of_entries(
    entries: Sequence[ComparedRow],
    base: ComparedRow,
    sets: Sequence[str],
    pairs: Sequence[Pair] = (),
) -> tuple[Inference, ...]:
    """Return the statistics of the rows and pairs of an ablation; none if all have one seed."""
    if max(len(entry.records) for entry in entries) < 2:
        return ()
    return of_runs(
        [Runs.of_records(entry.label, entry.records) for entry in entries],
        {entry.label: entry.base or base.label for entry in entries},
        sets,
        pairs,
    )


def of_runs(
    rows: Sequence[Runs],
    base: str | Mapping[str, str],
    sets: Sequence[str],
    pairs: Sequence[Pair] = (),
) -> tuple[Inference, ...]:
    """Return the statistics of each row, then those of each pair that has been run.

    Args:
        rows: The rows, the base among them.
        base: Label of the base row, or of each row's own by the row's label.
        sets: The sets that the mean runs over; all rows have them, with the same images.
        pairs: Further differences between two of the rows.
    """
    by_name = {row.label: row for row in rows}
    origins = [by_name.get(base if isinstance(base, str) else base[row.label]) for row in rows]
    inferences = [
        _inference(row, None if origin is row else origin, sets, is_base=origin is row)
        for row, origin in zip(rows, origins, strict=True)
    ]
    for pair in pairs:
        row, origin = by_name.get(pair.row), by_name.get(pair.base)
        if row and origin and row.seeds and origin.seeds:
            difference = _inference(row, origin, sets, is_base=False)
            label = f"{pair.row} to {pair.base}"
            inferences.append(replace(difference, label=label, pair=pair))
    corrected = _corrected([inference.p for inference in inferences])
    of_ssim = _corrected([inference.ssim_p for inference in inferences])
    return tuple(
        replace(inference, p_corrected=p, ssim_p_corrected=ssim_p)
        for inference, p, ssim_p in zip(inferences, corrected, of_ssim, strict=True)
    )


def _corrected(values: Sequence[float | None]) -> list[float | None]:
    """Return the p-values, corrected for their number; None where there is none."""
    from harness.statistics import random_effects

    corrected = iter(random_effects.holm([p for p in values if p is not None]))
    return [None if p is None else float(next(corrected)) for p in values]


def _inference(row: Runs, base: Runs | None, sets: Sequence[str], *, is_base: bool) -> Inference:
    from harness.statistics import agreement, bootstrap, random_effects

    means = [
        mean
        for scores in row.scores
        if (mean := mean_over_sets({s.set: s.psnr_db for s in scores.values()}, sets)) is not None
    ]
    # A set's mean leaves out images of infinite PSNR, which are others in every training.
    finite = all(
        isfinite(image.psnr_db)
        for scores in row.scores
        for score in scores.values()
        for image in score.images
        if score.set in sets
    )
    spread = stdev(means) if len(means) > 1 and finite and all(map(isfinite, means)) else None
    inference = Inference(row.label, spread, len(row.seeds), is_base=is_base)
    if base is None:
        return inference
    if row.until is not None:
        return _looked(inference, row, base, sets, row.until)
    row, base, shared = _on_shared_seeds(row, base)
    if psnr := Differences.of(row, base, sets, "psnr_db"):
        common = psnr.paired and row.learned and base.learned and len(psnr.ours[0]) > 1
        unrelated = random_effects.unrelated(psnr.ours, psnr.theirs) if common else None
        inference = replace(
            inference,
            estimate=psnr.estimate(),
            paired=psnr.paired,
            bootstrap_db=bootstrap.interval(*psnr.samples),
            unrelated_db=float(unrelated.half_width) if unrelated else None,
            agreement=agreement.of_trainings(psnr.ours, psnr.theirs, paired=psnr.paired),
            shared=shared,
            unused=shared is not None,
        )
    found = Differences.of(row, base, sets, "ssim")
    ssim = found.estimate() if found else None
    return replace(inference, ssim=ssim, ssim_p=float(ssim.p) if ssim else None)


def _on_shared_seeds(row: Runs, base: Runs) -> tuple[Runs, Runs, int | None]:
    """Return two rows with the seeds of the one that has fewer, where the other has all of them.

    Then they are paired, and the seeds that only one has say nothing of the difference. The
    number of the seeds comes with them; None where nothing was left out.
    """
    if not (row.learned and base.learned) or set(row.seeds) == set(base.seeds):
        return row, base, None
    shared = common_seeds(row, base)
    if len(shared) < 2 or len(shared) < min(len(row.seeds), len(base.seeds)):
        return row, base, None
    return row.of_seeds(shared), base.of_seeds(shared), len(shared)


def _looked(
    inference: Inference, row: Runs, base: Runs, sets: Sequence[str], until: float
) -> Inference:
    """Return the statistics of a row whose seeds were trained until it was decided."""
    from harness.statistics import agreement, looks

    found = looks.look(row, base, sets, until)
    if found is None:
        return replace(inference, waiting=not looks.reached(row, base))
    seeds = found.seeds[-1]
    differences = Differences.of(*looks.first_seeds(row, base, seeds), sets, "psnr_db")
    at_looks = [(n, looks.estimate_at(row, base, sets, n, "ssim")) for n in found.seeds]
    of_ssim = [(n, one) for n, one in at_looks if one]
    whole = len(of_ssim) == len(at_looks)
    return replace(
        inference,
        estimate=found.estimate,
        looked=found,
        shared=seeds,
        unused=any(len(one.seeds) > seeds for one in (row, base) if one.learned),
        agreement=agreement.of_trainings(differences.ours, differences.theirs, paired=True)
        if differences
        else None,
        ssim=of_ssim[-1][1] if whole else None,
        ssim_p=looks.p_over(of_ssim) if whole else None,
    )

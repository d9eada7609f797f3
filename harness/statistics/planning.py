"""What must be run: how many seeds find a difference, on which sets, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, isinf
from statistics import fmean

from harness.host.progress import over
from harness.records.record import Record
from harness.records.selection import ComparedRow, Comparison
from harness.statistics import components, power
from harness.statistics.components import Components
from harness.statistics.differences import Differences, Runs, common_seeds

_PILOT = 2
"""Seeds that rows must share for their spread to be known at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How many seeds one row needs on some of the sets.

    Attributes:
        row: Label of the row.
        base: Label of the row that its difference is taken from.
        sets: The sets that the mean runs over.
        components: The variances, from the pilot.
        effect: The difference that is to be found, in dB.
        power: How often it is to be found, in 0..1.
        needed: Seeds for the variances as estimated, as :func:`power.seeds_needed` says.
        assured: Seeds that reach the power in 80 of 100 pilots.
        half_width_db: Half the width of the interval with infinitely many seeds.
        seconds: Time of one training of the row and one of its base; None where it is unknown.
    """

    row: str
    base: str
    sets: tuple[str, ...]
    components: Components
    effect: float
    power: float
    needed: float | None
    assured: float | None
    half_width_db: float
    seconds: float | None

    def hours(self, seeds: float | None) -> float | None:
        """Return the hours of the trainings beyond the pilot's; None where there is no number."""
        if seeds is None or isinf(seeds) or self.seconds is None:
            return None
        return max(seeds - self.components.trainings, 0) * self.seconds / 3600


def answers(comparison: Comparison, effect: float, wanted: float) -> tuple[Answer, ...]:
    """Return how many seeds each row needs: on all sets, on each alone, and on the best choice.

    Args:
        comparison: Rows that were trained alike; those that share fewer than two seeds with their
            base are left out.
        effect: The difference that is to be found, in dB, above zero.
        wanted: How often, in 0..1.
    """
    found: list[Answer] = []
    for entry, base in over(pilots(comparison), "plan"):
        choices = [
            sets
            for size in range(len(comparison.sets), 0, -1)
            for sets in combinations(comparison.sets, size)
        ]
        made = [_answer(entry, base, sets, effect, wanted) for sets in choices]
        known = [one for one in made if one is not None]
        if not known:
            continue
        best = min(known, key=_order)
        found += [one for one in known if one is best or len(one.sets) in (1, len(comparison.sets))]
    return tuple(found)


def pilots(comparison: Comparison) -> list[tuple[ComparedRow, ComparedRow]]:
    """Return the rows with their bases that share two seeds or more."""
    rows = [(entry, comparison.base_of(entry)) for entry in comparison.entries]
    return [
        (entry, base)
        for entry, base in rows
        if entry is not base and len(_shared(entry, base)) >= _PILOT
    ]


def _shared(entry: ComparedRow, base: ComparedRow) -> tuple[int, ...]:
    return common_seeds(
        Runs.of_records(entry.label, entry.records), Runs.of_records(base.label, base.records)
    )


def _answer(
    entry: ComparedRow, base: ComparedRow, sets: Sequence[str], effect: float, wanted: float
) -> Answer | None:
    """Return the answer for some sets; None where the images have no finite scores."""
    seeds = _shared(entry, base)
    row, origin = (Runs.of_records(one.label, one.records).of_seeds(seeds) for one in (entry, base))
    differences = Differences.of(row, origin, sets, "psnr_db")
    if differences is None:
        return None
    variances = components.of_sample(differences.samples[0])
    times = [_seconds(one.records) for one in (entry, base)]
    return Answer(
        row=entry.label,
        base=base.label,
        sets=tuple(sets),
        components=variances,
        effect=effect,
        power=wanted,
        needed=power.seeds_needed(variances, effect, wanted),
        assured=power.seeds_assured(variances, effect, wanted),
        half_width_db=float(power.half_width(variances, inf)),
        seconds=sum(one for one in times if one is not None) if any(times) else None,
    )


def _seconds(records: Sequence[Record]) -> float | None:
    """Return the mean time of a training; None of what has none of its own."""
    own = [record for record in records if record.group and not record.drop]
    times = [record.wall_time_s for record in own]
    return fmean(times) if times else None


def _order(one: Answer) -> tuple[float, float, int]:
    """Return by what the best choice of sets is found: fewest seeds, then most sets."""
    numbers = [inf if number is None else number for number in (one.assured, one.needed)]
    return numbers[0], numbers[1], -len(one.sets)

"""Does a short training tell? Differences of two rows after trainings of several lengths.

A budget is a number of steps. What is compared over budgets was trained alike in all else, and
each budget is a training of its own, with its whole schedule: not a longer one, looked at before
its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.config.ablation import Ablation
from harness.errors import UsageError, suggest
from harness.records import conditions
from harness.records.means import shared_sets
from harness.records.record import Record
from harness.records.selection import ComparedRow, Comparison, comparisons
from harness.statistics import estimates
from harness.statistics.differences import Runs, common_seeds
from harness.statistics.estimates import Inference

_STEPS = "train.steps"


@dataclass(frozen=True, slots=True)
class AtBudget:
    """A difference of two rows at one budget.

    Attributes:
        row: Label of the row.
        base: Label of the row that the difference is taken from.
        steps: Steps of a training.
        found: The difference with its interval, in dB.
        records: Trainings of the row and of its base, by label.
        sets: The sets that the mean runs over: the same at all budgets, with the same images.
        seeds: The seeds that it is of; those of the base behind a stroke where they are others.
    """

    row: str
    base: str
    steps: int
    found: Inference
    records: dict[str, tuple[Record, ...]]
    sets: tuple[str, ...]
    seeds: str

    @property
    def pair(self) -> str:
        """The pair in words, as a user names it."""
        return f"{self.row} to {self.base}"

    @property
    def trainings(self) -> tuple[Record, ...]:
        """All of its trainings."""
        return tuple(record for own in self.records.values() for record in own)


@dataclass(frozen=True, slots=True)
class Budgets:
    """Pairs of rows that were trained alike for two budgets or more.

    Attributes:
        names: The ablations that they are rows of.
        key: What the trainings have in common but the budget, as a hash.
        pairs: By pair, its differences by budget.
        left_out: Sets that were not scored at all budgets, or on other images.
    """

    names: tuple[str, ...]
    key: str
    pairs: dict[str, tuple[AtBudget, ...]]
    left_out: tuple[str, ...]

    @property
    def points(self) -> tuple[AtBudget, ...]:
        """All differences, pair by pair."""
        return tuple(point for points in self.pairs.values() for point in points)

    @property
    def records(self) -> tuple[Record, ...]:
        """All trainings, each once, by budget."""
        found = [one for point in self.points for one in point.trainings]
        by_id = {one.id: one for one in sorted(found, key=lambda one: (one.steps, one.id))}
        return tuple(by_id.values())


_Pair = tuple[ComparedRow, ComparedRow]


def of_ablations(
    ablations: Sequence[Ablation], stored: Iterable[Record], wanted: Sequence[str] = ()
) -> tuple[Budgets, ...]:
    """Return the pairs of ablations over budgets, one value for trainings alike in all else.

    Args:
        ablations: Whose rows; each row and its base are a pair, and what the file names as pairs.
        stored: Any records; those of before all conditions of a training were kept are left out.
        wanted: The pairs, as ``ROW to BASE``; none for all.

    Raises:
        UsageError: There is no such pair, or none was trained for two budgets.
        RecordError: Records of one group were scored by different protocols.
    """
    records = tuple(stored)
    made: dict[str, dict[str, dict[int, _Pair]]] = {}
    trained: dict[str, None] = {}
    for ablation in ablations:
        for comparison in comparisons(ablation, records):
            first = comparison.records[0] if comparison.records else None
            if first is None:  # all of its rows failed
                continue
            key = _key(first)
            unknown = "" if key else ", recorded before all settings were"
            trained[f"{first.steps:,} steps (x{first.scale}{unknown})"] = None
            for name, pair in _pairs(ablation, comparison).items() if key else ():
                by_steps = made.setdefault(key, {}).setdefault(name, {})
                other = by_steps.setdefault(first.steps, pair)
                if [one.records for one in other] != [one.records for one in pair]:
                    raise UsageError(f"'{name}' stands for two pairs: draw the ablations apart")
    known = dict.fromkeys(name for pairs in made.values() for name in pairs)
    for name in wanted:
        if name not in known:
            raise UsageError(f"no pair '{name}' was trained{suggest(name, known)}")
    names = tuple(ablation.name for ablation in ablations)
    found = [
        _budgets(names, key, {name: pairs[name] for name in wanted or pairs if name in pairs})
        for key, pairs in sorted(made.items())
    ]
    several = tuple(one for one in found if one is not None)
    if not several:
        there = "; ".join(trained) or "none"
        raise UsageError(
            f"'{', '.join(names)}': expected a pair of rows trained alike for two numbers of steps "
            f"or more, and scored on one set of images; trained were: {there}"
        )
    return several


def _key(record: Record) -> str:
    """Return what a training has in common with others but its steps; empty where not known."""
    known = conditions.of_record(record)
    if known is None or not conditions.are_complete(record):
        return ""
    return conditions.group({key: value for key, value in known.items() if key != _STEPS})


def _pairs(ablation: Ablation, comparison: Comparison) -> dict[str, _Pair]:
    """Return the pairs that were trained, by name."""
    by_label = {entry.label: entry for entry in comparison.entries if entry.records}
    named = [(label, comparison.base_of(entry).label) for label, entry in by_label.items()]
    named += [(pair.row, pair.base) for pair in ablation.pairs]
    return {
        f"{row} to {base}": (by_label[row], by_label[base])
        for row, base in named
        if row != base and row in by_label and base in by_label
    }


def _budgets(
    names: tuple[str, ...], key: str, pairs: dict[str, dict[int, _Pair]]
) -> Budgets | None:
    """Return the pairs that have two budgets or more; None where none has, or no common set."""
    several = {name: by_steps for name, by_steps in pairs.items() if len(by_steps) > 1}
    runs = [
        record.scores
        for by_steps in several.values()
        for pair in by_steps.values()
        for entry in pair
        for record in entry.records
    ]
    sets = tuple(name for name, same in shared_sets(runs).items() if same)
    if not sets:
        return None
    points = {
        name: tuple(_at(steps, pair, sets) for steps, pair in sorted(by_steps.items()))
        for name, by_steps in several.items()
    }
    scored = dict.fromkeys(score.set for scores in runs for score in scores)
    return Budgets(names, key, points, tuple(name for name in scored if name not in sets))


def _at(steps: int, pair: _Pair, sets: tuple[str, ...]) -> AtBudget:
    row, base = pair
    runs = [Runs.of_records(entry.label, entry.records) for entry in pair]
    found, _ = estimates.of_runs(runs, base.label, sets)
    used = [one.seeds for one in runs]
    if found.shared is not None:
        used = [common_seeds(*runs)[: found.shared]]
    seeds = " / ".join(dict.fromkeys(", ".join(map(str, one)) for one in used))
    records = {entry.label: entry.records for entry in pair}
    return AtBudget(row.label, base.label, steps, found, records, sets, seeds)

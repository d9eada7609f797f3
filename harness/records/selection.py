"""Which records of an ablation's rows may be compared."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from harness.config.ablation import Ablation, Row
from harness.config.paper import BICUBIC
from harness.errors import RecordError
from harness.records.belonging import belongs, is_of_today
from harness.records.failure import Failure
from harness.records.means import mean_over_sets, mean_scores, same_images, shared_sets
from harness.records.record import Record, SetScore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One row of a comparison.

    Attributes:
        label: The row's name.
        records: Its records, one a seed, by seed; empty where it has not been run.
        scores: By set, mean over the seeds of (PSNR in dB, SSIM).
        reference: Whether this is the bicubic row.
        base: Label of the row that its differences are taken from: the one that the row names;
            else, of a network without some branches, that network whole, where it is a row too.
        weight: Learned weight of the removed branch, the mean over the seeds; None unless
            exactly one branch was removed.
        failures: Its runs that failed.
    """

    label: str
    records: tuple[Record, ...] = ()
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    reference: bool = False
    base: str = ""
    weight: float | None = None
    failures: tuple[Failure, ...] = ()

    def mean_psnr_db(self, sets: Sequence[str]) -> float | None:
        """Return the plain mean of the set means, None unless every set was scored."""
        return mean_over_sets({name: psnr_db for name, (psnr_db, _) in self.scores.items()}, sets)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rows of an ablation that were trained and scored alike.

    Attributes:
        group: What the records have in common, as a hash.
        scale: Upscaling factor.
        entries: The ablation's rows in its order, run or not.
        base: The row that differences are taken from; where there is one row only, the bicubic one
            if it was scored.
        reference: The bicubic row, None where it was not scored on these images.
        sets: The sets that every row that was run was scored on, with the same images.
    """

    group: str
    scale: int
    entries: tuple[ComparedRow, ...]
    base: ComparedRow
    reference: ComparedRow | None
    sets: tuple[str, ...]

    @property
    def records(self) -> tuple[Record, ...]:
        """The trained records, row by row."""
        return tuple(record for entry in self.entries for record in entry.records)

    def base_of(self, entry: ComparedRow) -> ComparedRow:
        """Return the row that differences of a row are taken from."""
        return next((other for other in self.entries if other.label == entry.base), self.base)

    @property
    def shown(self) -> tuple[ComparedRow, ...]:
        """The rows as a table shows them, the reference first."""
        return (self.reference, *self.entries) if self.reference else self.entries


def comparisons(
    ablation: Ablation, records: Iterable[Record], failures: Iterable[Failure] = ()
) -> tuple[Comparison, ...]:
    """Return one comparison for each group of records, sorted by group.

    A group in which only the base row has been run compares nothing and is left out, unless
    another row failed.

    Raises:
        RecordError: Records of one group were scored by different protocols.
    """
    ordered = sorted(records, key=lambda record: record.id)
    bicubic = [record for record in ordered if record.model == BICUBIC]
    rows = [row for row in ablation.rows if row.model != BICUBIC]
    groups = by_group(
        record for record in ordered if record.group and any(belongs(record, row) for row in rows)
    )
    failed = tuple(failures)
    made = [
        _comparison(ablation.base, rows, groups[key], bicubic, failed) for key in sorted(groups)
    ]
    return tuple(comparison for comparison in made if len(rows) == 1 or _compares(comparison))


def by_time(records: Iterable[Record]) -> list[Record]:
    """Return records in the order in which they were finished."""
    return sorted(records, key=lambda record: (record.provenance.finished, record.id))


def one_a_seed(records: Iterable[Record]) -> tuple[Record, ...]:
    """Return the records of one network in one group, one a seed and by seed.

    Of several of one seed, that of the network's code of today is taken; else that which was
    finished last.
    """
    by_seed = {record.seed: record for record in sorted(by_time(records), key=is_of_today)}
    return tuple(sorted(by_seed.values(), key=lambda record: (record.seed or 0, record.id)))


def by_group(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return records by their group, in the order given.

    Raises:
        RecordError: Records of one group were scored by different protocols, so that a table
            of them would compare what is not comparable.
    """
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    for members in groups.values():
        check_one_protocol(members)
    return dict(groups)


def longest_training(records: Iterable[Record]) -> tuple[Record, ...]:
    """Return the records of one network's longest training, one a seed; none where it has none.

    Of several groups of as many steps that which was finished last is taken.
    """
    groups = by_group(record for record in by_time(records) if record.group)
    longest: Sequence[Record] = max(groups.values(), key=_length, default=())
    return one_a_seed(longest)


def _length(runs: Sequence[Record]) -> tuple[bool, int, str]:
    """Return what longer trainings have more of; runs of one group, by time."""
    last = runs[-1]
    return last.full_budget, last.steps, last.provenance.finished


def check_one_protocol(records: Iterable[Record]) -> None:
    """Refuse records that cannot be compared, being scored by different protocols.

    Raises:
        RecordError: They are; the message names one of each protocol.
    """
    by_protocol = {record.protocol: record.id for record in records}
    if len(by_protocol) > 1:
        named = ", ".join(
            f"{name} (such as '{example}')" for name, example in sorted(by_protocol.items())
        )
        raise RecordError(f"records scored by different protocols are not comparable: {named}")


def _comparison(
    base: str,
    rows: Sequence[Row],
    group: Sequence[Record],
    bicubic: Sequence[Record],
    failures: Sequence[Failure],
) -> Comparison:
    """Return the comparison that the records of one group make."""
    entries = tuple(
        replace(
            _entry(row, rows, group, base),
            failures=tuple(
                replace(failed, label=row.label)
                for failed in failures
                if failed.group == group[0].group and belongs(failed, row)
            ),
        )
        for row in rows
    )
    run = [record.scores for entry in entries for record in entry.records]
    sets = tuple(name for name, same in shared_sets(run).items() if same)
    reference = _reference(group[0], bicubic, sets) or _failed_reference(group[0], failures)
    own = next((entry for entry in entries if entry.label == base), ComparedRow(base))
    if len(entries) == 1 and reference and reference.records:
        entries = (replace(entries[0], base=reference.label),)
        own = reference
    return Comparison(
        group=group[0].group,
        scale=group[0].scale,
        entries=entries,
        base=own,
        reference=reference,
        sets=sets,
    )


def _compares(comparison: Comparison) -> bool:
    """Tell whether more was run than the base row, or tried."""
    run = [entry for entry in comparison.entries if entry.records or entry.failures]
    return run != [comparison.base]


def _entry(row: Row, rows: Sequence[Row], group: Sequence[Record], base: str) -> ComparedRow:
    """Return a row with its records in the group."""
    records = runs_of(row, group)
    whole = _whole(row, rows)
    return ComparedRow(
        row.label,
        records,
        mean_scores([record.scores for record in records]),
        base=base_label(row, rows, base),
        weight=_removed_weight(row, runs_of(whole, group)) if whole else None,
    )


def runs_of(row: Row, group: Iterable[Record]) -> tuple[Record, ...]:
    """Return a row's records in a group, one a seed."""
    return one_a_seed(record for record in group if belongs(record, row))


def _whole(row: Row, rows: Sequence[Row]) -> Row | None:
    """Return the row of the same network with all its branches, if some were dropped."""
    if not row.drop:
        return None
    same = (other for other in rows if (other.model, other.overrides) == (row.model, row.overrides))
    return next((other for other in same if not other.drop), None)


def base_label(row: Row, rows: Sequence[Row], base: str) -> str:
    """Return the label of the row that differences of a row are taken from.

    Args:
        row: The row.
        rows: All rows.
        base: Label of the ablation's base.
    """
    whole = _whole(row, rows)
    return row.base or (whole.label if whole else base)


def _removed_weight(row: Row, whole: Sequence[Record]) -> float | None:
    """Return the learned weight of the one branch that was dropped."""
    if len(row.drop) != 1:
        return None
    size = row.drop[0]
    weights = [record.learned.alpha[size] for record in whole if size in record.learned.alpha]
    return fmean(weights) if weights else None


def _failed_reference(like: Record, failures: Sequence[Failure]) -> ComparedRow | None:
    """Return the bicubic row without scores, if scoring it failed."""
    failed = [run for run in failures if (run.model, run.scale) == (BICUBIC, like.scale)]
    if not failed:
        return None
    return ComparedRow(failed[0].label, reference=True, failures=tuple(failed))


def _reference(like: Record, bicubic: Sequence[Record], sets: Sequence[str]) -> ComparedRow | None:
    """Return the bicubic row, from scores on the very images that ``like`` was scored on."""
    scores: dict[str, SetScore] = {}
    used: dict[str, Record] = {}
    for record in bicubic:
        if (record.scale, record.protocol) != (like.scale, like.protocol):
            continue
        for score in record.scores:
            trained = like.score(score.set)
            alike = trained is not None and same_images(score, trained)
            if score.set in sets and alike and score.set not in scores:
                scores[score.set] = score
                used[record.id] = record
    if not used:
        return None
    records = tuple(used.values())
    means = {name: (score.psnr_db, score.ssim) for name, score in scores.items()}
    return ComparedRow(records[0].label, records, means, reference=True)

"""Answers to a reproducibility checklist, from records and from nothing else.

The questions are those that conferences ask of experiments (Pineau et al., Improving
Reproducibility in Machine Learning Research, J. Mach. Learn. Res. 22, 2021, appendix).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from harness.config.ablation import Ablation
from harness.records.failure import Failure
from harness.records.marks import RECIPE
from harness.records.record import Record
from harness.records.selection import Comparison, comparisons
from harness.reports import commands, notes
from harness.reports.commands import Asked
from harness.reports.tables import bases
from harness.reports.tables.fields import Field, columns_of, field, rows_of
from harness.reports.tables.table import Table
from harness.statistics import estimates

_NOT_RECORDED = (
    "not recorded: how the settings were chosen, what was tried before, licences of the data, "
    "energy"
)


def build(
    asked: Asked, records: Iterable[Record], failures: Iterable[Failure] = ()
) -> tuple[Table, ...]:
    """Return the answers for each group of comparable records, as a table of two columns.

    Args:
        asked: The ablation, with the name by which it is run.
        records: Any records.
        failures: Any failures.

    Raises:
        RecordError: Records of one group were scored by different protocols.
    """
    ablation = asked.ablation
    groups = comparisons(ablation, records, failures)
    names = notes.file_names((ablation.name, one.records[0], one.group[:6]) for one in groups)
    fields: list[Field[tuple[str, str]]] = [
        field("question", "Question", lambda answer: answer[0]),
        field("answer", "Answer", lambda answer: answer[1]),
    ]
    return tuple(
        Table(
            name=f"{name}_checklist",
            title=f"{ablation.title}, x{one.scale}: reproducibility",
            columns=columns_of(fields),
            rows=rows_of(fields, answers(asked, one)),
            notes=("Every answer is from the records; what they do not hold is said.",),
            marks="none",
        )
        for name, one in sorted(zip(names, groups, strict=True), key=lambda each: each[0])
    )


def answers(asked: Asked, group: Comparison) -> list[tuple[str, str]]:
    """Return the questions with their answers."""
    records = group.records
    rows = {entry.label: entry.records for entry in group.entries if entry.records}
    failed = [run for entry in group.entries for run in entry.failures]
    return [
        ("How many runs?", _runs(rows, failed)),
        ("Which seeds?", _each(rows, lambda own: _listed(one.seed for one in own))),
        ("What is reported, with what interval?", _intervals(asked.ablation, group)),
        ("How much computing?", _hours(records)),
        ("On what hardware?", _hardware(records)),
        ("How large are the networks?", _each(rows, _size)),
        ("Which settings?", notes.training_text(records)),
        ("Trained on what?", _training_data(records)),
        ("Tested on what, and how?", _test_data(group)),
        ("Which code?", _code(records)),
        ("How is it run again?", _command(asked, records)),
        ("What else?", _NOT_RECORDED),
    ]


def _each(rows: Mapping[str, Sequence[Record]], of: Any) -> str:
    """Return an answer once where it is the same of all rows, else row by row."""
    texts = {label: of(records) for label, records in rows.items()}
    same = set(texts.values())
    if len(same) == 1:
        return str(same.pop())
    return "; ".join(f"{label} {text}" for label, text in texts.items())


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _own(records: Iterable[Record]) -> list[Record]:
    """Return the trainings themselves: a network without branches shares that of the whole."""
    return [record for record in records if record.group and not record.drop]


def _runs(rows: Mapping[str, Sequence[Record]], failed: Sequence[Failure]) -> str:
    trained = len({one.fingerprint for own in rows.values() for one in own})
    counts = _each(rows, lambda own: f"{len(own)} a row" if len(own) > 1 else "one a row")
    lost = f"; {len(failed)} failed" if failed else "; none failed"
    of_rows = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    return f"{trained} training{'s' * (trained != 1)} of {of_rows}, {counts}{lost}"


def _intervals(ablation: Ablation, group: Comparison) -> str:
    found = estimates.of_entries(bases.compared(group), group.base, group.sets, ablation.pairs)
    tested = [row for row in found if row.estimate]
    if not found:
        return (
            "means over one seed a row: how far another seed would move a row is not known, and no "
            "interval is given"
        )
    what = "the plain mean over sets of the mean over images, and over seeds; spread as standard "
    what += "deviation over seeds"
    if not tested:
        return f"{what}; no interval, because no row and its base have finite scores alike"
    looked = any(row.looked for row in tested)
    levels = "95 % over all looks (seeds=auto)" if looked else "95 %"
    partial = [row.label for row in tested if row.partial]
    alone = f"; of {'; '.join(partial)} over images alone, with one training" if partial else ""
    return (
        f"{what}; differences with {levels} intervals over seeds and images (two-way random "
        f"effects){alone}, p corrected by Holm"
    )


def _hours(records: Sequence[Record]) -> str:
    own = _own(records)
    hours = sum(one.wall_time_s for one in own) / 3600
    each = fmean(one.wall_time_s for one in own) / 60 if own else 0
    return f"{hours:.1f} hours for {len(own)} trainings, {each:.0f} minutes each on average"


def _hardware(records: Sequence[Record]) -> str:
    def of(record: Record) -> str:
        many = f", {record.config.devices} devices" if record.config.devices > 1 else ""
        threads = record.provenance.threads
        return f"{notes.device(record)}, {threads} thread{'s' * (threads != 1)}{many}"

    return "; ".join(dict.fromkeys(map(of, records))) or "unknown"


def _size(records: Sequence[Record]) -> str:
    one = records[0]
    adds = "n/a" if one.multi_adds is None else f"{one.multi_adds / 1e9:.2f} G"
    return f"{one.params:,} parameters, {adds} Multi-Adds for 1280x720"


def _training_data(records: Sequence[Record]) -> str:
    def of(record: Record) -> str | None:
        train = record.data.train
        if train is None:
            return None
        lr = f", LR {train.lr}" if train.lr else ""
        return f"{train.name}, {train.images} images{lr}, SHA-256 of their pixels {train.sha256}"

    return notes.distinct(records, of) or "unknown"


def _test_data(group: Comparison) -> str:
    first = group.records[0]
    scores = [score for name in group.sets if (score := first.score(name))]
    sets = ", ".join(f"{score.set} ({len(score.images)} images)" for score in scores)
    protocol = notes.distinct(group.records, lambda record: record.protocol)
    return f"{sets or 'no set in common'}; {notes.lr_text(scores)}; protocol {protocol}"


def _code(records: Sequence[Record]) -> str:
    def of(record: Record) -> str:
        origin = record.provenance
        return (
            f"commit {notes.commit(record, digits=40)} (awsrn-harness {origin.harness}), PyTorch "
            f"{origin.torch}, Python {origin.python}"
        )

    return "; ".join(dict.fromkeys(map(of, records))) or "unknown"


def _command(asked: Asked, records: Sequence[Record]) -> str:
    """Return the command that trains the same."""
    earlier = any(record.recipe < RECIPE for record in records)
    at = " (at its commit: today networks are trained by another recipe)" if earlier else ""
    return commands.of_group(records, asked) + at

"""Answers to a reproducibility checklist, from records and from nothing else.

The questions are those that conferences ask of experiments (Pineau et al., Improving
Reproducibility in Machine Learning Research, J. Mach. Learn. Res. 22, 2021, appendix).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from harness.config import settings
from harness.config.ablation import Ablation
from harness.config.file_limits import flat
from harness.config.settings import PROFILES
from harness.records.failure import Failure
from harness.records.marks import RECIPE
from harness.records.record import Record
from harness.records.selection import Comparison, comparisons
from harness.reports import notes
from harness.reports.tables.fields import Field, columns_of, field, rows_of
from harness.reports.tables.table import Table
from harness.statistics import estimates

_NOT_RECORDED = (
    "not recorded: how the settings were chosen, what was tried before, licences of the data, "
    "energy"
)


def build(
    ablation: Ablation, records: Iterable[Record], failures: Iterable[Failure] = ()
) -> tuple[Table, ...]:
    """Return the answers for each group of comparable records, as a table of two columns."""
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
            rows=rows_of(fields, answers(ablation, one)),
            notes=("Every answer is from the records; what they do not hold is said.",),
            marks="none",
        )
        for name, one in sorted(zip(names, groups, strict=True), key=lambda each: each[0])
    )


def answers(ablation: Ablation, group: Comparison) -> list[tuple[str, str]]:
    """Return the questions with their answers."""
    records = group.records
    rows = {entry.label: entry.records for entry in group.entries if entry.records}
    failed = [run for entry in group.entries for run in entry.failures]
    return [
        ("How many runs?", _runs(rows, failed)),
        ("Which seeds?", _each(rows, lambda own: _listed(one.seed for one in own))),
        ("What is reported, with what interval?", _intervals(ablation, group)),
        ("How much computing?", _hours(records)),
        ("On what hardware?", _hardware(records)),
        ("How large are the networks?", _each(rows, _size)),
        ("Which settings?", notes.training_text(records)),
        ("Trained on what?", _training_data(records)),
        ("Tested on what, and how?", _test_data(group)),
        ("Which code?", _code(records)),
        ("How is it run again?", _command(ablation, records)),
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
    return f"{trained} trainings of {len(rows)} rows, {counts}{lost}"


def _intervals(ablation: Ablation, group: Comparison) -> str:
    found = estimates.of_entries(group.entries, group.base, group.sets, ablation.pairs)
    if not any(row.estimate for row in found):
        return (
            "means over one seed a row: how far another seed would move a row is not known, and no "
            "interval is given"
        )
    looked = any(row.looked for row in found)
    levels = "95 % over all looks (seeds=auto)" if looked else "95 %"
    return (
        "the plain mean over sets of the mean over images, and over seeds; spread as standard "
        f"deviation over seeds; differences with {levels} intervals over seeds and images (two-way "
        "random effects), p corrected by Holm"
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


def _command(ablation: Ablation, records: Sequence[Record]) -> str:
    """Return the command that trains the same: what the profile and the file do not say already."""
    one = records[0]
    config = one.config
    profile = config.profile if config.profile in PROFILES else "paper"
    usual, _ = settings.make([PROFILES[profile], ablation.config])
    known = dict(flat(settings.plain(usual)))
    said: dict[str, Any] = {"precision": config.precision, "data.train": notes.train_name(one)}
    if config.train:
        said |= {f"train.{key}": value for key, value in asdict(config.train).items()}
    unlike = {key: value for key, value in said.items() if known.get(key) != value and value}
    unread = ("checkpoint_every", "log_every", "eval_every", "channels_last")
    words = [f"{key}={value}" for key, value in unlike.items() if not key.endswith(unread)]
    words += [f"scale={one.scale}"] if one.scale != ablation.scale else []
    words += [f"threads={config.threads}"] if config.device == "cpu" and config.threads else []
    words += ["device=cuda"] if config.device == "cuda" else []
    earlier = any(record.recipe < RECIPE for record in records)
    at = " (at its commit: today networks are trained by another recipe)" if earlier else ""
    start = f"harness run ablation={ablation.name} profile={profile}"
    return " ".join([start, *words, _seeds(records)]) + at


def _seeds(records: Sequence[Record]) -> str:
    """Return the setting of the seeds, by the rule that they came by."""
    for config in (record.config for record in records):
        if config.until is not None:
            return f"seeds=auto until={config.until:g} max={config.max}"
    known = {record.seed for record in records if record.seed is not None}
    return f"seeds={','.join(map(str, sorted(known)))}"

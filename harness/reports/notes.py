"""The notes under a table: where its numbers come from, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.config import paper
from harness.records.record import Record, SetScore


def notes(
    rows: Mapping[str, Sequence[Record]],
    *,
    sets: Sequence[str],
    expected_sets: Sequence[str],
    has_published: bool,
) -> tuple[str, ...]:
    """Return the notes of one table.

    Args:
        rows: The records of each row by its label, empty where it has not been run.
        sets: The sets the table's means run over.
        expected_sets: The sets they should run over.
        has_published: Whether the table shows published values beside ours.
    """
    used = [record for records in rows.values() for record in records]
    budget = _budget(used, has_published=has_published)
    missing = [label for label, records in rows.items() if not records]
    scores = [one for record in used for name in sets if (one := record.score(name))]
    texts = [
        f"Ours: {_training(used)}.",
        f"Seeds: {_seeds(rows)}.",
        f"Scores: protocol {distinct(used, lambda record: record.protocol)}; {lr_text(scores)}; "
        f"{_means(sets, expected_sets, has_published=has_published)}.",
        f"{budget}." if budget else "",
        f"Not run yet: {', '.join(missing)}." if missing else "",
        f"Commit: {distinct(used, commit)}.",
    ]
    return tuple(note for note in texts if note)


def distinct(records: Iterable[Record], of: Callable[[Record], object]) -> str | None:
    """Return the different values of some property, joined by commas; None without any."""
    values = dict.fromkeys(of(record) for record in records)
    texts = [str(value) for value in values if value is not None and value != ""]
    return ", ".join(texts) or None


def train_name(record: Record) -> str:
    """Return the name of the training set."""
    return str(_setting(record.data, "train.name") or _setting(record.config, "data.train"))


def stem(name: str, record: Record) -> str:
    """Return a file name for a training: the given name, scale, training set and steps."""
    trained = f"{name}_x{record.scale}_{train_name(record)}_{record.steps}steps"
    return re.sub(r"[^A-Za-z0-9+._-]+", "-", trained)


def device(record: Record) -> str:
    """Return what the network was trained on."""
    return str(_setting(record.provenance, "device"))


def commit(record: Record, *, digits: int = 12) -> str:
    """Return the first digits of the commit, with a remark if files differed from it.

    An installed package has no commit, so its version is returned instead.
    """
    installed = str(_setting(record.provenance, "harness"))
    name = str(_setting(record.provenance, "commit"))[:digits]
    name = name or (f"awsrn-harness {installed}, installed" if installed else "unknown")
    return f"{name} with uncommitted changes" if record.provenance.get("dirty") else name


def _training(records: Sequence[Record]) -> str:
    """Return data, length, schedule, precision and device of the training."""

    def setting(path: str) -> str:
        return distinct(records, lambda record: _setting(record.config, path)) or "?"

    steps = distinct(records, lambda record: f"{record.steps:,}")
    parts = [
        f"trained on {distinct(records, _train_set)}",
        f"{steps} steps x batch {setting('train.batch')} x LR patch {setting('train.patch')}",
        f"schedule {setting('train.schedule')}, lr {setting('train.lr')}",
        setting("precision"),
        distinct(records, device) or "unknown device",
    ]
    return "; ".join(parts)


def _train_set(record: Record) -> str:
    """Return the training set's name with the number of its images."""
    images = _setting(record.data, "train.images")
    return f"{train_name(record)} ({images} images)" if images else train_name(record)


def _seeds(rows: Mapping[str, Sequence[Record]]) -> str:
    """Return the seeds, row by row where the rows differ in them."""
    seeds = {
        label: ", ".join(str(record.seed) for record in records)
        for label, records in rows.items()
        if records
    }
    different = set(seeds.values())
    if len(different) == 1:
        return different.pop()
    return "; ".join(f"{label} {text}" for label, text in seeds.items())


def _means(sets: Sequence[str], expected: Sequence[str], *, has_published: bool) -> str:
    """Return which sets the mean runs over and which it lacks."""
    missing = ", ".join(name for name in expected if name not in sets)
    over = f"mean = plain mean of the set means over {', '.join(sets) or 'no set'}"
    if not missing:
        return over
    theirs = "; the published mean includes them" if has_published else ""
    return f"{over} (missing: {missing}{theirs})"


def lr_text(scores: Iterable[SetScore]) -> str:
    """Return where the LR images of scored sets come from, set by set where they differ."""
    by_text: dict[str, dict[str, None]] = {}
    for score in scores:
        by_text.setdefault(score.lr_text, {})[score.set] = None
    if len(by_text) == 1:
        return next(iter(by_text))
    texts = [f"{text} ({', '.join(names)})" for text, names in sorted(by_text.items())]
    return ", ".join(texts) or "LR unknown"


def _budget(records: Sequence[Record], *, has_published: bool) -> str:
    """Return the warning about a short training; empty for the training of the paper."""
    if all(record.full_budget for record in records):
        return ""
    steps = distinct(records, lambda record: f"{record.steps:,}")
    short = f"Short budget: {steps} of {paper.STEPS:,} steps"
    if all(record.steps >= paper.STEPS for record in records):
        short = "Not the training of the paper (Sec. 4.2)"
    return f"{short}; not comparable with the published column" if has_published else short


def _setting(values: Mapping[str, object], path: str) -> object:
    """Return the value at a dotted path of nested mappings, empty where there is none."""
    value: object = values
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return ""
        value = value[key]
    return "" if value is None else value

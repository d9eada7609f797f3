"""What a person types to name stored records: ids, their beginnings, labels, and ``@STEPS``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from harness.config import ablation
from harness.config.ablation import Row
from harness.errors import UsageError, suggest
from harness.records.belonging import belongs
from harness.records.record import FILE_NAME, Record, digest, load_all, read_file
from harness.weights import parts

_MOST = 6
_MARKS = frozenset(",=*")  # commas join names, and the others mean something else in them


def matches(word: str, results: Path, *, scale: int | None = None) -> list[Record]:
    """Return the records that one name selects.

    Args:
        word: A file or folder of a record; an id, the beginning of ids (``wdsr_basic-x2``), a
            pattern with ``*``; or, where no id begins so, a label of a record or of a row of a
            shipped ablation (``Basic RU``). All but files may have ``@STEPS`` behind them, the
            length of the training. Where the beginning of ids fits networks
            with and without dropped branches, the whole ones are meant.
        results: Results root.
        scale: Which records are meant where a label is at several scales; None for all.

    Raises:
        UsageError: What it names was not trained for so many steps.
        RecordError: A record cannot be read.
    """
    path = Path(word)
    if path.is_dir() and (path / FILE_NAME).is_file():
        path /= FILE_NAME
    if path.is_file():
        return [read_file(path)]
    return _select(word, load_all(results), scale)


def label_of(name: str, chosen: Sequence[Record]) -> str:
    """Return what to call the records that a name selects: by the label, where it is one."""
    typed = name.rpartition("@")[0] or name
    known = {name for record in chosen for name in (record.label, record.row)} | _rows().keys()
    begun = any(record.id.startswith(typed) for record in chosen)
    return typed if typed in known and not begun else chosen[0].label


def labels(results: Path) -> set[str]:
    """Return all labels that records can be named by."""
    named = {name for record in load_all(results) for name in (record.label, record.row) if name}
    return named | _rows().keys()


def nearest(name: str, results: Path, *others: str) -> str:
    """Return what is nearest to a name of no record, as a hint in brackets; empty for nothing.

    Ids and ``others`` go before labels.
    """
    ids = [record.id for record in load_all(results)]
    hints = (suggest(name, known, listing=False) for known in ([*ids, *others], labels(results)))
    return next(filter(None, hints), "")


def choices(chosen: Sequence[Record], results: Path) -> str:
    """Return in words what to type for each training of some that one name selects."""
    kinds: dict[tuple[object, ...], list[Record]] = {}
    for record in chosen:
        options = digest(parts.portable(record.overrides))
        kind = (record.model, options, record.drop, record.scale, record.group)
        kinds.setdefault(kind, []).append(record)
    stored = load_all(results)
    texts = [text for alike in kinds.values() for text in _typed(alike, stored)]
    more = f"; and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    return "; ".join(texts[:_MOST]) + more


def _select(word: str, stored: Sequence[Record], scale: int | None) -> list[Record]:
    name, at, steps = word.rpartition("@")
    if not at:
        return _named(word, stored, scale)
    trained = [record for record in _named(name, stored, scale) if record.steps]
    found = [record for record in trained if str(record.steps) == steps]
    if trained and not found:
        lengths = ", ".join(f"{name}@{length}" for length in sorted({r.steps for r in trained}))
        raise UsageError(f"'{word}' names no record: expected one of {lengths}")
    return found


def _named(name: str, stored: Sequence[Record], scale: int | None) -> list[Record]:
    exact = [record for record in stored if record.id == name]
    if exact or not name:
        return exact
    if "*" in name:
        return [record for record in stored if fnmatchcase(record.id, name)]
    begun = [record for record in stored if record.id.startswith(name)]
    if begun:
        return [record for record in begun if not record.drop] or begun
    labelled = [record for record in stored if _is_labelled(record, name)]
    return [record for record in labelled if scale in (None, record.scale)]


def _is_labelled(record: Record, label: str) -> bool:
    """Tell whether a record has a label, or is of a row of a shipped ablation that has it."""
    return label in (record.label, record.row) or any(
        belongs(record, row) for row in _rows().get(label, ())
    )


@cache
def _rows() -> dict[str, tuple[Row, ...]]:
    """Return the rows of the shipped ablations by their labels."""
    rows: dict[str, tuple[Row, ...]] = {}
    for name in ablation.shipped():
        for row in ablation.load(name).rows:
            rows[row.label] = (*rows.get(row.label, ()), row)
    return rows


def _typed(alike: Sequence[Record], stored: Sequence[Record]) -> Iterator[str]:
    """Yield the shortest name that selects just these records, with what they are; or each id."""
    first = alike[0]
    if len({record.seed for record in alike}) < len(alike):
        yield from (f"'{record.id}'" for record in alike)
        return
    seeds = f"{len(alike)} seed{'s' if len(alike) > 1 else ''}"
    name = shortest(alike, stored)
    yield f"'{name}'" if name == first.id else f"'{name}' ({first.steps:,} steps, {seeds})"


def shortest(alike: Sequence[Record], stored: Sequence[Record]) -> str:
    """Return the shortest name that selects just some records; where none does, their ids.

    Args:
        alike: Records of one training, one a seed.
        stored: All records below the results root.
    """
    wanted = {record.id for record in alike}
    for name in _names(alike[0]):
        if _MARKS.isdisjoint(name) and {one.id for one in _select(name, stored, None)} == wanted:
            return name
    return ",".join(record.id for record in alike)


def _names(record: Record) -> Iterator[str]:
    """Yield names that may select a record and its other seeds, the plainest first."""
    before, seed, after = record.id.partition(f"-s{record.seed}-")
    if not seed:
        return
    plain = before if not record.drop else f"{before}-*-{after.partition('-')[2]}"
    for name in filter(None, (plain, record.row, record.label)):
        yield name
        yield f"{name}@{record.steps}"

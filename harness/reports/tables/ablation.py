"""One table per ablation and budget: records and published values, cell by cell.

Values here are raw (integers, full-precision floats, printed decimals, None for a gap);
``harness.reports.tables.table`` rounds them, ``harness.reports.tables.render`` lays them out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from harness.config.ablation import PAPER_SETS, Ablation
from harness.records import counts, published
from harness.records.published import Published
from harness.records.record import Record
from harness.records.selection import Comparison, Entry, comparisons
from harness.reports import notes as provenance
from harness.reports.tables import intervals
from harness.reports.tables.table import Cell, Column, Table, TableRow
from harness.statistics import estimates
from harness.statistics.estimates import Inference

_Number = TypeVar("_Number", int, float)

_LABEL_TITLES = {1: "Unit"}


_Field = tuple[Column, Callable[[Entry], Cell]]


def build(ablation: Ablation, records: Iterable[Record]) -> tuple[Table, ...]:
    """Return one table for each group of comparable records, sorted by name.

    Args:
        ablation: The rows, and which table of the paper they stand in, if any.
        records: Any records; those of other models are ignored.

    Raises:
        UsageError: The ablation names a table that the paper does not have.
        RecordError: The published values cannot be read.
    """
    cells = published.load(ablation.table) if ablation.table is not None else ()
    found = comparisons(ablation, records)
    stems = [provenance.stem(ablation.name, comparison.records[0]) for comparison in found]
    names = [
        stem if stems.count(stem) == 1 else f"{stem}_{comparison.group[:6]}"
        for stem, comparison in zip(stems, found, strict=True)
    ]
    tables = [
        _table(name, ablation, comparison, cells)
        for name, comparison in zip(names, found, strict=True)
    ]
    return tuple(sorted(tables, key=lambda table: table.name))


def _table(
    name: str, ablation: Ablation, comparison: Comparison, cells: Sequence[Published]
) -> Table:
    """Return the table of one comparison."""
    labels = {entry.label for entry in comparison.entries}
    cells = [cell for cell in cells if cell.scale == comparison.scale and cell.label in labels]
    known = estimates.of_entries(comparison.entries, comparison.base, comparison.sets)
    fields = _fields(ablation, comparison, cells, known)
    has_means = any(cell.metric == "mean_psnr_db" for cell in cells)
    origin = f" (Table {ablation.table} of the paper)" if ablation.table is not None else ""
    return Table(
        name=name,
        title=f"{ablation.title}, x{comparison.scale}{origin}",
        columns=tuple(column for column, _ in fields),
        rows=tuple(
            TableRow(tuple(value(entry) for _, value in fields), entry.reference)
            for entry in comparison.shown
        ),
        notes=_params_note(ablation, comparison)
        + _bases_note(comparison)
        + provenance.notes(
            {entry.label: entry.records for entry in comparison.entries},
            sets=comparison.sets,
            expected_sets=PAPER_SETS if has_means else ablation.benchmarks,
            has_published=bool(cells),
        )
        + intervals.notes(known),
    )


def _fields(
    ablation: Ablation,
    comparison: Comparison,
    cells: Sequence[Published],
    known: Sequence[Inference],
) -> list[_Field]:
    """Return the columns and how each makes its cell, ours before the paper's."""

    def pair(ours: _Field, metric: str, set_name: str = "") -> list[_Field]:
        theirs = _published_field(ours[0], cells, metric, set_name)
        return [_marked_ours(ours), theirs] if theirs else [ours]

    sets = comparison.sets

    def minus_base_params(entry: Entry) -> Cell:
        return _minus(_params(entry), _base_params(ablation, comparison, entry))

    def minus_base_psnr(entry: Entry) -> Cell:
        base_mean = comparison.base_of(entry).mean_psnr_db(sets)
        return _minus(entry.mean_psnr_db(sets), base_mean)

    first = _LABEL_TITLES.get(ablation.table or 0, "Variant")
    fields: list[_Field] = [
        (Column("label", first), lambda entry: entry.label),
        *pair((Column("ours_params", "Params", "count"), _params), "params_k"),
        *pair(
            (
                Column("ours_params_diff", "Params\ndiff.\n(ours)", "count", signed=True),
                lambda entry: None if entry.reference else minus_base_params(entry),
            ),
            "params_diff",
        ),
        *pair((Column("ours_multi_adds", "Multi-Adds\n(G)", "giga"), _multi_adds), "multi_adds_g"),
    ]
    if any(entry.weight is not None for entry in comparison.entries):
        weight = Column("ours_removed_weight", "Removed\nweight", "ssim")
        fields += pair((weight, lambda entry: entry.weight), "removed_weight", "Set5")
    for name in sets:
        fields += _set_fields(name, cells)
    mean = Column("ours_mean_psnr_db", "Mean PSNR\n(ours)", "psnr")
    ours, *theirs = pair((mean, lambda entry: entry.mean_psnr_db(sets)), "mean_psnr_db")
    difference: _Field = (intervals.difference(known), minus_base_psnr)
    spread, interval, hidden = map(_by_label, intervals.fields(known))
    origin = Column("base", printed=False)
    fields += [ours, *spread, difference, *interval, *theirs, *hidden]
    fields.append((origin, lambda entry: comparison.base_of(entry).label))
    return fields + _provenance_fields(cells)


def _by_label(fields: Iterable[intervals.Field]) -> list[_Field]:
    """Return columns whose cells are known by a row's label; the reference has none."""

    def cell(value: Callable[[str], Cell]) -> Callable[[Entry], Cell]:
        return lambda entry: None if entry.reference else value(entry.label)

    return [(column, cell(value)) for column, value in fields]


def _set_fields(name: str, cells: Sequence[Published]) -> list[_Field]:
    """Return PSNR and SSIM of one set, and the paper's where it prints them."""
    psnr = Column(f"ours_{name}_psnr_db", f"{name}\nPSNR/SSIM", "psnr")
    ssim = Column(f"ours_{name}_ssim", kind="ssim", joined=True)
    their_ssim = _published_field(ssim, cells, "ssim", name)
    same = psnr if their_ssim else replace(psnr, title=f"{name}\nPSNR")
    theirs = [_published_field(same, cells, "psnr_db", name), their_ssim]
    ours: _Field = (psnr, lambda entry: entry.scores[name][0] if name in entry.scores else None)
    return [
        _marked_ours(ours) if theirs[0] else ours,
        (ssim, lambda entry: entry.scores[name][1] if name in entry.scores else None),
        *(field for field in theirs if field),
    ]


def _marked_ours(field: _Field) -> _Field:
    """Return our column with a title that tells it from the paper's beside it."""
    column, value = field
    return replace(column, title=column.title.removesuffix("\n(ours)") + "\n(ours)"), value


def _published_field(
    ours: Column, cells: Sequence[Published], metric: str, set_name: str
) -> _Field | None:
    """Return the paper's column beside one of ours, or None where it prints no such value."""
    values = {
        cell.label: cell.value
        for cell in cells
        if (cell.metric, cell.set) == (metric, set_name) and cell.value is not None
    }
    if not values:
        return None
    key = f"paper_{set_name}_{metric}" if set_name else f"paper_{metric}"
    title = ours.title.removesuffix("\n(ours)") + (" (K)" if metric == "params_k" else "")
    column = Column(key, f"{title}\n(paper)", ours.kind, signed=ours.signed, joined=ours.joined)
    return column, lambda entry: None if entry.reference else values.get(entry.label)


def _provenance_fields(cells: Sequence[Published]) -> list[_Field]:
    """Return the columns that only the CSV file shows: where each number comes from."""

    def text(key: str, of: Callable[[Record], object]) -> _Field:
        return Column(key, printed=False), lambda entry: provenance.distinct(entry.records, of)

    sources = {cell.label: f"published/table{cell.table}.csv" for cell in cells}
    notes: defaultdict[str, list[str]] = defaultdict(list)
    for cell in cells:
        notes[cell.label] += [cell.note] if cell.note else []
    return [
        text("record_ids", lambda record: record.id),
        text("seeds", lambda record: record.seed),
        text("steps", lambda record: record.steps),
        text("device", provenance.device),
        text("commit", lambda record: provenance.commit(record, digits=40)),
        (
            Column("paper_source", printed=False),
            lambda entry: None if entry.reference else sources.get(entry.label),
        ),
        (
            Column("paper_note", printed=False),
            lambda entry: None if entry.reference else "; ".join(notes[entry.label]) or None,
        ),
    ]


def _base_params(ablation: Ablation, comparison: Comparison, entry: Entry) -> int | None:
    """Return the parameters that the differences of a row are taken from."""
    if ablation.params_from is None:
        return _params(comparison.base_of(entry))
    return counts.of_model(ablation.params_from, comparison.scale).params


def _params_note(ablation: Ablation, comparison: Comparison) -> tuple[str, ...]:
    """Return what stands apart from the differences of parameters, if anything."""
    whole = _params(comparison.base)
    if ablation.params_from is None or whole is None:
        return ()
    count = counts.of_model(ablation.params_from, comparison.scale)
    return (
        f"Params diff.: to {count.label}, {count.params:,}; the {count.params - whole:+,} from "
        f"{comparison.base.label} to it are no part of what is compared.",
    )


def _bases_note(comparison: Comparison) -> tuple[str, ...]:
    """Return which rows are compared with another than the base row, if any."""
    by_base: defaultdict[str, list[str]] = defaultdict(list)
    for entry in comparison.entries:
        origin = comparison.base_of(entry)
        if entry.records and origin.records and origin is not comparison.base:
            by_base[origin.label] += [entry.label] if entry is not origin else []
    listed = [f"those of {', '.join(rows)} to {base}" for base, rows in by_base.items() if rows]
    if not listed:
        return ()
    return (f"Differences are to {comparison.base.label}; {'; '.join(listed)}.",)


def _params(entry: Entry) -> int | None:
    return entry.records[0].params if entry.records else None


def _multi_adds(entry: Entry) -> int | None:
    return entry.records[0].multi_adds if entry.records else None


def _minus(value: _Number | None, base: _Number | None) -> _Number | None:
    """Return the difference, or None where either side is a gap."""
    return None if value is None or base is None else value - base

"""One table per ablation and training length: our scores beside the published values.

Values here are raw (integers, full-precision floats, printed decimals, None for a gap);
``harness.reports.tables.table`` rounds them, ``harness.reports.tables.render`` lays them out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from harness.config import paper
from harness.config.ablation import Ablation
from harness.records import published
from harness.records.failure import Failure
from harness.records.published import Published
from harness.records.record import Record
from harness.records.selection import ComparedRow, Comparison, comparisons
from harness.reports import notes, unlike
from harness.reports.tables import bases, beside, intervals, looks, pairs
from harness.reports.tables.fields import (
    Field,
    as_printed,
    columns_of,
    counted,
    doubt_notes,
    field,
    hidden,
    joined,
    misprint_notes,
    rows_of,
)
from harness.reports.tables.table import Column, Table, TableCell
from harness.statistics import estimates
from harness.statistics.estimates import Inference

_Number = TypeVar("_Number", int, float)

_LABEL_TITLES = {1: "Unit"}
_FAILED = "failed"


def build(
    ablation: Ablation, records: Iterable[Record], failures: Iterable[Failure] = ()
) -> tuple[Table, ...]:
    """Return the tables of each group of comparable records, sorted by name.

    Each has one of all rows, and a small one of its pairs where some have been run.

    Args:
        ablation: The rows, and which table of the paper they stand in, if any.
        records: Any records; those of other models are ignored.
        failures: Any failures, likewise; a group has a table where it has a record.

    Raises:
        UsageError: The ablation names a table that the paper does not have.
        RecordError: The published values cannot be read.
    """
    cells = published.load(ablation.table) if ablation.table is not None else ()
    groups = comparisons(ablation, records, failures)
    names = notes.file_names((ablation.name, one.records[0], one.group[:6]) for one in groups)
    tables = [
        table
        for name, comparison in zip(names, groups, strict=True)
        for table in _tables(name, ablation, comparison, cells)
    ]
    return tuple(sorted(tables, key=lambda table: table.name))


def _tables(
    name: str, ablation: Ablation, comparison: Comparison, cells: Sequence[Published]
) -> list[Table]:
    """Return the table of one comparison, that of its pairs, and that beside published rows."""
    labels = {entry.label for entry in comparison.entries}
    cells = [cell for cell in cells if cell.scale == comparison.scale and cell.label in labels]
    inferences = estimates.of_entries(
        bases.compared(comparison), comparison.base, comparison.sets, ablation.pairs
    )
    fields = _fields(ablation, comparison, cells, inferences)
    has_means = any(cell.metric == "mean_psnr_db" for cell in cells)
    origin = f" (Table {ablation.table} of the paper)" if ablation.table is not None else ""
    title = f"{ablation.title}, x{comparison.scale}"
    rows = {entry.label: entry.records for entry in comparison.entries}
    whole = Table(
        name=name,
        title=f"{title}{origin}",
        columns=columns_of(fields),
        rows=rows_of(fields, comparison.shown, reference=lambda entry: entry.reference),
        notes=bases.params_note(ablation, comparison)
        + ((ablation.note,) if ablation.note else ())
        + tuple(
            dict.fromkeys(
                f"{entry.label}, {remark}."
                for entry in comparison.entries
                for record in entry.records
                for remark in record.remarks
            )
        )
        + bases.bases_note(comparison)
        + doubt_notes(
            (entry.label, record.count_doubts)
            for entry in comparison.entries
            for record in entry.records
        )
        + notes.notes(
            rows,
            sets=comparison.sets,
            expected_sets=paper.SETS if has_means else ablation.benchmarks,
            has_published=bool(cells),
            failures=[run for entry in comparison.shown for run in entry.failures],
        )
        + misprint_notes(cells)
        + notes.incomparable_text(
            (row.label, comparison.base_of(row).label, bases.incomparable(comparison, row))
            for row in comparison.shown
        )
        + intervals.notes(inferences),
    )
    trained = (notes.training_note(comparison.records), unlike.devices_note(rows))
    more = [
        pairs.build(name, title, inferences, tuple(filter(None, trained))),
        beside.build(name, ablation, comparison),
    ]
    return [whole, *filter(None, more)]


def _fields(
    ablation: Ablation,
    comparison: Comparison,
    cells: Sequence[Published],
    inferences: Sequence[Inference],
) -> list[Field[ComparedRow]]:
    """Return the fields of the table; our column stands before the paper's of the same quantity."""

    def pair(ours: Field[ComparedRow], metric: str, set_name: str = "") -> list[Field[ComparedRow]]:
        theirs = _published_field(ours.column, cells, metric, set_name)
        return [_marked_ours(ours), theirs] if theirs else [ours]

    sets = comparison.sets

    def minus_base_params(entry: ComparedRow) -> TableCell:
        return _minus(bases.params_of(entry), bases.base_params(ablation, comparison, entry))

    def minus_base_psnr(entry: ComparedRow) -> TableCell:
        if bases.incomparable(comparison, entry):
            return None
        own = None if entry.reference else looks.difference(inferences, entry.label)
        if own is not None:
            return own
        base_mean = comparison.base_of(entry).mean_psnr_db(sets)
        return _minus(entry.mean_psnr_db(sets), base_mean)

    alone = comparison.base is comparison.reference  # one row, and its gain over bicubic

    def label_of(entry: ComparedRow) -> str | None:
        return None if entry.reference else entry.label

    params_diff: Field[ComparedRow] = field(
        "ours_params_diff",
        "Params\ndiff.",
        lambda entry: None if entry.reference else minus_base_params(entry),
        "count",
        signed=True,
    )
    fields = [
        field("label", _LABEL_TITLES.get(ablation.table or 0, "Variant"), lambda row: row.label),
        *pair(field("ours_params", "Params", bases.params_of, "count"), "params_k"),
        *([] if alone else pair(params_diff, "params_diff")),
        *pair(field("ours_multi_adds", "Multi-Adds\n(G)", _multi_adds, "giga"), "multi_adds_g"),
    ]
    if any(entry.weight is not None for entry in comparison.entries):
        weight: Field[ComparedRow] = field(
            "ours_removed_weight", "Removed\nweight", lambda row: row.weight, "weight"
        )
        fields += pair(weight, "removed_weight", "Set5")
    for name in sets:
        fields += _set_fields(name, cells)
    mean: Field[ComparedRow] = field(
        "ours_mean_psnr_db",
        "Mean PSNR",
        lambda entry: _FAILED if _only_failed(entry) else entry.mean_psnr_db(sets),
        "psnr",
    )
    ours, *theirs = pair(mean, "mean_psnr_db")
    column = intervals.difference(inferences)
    column = replace(column, title="Gain over\nbicubic (dB)") if alone else column
    difference = Field(column, minus_base_psnr)
    spread, interval, details = intervals.fields(inferences, label_of)
    ssim = intervals.ssim_fields(inferences, label_of, printed=False)
    fields += [ours, *spread, difference, *interval, *theirs, *details, *ssim]
    fields.append(hidden("base", lambda entry: comparison.base_of(entry).label))
    return fields + _provenance_fields(cells)


def _set_fields(name: str, cells: Sequence[Published]) -> list[Field[ComparedRow]]:
    """Return PSNR and SSIM of one set, and the paper's where it prints them."""

    def score(index: int) -> Callable[[ComparedRow], TableCell]:
        return lambda entry: entry.scores[name][index] if name in entry.scores else None

    psnr = field(f"ours_{name}_psnr_db", f"{name}\nPSNR/SSIM", score(0), "psnr")
    ssim = joined(f"ours_{name}_ssim", score(1))
    their_ssim = _published_field(ssim.column, cells, "ssim", name)
    like = psnr.column if their_ssim else replace(psnr.column, title=f"{name}\nPSNR")
    their_psnr = _published_field(like, cells, "psnr_db", name)
    return [
        _marked_ours(psnr) if their_psnr else psnr,
        ssim,
        *(theirs for theirs in (their_psnr, their_ssim) if theirs),
    ]


def _marked_ours(ours: Field[ComparedRow]) -> Field[ComparedRow]:
    """Return our column with "(ours)" in its title, for use beside a column of the paper."""
    return replace(ours, column=replace(ours.column, title=f"{ours.column.title}\n(ours)"))


def _published_field(
    ours: Column, cells: Sequence[Published], metric: str, set_name: str
) -> Field[ComparedRow] | None:
    """Return the paper's column beside one of ours, or None where it prints no such value."""
    values = {
        cell.label: as_printed(cell)
        for cell in cells
        if (cell.metric, cell.set) == (metric, set_name) and cell.value is not None
    }
    if not values:
        return None
    key = f"paper_{set_name}_{metric}" if set_name else f"paper_{metric}"
    title = ours.title + (" (K)" if metric == "params_k" else "")
    column = Column(key, f"{title}\n(paper)", ours.kind, signed=ours.signed, joined=ours.joined)
    return Field(column, lambda entry: None if entry.reference else values.get(entry.label))


def _provenance_fields(cells: Sequence[Published]) -> list[Field[ComparedRow]]:
    """Return the columns of the CSV file that say where each number comes from."""

    def text(key: str, of: Callable[[Record], object]) -> Field[ComparedRow]:
        return hidden(key, lambda entry: notes.distinct(entry.records, of))

    sources = {cell.label: f"published/table{cell.table}.csv" for cell in cells}
    remarks: defaultdict[str, list[str]] = defaultdict(list)
    for cell in cells:
        remarks[cell.label] += [cell.note] if cell.note else []
    return [
        text("record_ids", lambda record: record.id),
        text("seeds", lambda record: record.seed),
        text("steps", lambda record: record.steps),
        text("device", notes.device),
        text("commit", lambda record: notes.commit(record, digits=40)),
        hidden("paper_source", lambda entry: None if entry.reference else sources.get(entry.label)),
        hidden(
            "paper_note",
            lambda entry: None if entry.reference else "; ".join(remarks[entry.label]) or None,
        ),
    ]


def _only_failed(entry: ComparedRow) -> bool:
    return bool(entry.failures) and not entry.records


def _multi_adds(entry: ComparedRow) -> int | str | None:
    return counted(entry.records[0].multi_adds) if entry.records else None


def _minus(value: _Number | None, base: _Number | None) -> _Number | None:
    """Return the difference, or None where one of the two values is missing."""
    return None if value is None or base is None else value - base

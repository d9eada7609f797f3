"""Efficient networks younger than the paper: counts, printed and re-scored scores, latencies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.config import paper, protocols
from harness.config.protocols import DEFAULT
from harness.records import counts, latencies, published_modern, released
from harness.records.counting import Metric
from harness.records.counts import Count
from harness.records.latencies import BesideIMDN
from harness.records.record import Record
from harness.reports import notes
from harness.reports.tables.efficiency import MARKS, sentence
from harness.reports.tables.fields import (
    Field,
    as_printed,
    columns_of,
    field,
    hidden,
    joined,
    misprint_notes,
    rows_of,
)
from harness.reports.tables.modern_rows import CELLS, WEIGHTS, ModernSystem, systems
from harness.reports.tables.table import ColumnKind, Table, TableCell

NAME = "modern"

_COUNTS = f"results/efficiency/{counts.FILE_NAME}"


def build(records: Iterable[Record], results: Path) -> Table:
    """Return the table: the networks in the registry's order, scale by scale.

    Args:
        records: As for :func:`systems`.
        results: As there.

    Raises:
        RecordError: As there.
    """
    rows = systems(records, results)
    fields = _fields(rows)
    return Table(
        name=NAME,
        title="Efficient networks younger than the paper: what they cost for a "
        f"{paper.OUTPUT_SIZE} output, and their scores as printed and by one protocol",
        columns=columns_of(fields),
        rows=rows_of(fields, rows, block=lambda row: row.count.scale),
        notes=tuple(_notes(rows)),
        long=True,
        marks="none",
        lead=3,
    )


def _notes(rows: Sequence[ModernSystem]) -> Iterable[str]:
    yield (
        "Params: of the form that runs; behind the stroke those in training, where that is another "
        "form. Multi-Adds: ours are kernel elements times pixels, as PyTorch runs it; rule: our "
        "count by the rule that gives the printed figures, where any are printed."
    )
    yield (
        f"{MARKS['exact']}: the count has the printed digits. {MARKS['explained']}: they follow "
        f"from the rule that is named below. {MARKS['open']}: they are not explained. "
        "Activations: elements that convolutions write."
    )
    explained = {row.note: sentence(row.count) for row in rows if row.note}
    yield from (f"({number}) {text}." for number, text in sorted(explained.items()))
    yield from _of_other_inputs({row.count.label for row in rows})
    yield (
        "Images: training set of the printed scores; empty where no source of ours says it. "
        f"Printed: {CELLS}, and {WEIGHTS} for networks without scores there. {_scored(rows)}"
    )
    yield from misprint_notes(
        cell
        for cells in {id(row.printed): row.printed for row in rows}.values()
        for cell in cells.values()
    )
    yield _latencies(rows)
    if used := [row.record for row in rows if row.record]:
        yield f"Commit: {notes.distinct(used, notes.commit)}; {notes.distinct(used, notes.device)}."


def _of_other_inputs(labels: Collection[str]) -> Iterable[str]:
    """Yield the note on Multi-Adds that are printed for another input, if there are any."""
    texts = [
        f"{cell.label} x{cell.scale} {cell.value}G for {cell.input} ({cell.status})"
        for cell in published_modern.load()
        if cell.input and cell.label in labels
    ]
    if texts:
        yield f"Printed Multi-Adds for LR images of another size: {', '.join(texts)}."


def _scored(rows: Iterable[ModernSystem]) -> str:
    if not any(row.record for row in rows):
        return "No public weights were scored."
    return (
        f"Ours: public weights by protocol {DEFAULT.name} "
        f"({protocols.get(DEFAULT.name).describe()}); {released.KINDS_TEXT}."
    )


def _latencies(rows: Iterable[ModernSystem]) -> str:
    measured = [row.latency for row in rows if row.latency]
    if not measured:
        return f"No latencies are stored (results/bench/{latencies.FILE_NAME})."
    whats = ", ".join(dict.fromkeys(one.what for one in measured))
    machine = f"{measured[0].machine}, PyTorch {measured[0].torch}"
    return f"Latency: over IMDN's at the same scale, measured in turn ({whats}; {machine})."


def _count(
    key: str, title: str, of: Callable[[Count], TableCell], kind: ColumnKind = "text"
) -> Field[ModernSystem]:
    return field(key, title, lambda row: of(row.count), kind)


def _cell(name: str, metric: str) -> Callable[[ModernSystem], TableCell]:
    """Return what makes the cell of a printed value."""

    def cell(row: ModernSystem) -> TableCell:
        printed = row.printed.get((name, metric))
        return as_printed(printed) if printed else None

    return cell


def _status(row: ModernSystem, metric: Metric) -> str | None:
    printed = row.printed.get(("", metric))
    return printed.status or None if printed else None


def _mark(metric: Metric) -> Field[ModernSystem]:
    """Return the marks behind a print: its status, with the number of the note that explains it."""

    def mark(row: ModernSystem) -> str | None:
        status = _status(row, metric)
        number = row.note if status != "exact" else None
        return f"{MARKS[status]}{number or ''}" if status else None

    column = joined(f"{metric}_mark", mark, "text").column
    return Field(replace(column, between=" "), mark)


def _by_rule(row: ModernSystem) -> int | None:
    """Return the Multi-Adds by the rule of the print, where they are printed."""
    return row.count.rule_multi_adds if _status(row, "multi_adds_g") else None


def _of_set(name: str, rows: Iterable[ModernSystem]) -> Iterable[Field[ModernSystem]]:
    """Yield the columns of a set: its scores as printed and ours, where there are any."""
    if any((name, "psnr_db") in row.printed for row in rows):
        yield field(f"printed_{name}_psnr_db", f"{name}\nprinted", _cell(name, "psnr_db"), "psnr")
        yield joined(f"printed_{name}_ssim", _cell(name, "ssim"))
    if any(row.rescored(name) for row in rows):
        yield field(
            f"rescored_{name}_psnr_db",
            f"{name}\nours",
            lambda row: score.psnr_db if (score := row.rescored(name)) else None,
            "psnr",
        )
        yield joined(
            f"rescored_{name}_ssim",
            lambda row: score.ssim if (score := row.rescored(name)) else None,
        )


def _fields(rows: Sequence[ModernSystem]) -> tuple[Field[ModernSystem], ...]:
    return (
        _count("scale", "Scale", lambda count: count.scale, "count"),
        _count("label", "Model", lambda count: count.label),
        field("images", "Images", lambda row: row.images or None),
        _count("params", "Params (K)\nours", lambda count: count.params, "kilo"),
        joined("params_trained", lambda row: row.count.params_trained, "kilo"),
        field("printed_params_k", "Params (K)\nprinted", _cell("", "params_k"), "kilo"),
        _mark("params_k"),
        _count("multi_adds", "Multi-Adds (G)\nours", lambda count: count.multi_adds, "giga"),
        field("rule_multi_adds", "Multi-Adds (G)\nrule", _by_rule, "giga"),
        field("printed_multi_adds_g", "Multi-Adds (G)\nprinted", _cell("", "multi_adds_g"), "giga"),
        _mark("multi_adds_g"),
        _count("activations", "Activ.\n(M)", lambda count: count.activations, "mega"),
        *_of_latency(rows),
        field("weights", "Weights", lambda row: row.weights.training if row.weights else None),
        *(made for name in paper.SETS for made in _of_set(name, rows)),
        hidden("model", lambda row: row.count.model),
        hidden("counts_source", lambda _: _COUNTS),
        hidden("params_k_status", lambda row: _status(row, "params_k")),
        hidden("multi_adds_g_status", lambda row: _status(row, "multi_adds_g")),
        hidden("rule", lambda row: row.count.rule),
        hidden("rule_params", lambda row: row.count.rule_params),
        hidden("note", lambda row: row.count.note or None),
        hidden("convs", lambda row: row.count.convs),
        hidden("printed_file", lambda row: row.file or None),
        hidden("printed_source", lambda row: "; ".join(row.sources) or None),
        hidden("weights_file", lambda row: row.weights.file if row.weights else None),
        hidden("weights_sha256", lambda row: row.weights.sha256 if row.weights else None),
        hidden("weights_source", lambda row: row.weights.source if row.weights else None),
        hidden("record_id", lambda row: row.record.id if row.record else None),
        hidden("commit", lambda row: notes.commit(row.record, digits=40) if row.record else None),
    )


def _of_latency(rows: Iterable[ModernSystem]) -> Iterable[Field[ModernSystem]]:
    """Yield the columns of latencies; those of one machine and script are stored in one file."""

    def of(cell: Callable[[BesideIMDN], TableCell]) -> Callable[[ModernSystem], TableCell]:
        return lambda row: cell(row.latency) if row.latency else None

    if any(row.latency for row in rows):
        yield field("latency", "Latency\nto IMDN", of(lambda one: one.ratio), "ratio")
    else:
        yield hidden("latency", of(lambda one: one.ratio))
    yield hidden("latency_least", of(lambda one: one.least))
    yield hidden("latency_most", of(lambda one: one.most))
    yield hidden("latency_s", of(lambda one: one.own_s))
    yield hidden("latency_imdn_s", of(lambda one: one.imdn_s))
    yield hidden("latency_machine", of(lambda one: one.machine))
    yield hidden("latency_script", of(lambda one: one.script))

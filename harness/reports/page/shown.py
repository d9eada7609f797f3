"""Tables as the page shows them: as printed, with intervals drawn and links to the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from harness.records.record import Record
from harness.reports.tables.table import (
    PrintedValue,
    Table,
    TableCell,
    flat,
    format_value,
    printed_form,
)

_DIFF = "mean_psnr_diff"
_SOURCES = ("paper_source", "published_source", "printed_file")
_IDS = ("record_ids", "record_id")
_MARGIN = 4.0  # of 100, beside the widest interval


@dataclass(frozen=True, slots=True)
class DrawnInterval:
    """A difference to a base with its interval, on a scale of 0 to 100 that a table shares.

    Attributes:
        text: As printed, in dB.
        zero: Where no difference lies.
        middle: Where the difference lies.
        low: Lower end.
        high: Upper end.
        shown: Whether the interval leaves zero out.
    """

    text: str
    zero: float
    middle: float
    low: float
    high: float
    shown: bool


@dataclass(frozen=True, slots=True)
class RecordLink:
    """A link to a record, with a short name for it."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row.

    Attributes:
        cells: The printed cells, each of one or more values.
        interval: The difference drawn; None where there is none.
        links: Its records.
        source: Where its published numbers stand; empty where it has none.
        ruled: Whether a line is drawn above it.
    """

    cells: tuple[tuple[PrintedValue, ...], ...]
    interval: DrawnInterval | None
    links: tuple[RecordLink, ...]
    source: str
    ruled: bool


@dataclass(frozen=True, slots=True)
class ShownTable:
    """One table.

    Attributes:
        name: File name of the table, without ending.
        title: Its heading.
        heads: Headings of the columns, on one line each.
        numeric: Whether a column holds numbers.
        lead: How many columns stand before the others, and tell rows apart.
        named: Which of them has the row's name: it stays in sight, and readers are told it.
        rows: The rows.
        notes: The notes under it.
        intervals: Whether there is a column of drawn intervals.
        linked: Whether there is a column of links to records.
        sources: Whether there is a column of sources of published numbers.
        long: Whether it is folded away at first.
        origin: The command that makes the table.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    lead: int
    named: int
    rows: tuple[ShownRow, ...]
    notes: tuple[str, ...]
    intervals: bool
    linked: bool
    sources: bool
    long: bool
    origin: str


def of(table: Table, records: Mapping[str, Record], *, origin: str) -> ShownTable:
    """Return a table for the page.

    Args:
        table: Any table.
        records: All records by their ids, to name links after seeds.
        origin: The command that makes the table.
    """
    printed = printed_form(table)
    keys = {column.key: index for index, column in enumerate(table.columns)}
    intervals = _intervals(table, keys)
    links = [_links(_text(row.cells, keys, _IDS), records) for row in table.rows]
    sources = [_text(row.cells, keys, _SOURCES) for row in table.rows]
    rows = tuple(
        ShownRow(cells, interval, of_row, source, row.ruled)
        for row, cells, interval, of_row, source in zip(
            table.rows, printed.rows, intervals, links, sources, strict=True
        )
    )
    return ShownTable(
        name=table.name,
        title=flat(table.title),
        heads=tuple(map(flat, printed.heads)),
        numeric=printed.numeric,
        lead=table.lead,
        named=_named(table),
        rows=rows,
        notes=table.notes,
        intervals=any(intervals),
        linked=any(links),
        sources=any(sources),
        long=table.long,
        origin=origin,
    )


def record_ids(table: ShownTable) -> list[str]:
    """Return the ids of all records that a table links to."""
    return [link.id for row in table.rows for link in row.links]


def _named(table: Table) -> int:
    """Return the place of the printed column that holds labels, else of the last that leads."""
    printed = [column.key for column in table.columns if column.printed and not column.joined]
    leading = printed[: table.lead]
    return leading.index("label") if "label" in leading else table.lead - 1


def _text(cells: tuple[TableCell, ...], keys: Mapping[str, int], names: tuple[str, ...]) -> str:
    """Return the first of some hidden cells that a row has."""
    found = (cells[keys[name]] for name in names if name in keys)
    return str(next((cell for cell in found if cell), ""))


def _links(ids: str, records: Mapping[str, Record]) -> tuple[RecordLink, ...]:
    found = [records[one] for one in ids.split(", ") if one in records]
    return tuple(RecordLink(record.id, _short_name(record)) for record in found)


def _short_name(record: Record) -> str:
    return f"seed {record.seed}" if record.seed is not None else record.protocol


def _intervals(table: Table, keys: Mapping[str, int]) -> list[DrawnInterval | None]:
    """Return the interval of each row, drawn; the scale reaches over all of them and zero."""
    prefix = next((key.removesuffix("_db") for key in keys if key.endswith(f"{_DIFF}_db")), None)
    if prefix is None or f"{prefix}_low_db" not in keys:
        return [None] * len(table.rows)
    at = [keys[f"{prefix}{end}_db"] for end in ("", "_low", "_high")]
    rows = [[_number(row.cells[index]) for index in at] for row in table.rows]
    known = [[value for value in row if value is not None] for row in rows]
    whole = [row if len(row) == len(at) else None for row in known]
    reached = [0.0, *(value for row in whole if row for value in row)]
    least, width = min(reached), (max(reached) - min(reached)) or 1.0

    def place(value: float) -> float:
        return round(_MARGIN + (100 - 2 * _MARGIN) * (value - least) / width, 1)

    def drawn(middle: float, low: float, high: float) -> DrawnInterval:
        ends = (middle, low, high)
        texts = (
            format_value(end, table.columns[index]) for end, index in zip(ends, at, strict=True)
        )
        text = "{} dB, {}, {}".format(*texts)
        shown = low > 0 or high < 0
        return DrawnInterval(text, place(0), place(middle), place(low), place(high), shown)

    return [drawn(*row) if row else None for row in whole]


def _number(cell: TableCell) -> float | None:
    return float(cell) if isinstance(cell, int | float) and isfinite(cell) else None

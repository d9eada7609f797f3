"""What the paper prints: the rows of results/published/*.csv, value by value.

Values are kept as printed (``35.1`` stays ``35.1``), doubts about them in ``note``. Table 5
follows the authors' own picture of it; a note says where the OCR of the paper's text differs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from harness.errors import RecordError, UsageError
from harness.host.paths import bundled

COLUMNS = ("table", "label", "scale", "set", "metric", "value", "note", "status")

STATUSES = ("", "exact", "explained", "open")


@dataclass(frozen=True, slots=True)
class Published:
    """One cell of one table of the paper.

    Attributes:
        table: The paper's number of the table, from 1.
        label: The row, as printed, misspellings of our system's names corrected.
        scale: Upscaling factor.
        set: Benchmark set, empty where the value belongs to none.
        metric: What was measured, its unit as a suffix (``psnr_db``, ``params_k``).
        value: The number, with the digits printed; None where the paper has a gap.
        note: Doubts about the value, or how it came about.
        status: For counts of parameters and Multi-Adds: whether our count is ``exact``,
            ``explained`` by a named other rule, or the cell is ``open``; written by
            ``harness.efficiency.counting.annotate``, never by hand.
    """

    table: int
    label: str
    scale: int
    set: str
    metric: str
    value: Decimal | None
    note: str
    status: str = ""


def load(table: int, folder: Path | None = None) -> tuple[Published, ...]:
    """Return the published cells of one table, in the paper's order.

    Args:
        table: The paper's number of the table.
        folder: Where the CSV files lie; by default the ones shipped with the harness.

    Raises:
        UsageError: There is no such table.
        RecordError: The file is broken; the message names file and line.
    """
    folder = bundled("published") if folder is None else folder
    path = folder / f"table{table}.csv"
    if not path.is_file():
        known = ", ".join(str(number) for number in tables(folder))
        raise UsageError(f"no published table {table} (known: {known or 'none'})")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return _parse(file, path, table)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from error


def tables(folder: Path | None = None) -> tuple[int, ...]:
    """Return the numbers of the published tables, ascending."""
    folder = bundled("published") if folder is None else folder
    numbers = (path.stem.removeprefix("table") for path in folder.glob("table*.csv"))
    return tuple(sorted(int(number) for number in numbers if number.isdecimal()))


def find(
    rows: Iterable[Published], *, label: str, scale: int, metric: str, set_name: str = ""
) -> Published | None:
    """Return the cell of that row, scale, metric and set, or None where none is published."""
    wanted = (label, scale, metric, set_name)
    for row in rows:
        if (row.label, row.scale, row.metric, row.set) == wanted:
            return row
    return None


def _parse(file: Iterable[str], path: Path, table: int) -> tuple[Published, ...]:
    """Read the rows of an open CSV file; ``path`` and ``table`` say what it should be."""
    reader = csv.reader(file, strict=True)
    rows: list[Published] = []
    seen: dict[tuple[str, int, str, str], int] = {}
    try:
        header = tuple(next(reader, ()))
        if header != COLUMNS:
            raise ValueError(f"expected the columns {','.join(COLUMNS)}, got {','.join(header)}")
        for fields in reader:
            row = _row(fields, table)
            key = (row.label, row.scale, row.metric, row.set)
            if key in seen:
                raise ValueError(f"the same cell stands in line {seen[key]}")
            seen[key] = reader.line_num
            rows.append(row)
    except (ValueError, csv.Error) as error:
        raise RecordError(f"{path}:{max(reader.line_num, 1)}: {error}") from error
    return tuple(rows)


def _row(fields: list[str], table: int) -> Published:
    """Return one parsed line.

    Raises:
        ValueError: A field is missing, surplus or not what its column holds.
    """
    if len(fields) != len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} fields, got {len(fields)}")
    number, label, scale, set_name, metric, value, note, status = fields
    if number != str(table):
        raise ValueError(f"expected table {table}, got '{number}'")
    if not scale.isdecimal():
        raise ValueError(f"the scale must be a whole number, got '{scale}'")
    if not label or not metric:
        raise ValueError("label and metric must not be empty")
    if status not in STATUSES:
        raise ValueError(f"status must be exact, explained, open or empty, got '{status}'")
    return Published(table, label, int(scale), set_name, metric, _value(value), note, status)


def _value(text: str) -> Decimal | None:
    """Return the printed number, or None for an empty field.

    Raises:
        ValueError: The field is not a finite number.
    """
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ValueError(f"the value must be a number or empty, got '{text}'")
    return value

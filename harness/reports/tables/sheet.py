"""Tables in printed form: every rounding of a number happens here, once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite

from harness.reports.tables.table import Cell, Column, Marks, Table

_STEP = {
    "count": Decimal(1),
    "kilo": Decimal("0.001"),
    "mega": Decimal("0.01"),
    "giga": Decimal("0.01"),
    "psnr": Decimal("0.01"),
    "ssim": Decimal("0.0001"),
    "diff": Decimal("0.001"),
    "p": Decimal("0.001"),
}
_UNIT = {"kilo": 10**3, "mega": 10**6, "giga": 10**9}


@dataclass(frozen=True, slots=True)
class Part:
    """The printed form of one value; a printed cell has one part, or several in a pair.

    Attributes:
        text: As printed.
        place: 1 for the best of its column, 2 for the second best where that is marked, else 0.
        between: What stands between it and the part before it.
    """

    text: str
    place: int = 0
    between: str = "/"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table in printed form: heads, one a printed column, and rows of cells of parts."""

    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[tuple[Part, ...], ...], ...]
    references: int


def format_value(value: Cell, column: Column) -> str:
    """Return a value as it is printed: rounded half up, empty for a gap.

    PSNR has 2 decimals, its spread, its differences that have intervals and p-values 3, SSIM 4,
    counts in units of 1e6 and 1e9 2; other counts have thousands separators, and all their
    digits also in units of 1e3. Published values (``Decimal``) keep the digits that the paper
    prints.
    """
    return "" if value is None else column.form.format(_plain(value, column))


def _plain(value: str | int | float | Decimal, column: Column) -> str:
    if isinstance(value, str) or column.kind == "text":
        return str(value)
    if isinstance(value, Decimal):
        number = value
    elif not isfinite(value):
        return str(value)
    elif column.kind == "p" and value < _STEP["p"]:
        return f"<{_STEP['p']}"
    else:
        number = Decimal(str(value)) / _UNIT.get(column.kind, 1)
        number = number.quantize(_STEP[column.kind], ROUND_HALF_UP)
    if number == 0:
        number = abs(number)
    sign = "+" if column.signed and number > 0 else ""
    return f"{sign}{number:,}"


def sheet(table: Table) -> Sheet:
    """Return the printed form: rounded, provenance left out, pairs put together."""
    groups: list[list[int]] = []
    for index, column in enumerate(table.columns):
        if column.printed and column.joined and groups:
            groups[-1].append(index)
        elif column.printed:
            groups.append([index])
    texts = [_printed_column(table, index) for index in range(len(table.columns))]
    firsts = [table.columns[group[0]] for group in groups]
    return Sheet(
        heads=tuple(column.title for column in firsts),
        numeric=tuple(column.kind != "text" for column in firsts),
        rows=tuple(
            tuple(tuple(texts[index][row] for index in group) for group in groups)
            for row in range(len(table.rows))
        ),
        references=sum(row.reference for row in table.rows),
    )


_RANKED: dict[Marks, tuple[str, ...]] = {"none": (), "best": ("psnr",), "two": ("psnr", "ssim")}


def _printed_column(table: Table, index: int) -> list[Part]:
    """Return the column's values as printed; the best of each group are marked, ties alike."""
    column = table.columns[index]
    texts = [flat(format_value(row.cells[index], column)) for row in table.rows]
    if column.kind not in _RANKED[table.marks] or column.signed:
        return [Part(text, between=column.between) for text in texts]
    places: dict[tuple[str, str], int] = {}
    for group in {row.group for row in table.rows}:
        values = {
            text for text, row in zip(texts, table.rows, strict=True) if text and row.group == group
        }
        ranked = sorted(values, key=lambda text: Decimal(text.replace(",", "")), reverse=True)
        marked = ranked[: 2 if table.marks == "two" else 1] if len(values) > 1 else []
        places |= {(group, text): place for place, text in enumerate(marked, start=1)}
    return [
        Part(text, places.get((row.group, text), 0), column.between)
        for text, row in zip(texts, table.rows, strict=True)
    ]


def flat(text: str) -> str:
    """Return the text on one line."""
    return " ".join(text.split())

"""What a table is, and its printed form: all numbers are rounded here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from math import isfinite
from typing import Literal


@dataclass(frozen=True, slots=True)
class Doubted:
    """A printed value that seems misprinted: it is shown with a dagger and never marked."""

    value: Decimal

    def __str__(self) -> str:
        """Return the value as printed in its source."""
        return str(self.value)


TableCell = str | int | float | Decimal | Doubted | None
ColumnKind = Literal[
    "text",
    "count",
    "kilo",
    "mega",
    "giga",
    "ratio",
    "psnr",
    "ssim",
    "weight",
    "diff",
    "ssim_diff",
    "p",
    "hours",
]
Marks = Literal["none", "best", "two"]
DAGGER = "\u2020"


@dataclass(frozen=True, slots=True)
class Column:
    """What the cells of one column mean and how they are to be printed.

    Attributes:
        key: Machine-readable name with the unit, unique within the table.
        title: Printed heading; a line feed marks where it may break.
        kind: Which rounding applies. ``kilo``, ``mega`` and ``giga`` are counts printed in
            units of 1e3, 1e6 and 1e9, ``ratio`` one number over another, ``diff`` a spread of
            PSNR or a difference whose interval is known, ``ssim_diff`` such a difference of
            SSIM, ``p`` a p-value, ``hours`` hours.
        signed: Whether positive values carry a plus sign, as differences do.
        joined: Whether the value is printed in the cell of the column before it.
        between: Text between the two values of such a cell.
        form: Text around a value that is not missing; ``{}`` stands for the value.
        printed: Whether the column is printed; others are only in the CSV file.
        unranked: Groups of rows whose values in this column do not compete.
        drop: On a terminal that is too narrow the columns with the highest number are left out
            first, of equal ones the rightmost; 0 for one that always stays, None for the number
            that goes with its key.
    """

    key: str
    title: str = ""
    kind: ColumnKind = "text"
    signed: bool = False
    joined: bool = False
    between: str = "/"
    form: str = "{}"
    printed: bool = True
    unranked: tuple[str, ...] = ()
    drop: int | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of one row, one a column.

    Attributes:
        cells: The values.
        reference: Whether it is the bicubic row.
        ruled: Whether a line is drawn above it, where the form has lines.
        group: Rows of the same group compete for the marks.
    """

    cells: tuple[TableCell, ...]
    reference: bool = False
    ruled: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be rendered.

    Attributes:
        name: File name without its ending.
        title: Heading, one line.
        columns: The columns, left to right.
        rows: The rows, the reference first.
        notes: The notes under the table, one sentence or list each.
        long: Whether it may run over several pages, where the form has pages.
        marks: ``best``: the best PSNR of a column is marked; ``two``: the best and the second
            best PSNR and SSIM, as in Table 5; ``none``: the rows do not compete.
        lead: Number of columns that name a row: they are repeated where a table is too wide for
            a page and continues below, and never left out on a terminal.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...]
    long: bool = False
    marks: Marks = "best"
    lead: int = 1

    @property
    def record_ids(self) -> tuple[str, ...]:
        """Ids of the records that its cells are from, as a column has them that is not printed."""
        keys = [column.key for column in self.columns]
        if "record_ids" not in keys:
            return ()
        cells = (row.cells[keys.index("record_ids")] for row in self.rows)
        return tuple(one for cell in cells if cell for one in str(cell).split(", "))


def simple(
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[TableCell]],
    notes: Iterable[str] = (),
    *,
    lead: int = 1,
) -> Table:
    """Return a table whose rows do not compete, from their cells."""
    body = tuple(TableRow(tuple(cells)) for cells in rows)
    return Table(name, title, tuple(columns), body, tuple(notes), marks="none", lead=lead)


_STEP = {
    "count": Decimal(1),
    "kilo": Decimal("0.001"),
    "mega": Decimal("0.01"),
    "giga": Decimal("0.01"),
    "ratio": Decimal("0.01"),
    "psnr": Decimal("0.01"),
    "ssim": Decimal("0.0001"),
    "weight": Decimal("0.0001"),
    "diff": Decimal("0.001"),
    "ssim_diff": Decimal("0.00001"),
    "p": Decimal("0.001"),
    "hours": Decimal("0.1"),
}
_UNIT = {"kilo": 10**3, "mega": 10**6, "giga": 10**9}


@dataclass(frozen=True, slots=True)
class PrintedValue:
    """The printed form of one value; a printed cell has one, or two that are joined.

    Attributes:
        text: As printed.
        place: 1 for the best of its column, 2 for the second best where that is marked, else 0.
        between: What stands between it and the value before it.
    """

    text: str
    place: int = 0
    between: str = "/"


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A table in printed form.

    Attributes:
        heads: The headings, one for each printed column.
        numeric: Whether a printed column holds numbers, which are aligned to the right.
        rows: The rows; a cell is a tuple of the values that are printed in it.
        references: How many of the rows, the first ones, are reference rows.
        columns: What the printed columns are; of joined ones, the first.
    """

    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[tuple[PrintedValue, ...], ...], ...]
    references: int
    columns: tuple[Column, ...] = ()


def format_value(value: TableCell, column: Column) -> str:
    """Return a value as it is printed: rounded half up, empty for a gap.

    PSNR has 2 decimals, its spread, its differences that have intervals and p-values 3, SSIM and
    learned weights 4, differences of SSIM 5. A difference that would be rounded to zero gets up
    to 2 decimals more, so that an interval shows on which side of zero it ends. Ratios, and
    counts in units of 1e6 and 1e9, have 2; other counts have thousands separators, and all their
    digits also in units of 1e3. Published values (``Decimal``) keep the digits that the paper
    prints; a dagger follows a doubted one.
    """
    return "" if value is None else column.form.format(_plain(value, column))


def _plain(value: str | int | float | Decimal | Doubted, column: Column) -> str:
    if isinstance(value, Doubted):
        return f"{_plain(value.value, column)}{DAGGER}"
    if isinstance(value, str) or column.kind == "text":
        return str(value)
    if isinstance(value, Decimal):
        number = value
    elif not isfinite(value):
        return str(value)
    elif column.kind == "p" and value < _STEP["p"]:
        return f"<{_STEP['p']}"
    else:
        exact = Decimal(str(value)) / _UNIT.get(column.kind, 1)
        step = _STEP[column.kind]
        number = exact.quantize(step, ROUND_HALF_UP)
        if number == 0 and column.kind in ("diff", "ssim_diff") and abs(exact) >= step / 100:
            number = exact.quantize(Decimal(1).scaleb(exact.adjusted()), ROUND_HALF_UP)
    if number == 0:
        number = abs(number)
    sign = "+" if column.signed and number > 0 else ""
    return f"{sign}{number:,}"


@lru_cache(maxsize=1)
def printed_form(table: Table) -> PrintedTable:
    """Return the table in printed form: rounded, without hidden columns, with joined cells."""
    groups: list[list[int]] = []
    for index, column in enumerate(table.columns):
        if column.printed and column.joined and groups:
            groups[-1].append(index)
        elif column.printed:
            groups.append([index])
    texts = [_printed_column(table, index) for index in range(len(table.columns))]
    firsts = [table.columns[group[0]] for group in groups]
    return PrintedTable(
        heads=tuple(column.title for column in firsts),
        numeric=tuple(column.kind != "text" for column in firsts),
        rows=tuple(
            tuple(tuple(texts[index][row] for index in group) for group in groups)
            for row in range(len(table.rows))
        ),
        references=sum(row.reference for row in table.rows),
        columns=tuple(firsts),
    )


_RANKED: dict[Marks, tuple[str, ...]] = {"none": (), "best": ("psnr",), "two": ("psnr", "ssim")}


def _printed_column(table: Table, index: int) -> list[PrintedValue]:
    """Return the printed values of a column; the best of each group are marked, ties too."""
    column = table.columns[index]
    texts = [flat(format_value(row.cells[index], column)) for row in table.rows]
    if column.kind not in _RANKED[table.marks] or column.signed:
        return [PrintedValue(text, between=column.between) for text in texts]
    places: dict[tuple[str, str], int] = {}
    for group in {row.group for row in table.rows}.difference(column.unranked):
        values = {
            text
            for text, row in zip(texts, table.rows, strict=True)
            if text and row.group == group and not isinstance(row.cells[index], str | Doubted)
        }
        ranked = sorted(values, key=lambda text: Decimal(text.replace(",", "")), reverse=True)
        marked = ranked[: 2 if table.marks == "two" else 1] if len(values) > 1 else []
        places |= {(group, text): place for place, text in enumerate(marked, start=1)}
    return [
        PrintedValue(text, places.get((row.group, text), 0), column.between)
        for text, row in zip(texts, table.rows, strict=True)
    ]


def flat(text: str) -> str:
    """Return the text on one line."""
    return " ".join(text.split())


def join(
    cell: Sequence[PrintedValue],
    escape: Callable[[str], str] = str,
    marks: Sequence[str] = ("{}", "{}"),
) -> str:
    """Return a printed cell: its values that are not gaps, with what stands between them.

    Args:
        cell: The values.
        escape: Makes special characters printable.
        marks: How the best and the second best value are printed, ``{}`` being the value.
    """
    forms = ("{}", *marks)
    shown = [value for value in cell if value.text]
    texts = [forms[value.place].format(escape(value.text)) for value in shown]
    return "".join(
        value.between + text if index else text
        for index, (value, text) in enumerate(zip(shown, texts, strict=True))
    )

"""What a table is: columns, rows of raw values, notes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Cell = str | int | float | Decimal | None
Kind = Literal["text", "count", "kilo", "mega", "giga", "psnr", "ssim", "diff", "p"]
Marks = Literal["none", "best", "two"]


@dataclass(frozen=True, slots=True)
class Column:
    """What the cells of one column mean and how they are to be printed.

    Attributes:
        key: Machine-readable name with the unit, unique within the table.
        title: Printed heading; a line feed marks where it may break.
        kind: Which rounding applies. ``kilo``, ``mega`` and ``giga`` are counts printed in
            units of 1e3, 1e6 and 1e9, ``diff`` a spread of PSNR or a difference whose interval
            is known, ``p`` a p-value.
        signed: Whether positive values carry a plus sign, as differences do.
        joined: Printed in the cell of the column before it.
        between: What then stands between the two.
        form: What is printed of a value that is there, ``{}`` being the value.
        printed: False for provenance, which only the CSV file shows.
    """

    key: str
    title: str = ""
    kind: Kind = "text"
    signed: bool = False
    joined: bool = False
    between: str = "/"
    form: str = "{}"
    printed: bool = True


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of one row, one a column.

    Attributes:
        cells: The values.
        reference: Whether it is the bicubic row.
        ruled: Whether a line is drawn above it, where the form has lines.
        group: Rows of the same group compete for the marks.
    """

    cells: tuple[Cell, ...]
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
        notes: What must stand under the table, one sentence or list each.
        long: Whether it may run over several pages, where the form has pages.
        marks: ``best``: the best PSNR of a column is marked; ``two``: the best and the second
            best PSNR and SSIM, as in Table 5; ``none``: the rows do not compete.
        lead: Columns that name a row: they are repeated where a terminal is too narrow for
            all of them.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...]
    long: bool = False
    marks: Marks = "best"
    lead: int = 1

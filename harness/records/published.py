"""What the paper prints: the rows of results/published/*.csv, value by value.

Values are kept as printed (``35.1`` stays ``35.1``), doubts about them in ``note``. Table 5
follows the authors' own picture of it; a note says where the OCR of the paper's text differs.
A note that begins with "suspect:" is of a value that seems misprinted; one that says "do not
compare" is of a column whose values come from different evaluations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from harness.errors import RecordError, UsageError
from harness.host.paths import bundled
from harness.host.problems import FormatError
from harness.host.reading import from_csv, read_text

Agreement = Literal["", "exact", "explained", "open"]


@dataclass(frozen=True, slots=True)
class Published:
    """One cell of one table of the paper; the fields are the columns of the files.

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
    status: Agreement = ""

    @property
    def doubt(self) -> str:
        """Why the value seems misprinted; empty where it does not."""
        head, _, reason = self.note.partition("suspect: ")
        return "" if head or self.value is None else reason

    @property
    def comparable(self) -> bool:
        """Whether values of the same scale, set and metric come from one evaluation."""
        return "do not compare" not in self.note


COLUMNS = tuple(column.name for column in fields(Published))


@cache
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
    path = folder / file_name(table)
    if not path.is_file():
        numbers = ", ".join(str(number) for number in tables(folder))
        raise UsageError(f"no published table {table} (known: {numbers or 'none'})")
    try:
        rows = from_csv(Published, read_text(path))
    except FormatError as error:
        problem = error.problems[0]
        raise RecordError(f"{path}:{problem.line or 1}: {problem}") from error
    lines: dict[tuple[str, int, str, str], int] = {}
    for line, cell in rows:
        where = f"{path}:{line}"
        if cell.table != table:
            raise RecordError(f"{where}: expected table {table}, not {cell.table}")
        if not cell.label or not cell.metric:
            raise RecordError(f"{where}: label and metric must not be empty")
        first = lines.setdefault((cell.label, cell.scale, cell.metric, cell.set), line)
        if first != line:
            raise RecordError(f"{where}: the same cell stands in line {first}")
    return tuple(cell for _, cell in rows)


def file_name(table: int) -> str:
    """Return the name of the file that holds a table of the paper."""
    return f"table{table}.csv"


def source(table: int) -> str:
    """Return where the values of a table come from, as tables of ours say it.

    Example:
        >>> source(5)
        'published/table5.csv'
    """
    return f"published/{file_name(table)}"


def tables(folder: Path | None = None) -> tuple[int, ...]:
    """Return the numbers of the published tables, ascending."""
    folder = bundled("published") if folder is None else folder
    numbers = (path.stem.removeprefix("table") for path in folder.glob("table*.csv"))
    return tuple(sorted(int(number) for number in numbers if number.isdecimal()))


def find(rows: Iterable[Published], *, label: str, scale: int, metric: str) -> Published | None:
    """Return a cell that belongs to no set, as counts do; None where none is published."""
    wanted = (label, scale, metric, "")
    for row in rows:
        if (row.label, row.scale, row.metric, row.set) == wanted:
            return row
    return None

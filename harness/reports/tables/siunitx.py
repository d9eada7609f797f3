"""Numbers for siunitx, a package of LaTeX that aligns them at their points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from harness.reports.tables.latex import value_text
from harness.reports.tables.table import PrintedTable, PrintedValue, Table

_NUMBER = re.compile(r"([+-]?)([\d,]+)(?:\.(\d+))?")

SETUP = (
    r"\sisetup{retain-explicit-plus, group-digits=integer, group-minimum-digits=4, "
    r"group-separator={,}, detect-weight=true, detect-inline-weight=math}"
)
"""How siunitx prints numbers of ours."""


def apart(table: Table) -> Table:
    """Return the table with every number that siunitx aligns in a column of its own."""
    columns = list(table.columns)
    for at, column in enumerate(columns):
        if column.joined and column.kind == "ssim":
            before = columns[at - 1]
            name = before.title.partition("\n")[0]
            columns[at - 1] = replace(before, title=f"{name}\nPSNR")
            columns[at] = replace(column, joined=False, title=f"{name}\nSSIM")
        elif column.key.endswith("_low_db") and column.joined:
            before = columns[at - 1]
            columns[at - 1] = replace(before, title=before.title.rpartition("\n")[0])
            of_looks = column.title.startswith("Interval")  # then each row has its own level
            title = "interval" if of_looks else "95 %\ninterval"
            columns[at] = replace(column, joined=False, title=title)
    return replace(table, columns=tuple(columns))


def formats(printed: PrintedTable) -> list[str]:
    """Return the columns: S with its format where the cells are single numbers."""
    columns = zip(*printed.rows, strict=True)
    return [
        _number_format([cell[0].text for cell in column if cell[0].text])
        if right and all(len(cell) == 1 for cell in column)
        else "r"
        if right
        else "l"
        for column, right in zip(columns, printed.numeric, strict=True)
    ]


def _number_format(texts: Sequence[str]) -> str:
    """Return a column of siunitx for numbers as they are printed; ``r`` where there is none."""
    found = [match for text in texts if (match := _NUMBER.fullmatch(text))]
    if not found:
        return "r"
    sign = "+" if any(match[1] for match in found) else ""
    whole = max(len(match[2].replace(",", "")) for match in found)
    decimals = max(len(match[3] or "") for match in found)
    return f"S[table-format={sign}{whole}.{decimals}]"


def cell_text(value: PrintedValue) -> str:
    """Return a number for siunitx; what is none, or underlined, stands in braces."""
    if not _NUMBER.fullmatch(value.text):
        return f"{{{value_text(value.text)}}}" if value.text else ""
    plain = value.text.replace(",", "")
    return {0: plain, 1: f"\\bfseries {plain}", 2: f"{{\\underline{{{value.text}}}}}"}[value.place]

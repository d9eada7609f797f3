"""Rows and columns of a table that a paper has room for, by names that a user types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from harness.errors import UsageError, suggest
from harness.reports.tables.table import Column, Table, TableCell, TableRow, flat

_ALIASES = {
    "params": ("ours_params", "params", "params_k"),
    "multi_adds": ("ours_multi_adds", "multi_adds", "multi_adds_g"),
    "params_diff": ("ours_params_diff",),
    "mean": ("ours_mean_psnr_db",),
    "sd": ("ours_mean_psnr_sd_db",),
    "diff": ("ours_mean_psnr_diff_db",),
    "ssim_diff": ("ours_mean_ssim_diff",),
    "p": ("ours_mean_psnr_diff_p_corrected",),
    "mdd": ("ours_mean_psnr_diff_detectable_db",),
}
"""Short names of columns, and the keys of which a table has one."""

_DIFF = "ours_mean_psnr_diff"
_SET = re.compile(r"(?:ours_)?(?!mean_)([^_]+)_psnr_db")
_ONLY_SPACE = "n.s."  # that an interval holds zero is seen


def of(table: Table, rows: Sequence[str] = (), columns: Sequence[str] = ()) -> Table:
    """Return a table with some of its rows and columns.

    Args:
        table: Any table.
        rows: Labels, in the order wanted; empty for all.
        columns: Short names (``label``, ``params``, ``multi_adds``, the name of a set, ``diff``)
            or keys of the CSV file; empty for those that a paper has room for, or all that are
            printed where the rows of a table have no costs.

    Raises:
        UsageError: There is no such row or column.
    """
    names = columns or _of_paper(table)
    parts = [part for name in names for part in _parts(table, name)]
    parts = parts or [column for column in table.columns if column.printed]
    keys = [column.key for column in table.columns]
    places = [keys.index(column.key) for column in parts]
    kept = [
        replace(row, cells=tuple(_cell(row.cells[at], keys[at]) for at in places))
        for row in _rows(table, rows)
    ]
    named = sum(1 for _ in takewhile(lambda column: column.key in keys[: table.lead], parts))
    return replace(table, columns=tuple(parts), rows=tuple(kept), lead=max(1, named))


def with_labels(tables: Sequence[Table]) -> Sequence[Table]:
    """Return the tables whose rows have labels, where any has: not those of pairs beside them."""
    labelled = [one for one in tables if any(column.key == "label" for column in one.columns)]
    return labelled or tables


def by_scale(table: Table) -> tuple[Table, ...]:
    """Return a table for each upscaling factor where a table has several, else the table itself.

    What has one value in all rows of a part stands in its title, and is no column of it; nor is
    what is printed of none of its rows.
    """
    keys = [column.key for column in table.columns]
    if "scale" not in keys:
        return (table,)
    at = keys.index("scale")
    scales = dict.fromkeys(row.cells[at] for row in table.rows)
    if len(scales) < 2:
        return (table,)
    return tuple(_of_scale(table, at, scale) for scale in scales)


def _of_scale(table: Table, at: int, scale: TableCell) -> Table:
    rows = [row for row in table.rows if row.cells[at] == scale]
    empty = _empty(table, rows)
    kept = [one for one in range(len(table.columns)) if one != at and one not in empty]
    return replace(
        table,
        name=f"{table.name}_x{scale}",
        title=f"{table.title}, x{scale}",
        columns=tuple(table.columns[one] for one in kept),
        rows=tuple(
            replace(
                row,
                cells=tuple(row.cells[one] for one in kept),
                ruled=row.ruled and number > 0,
            )
            for number, row in enumerate(rows)
        ),
        lead=max(1, table.lead - 1),
    )


def _empty(table: Table, rows: Sequence[TableRow]) -> set[int]:
    """Return the columns, those that name a row apart, whose printed cells hold nothing."""
    cells: list[list[int]] = []
    for at, column in enumerate(table.columns):
        if column.joined and cells:
            cells[-1].append(at)
        else:
            cells.append([at])
    blank = [cell for cell in cells if all(row.cells[at] is None for row in rows for at in cell)]
    return {at for cell in blank if cell[0] >= table.lead for at in cell}


def _sets(table: Table) -> list[str]:
    found = (_SET.fullmatch(column.key) for column in table.columns)
    return [match[1] for match in found if match]


def _of_paper(table: Table) -> Sequence[str]:
    """Return the names of the columns that a paper has room for; none where that is not known."""
    keys = {column.key for column in table.columns}
    if {"row", "base", f"{_DIFF}_db"} <= keys:
        return ["row", "base", "diff", "p"]
    sets = _sets(table)
    if not sets or "label" not in keys or not keys.intersection(_ALIASES["params"]):
        return []
    more = [name for name in ("params", "multi_adds") if keys.intersection(_ALIASES[name])]
    first = [key for key in ("scale", "label", "source") if key in keys]
    return [*first, *more, *sets, *(["diff"] if f"{_DIFF}_db" in keys else [])]


def _parts(table: Table, name: str) -> list[Column]:
    """Return the columns that a name stands for; those after the first are printed in its cell."""
    by_key = {column.key: column for column in table.columns}
    keys = [name, *_ALIASES.get(name, ())]
    if name in _sets(table):
        keys += [f"ours_{name}_psnr_db", f"{name}_psnr_db"]
    key = next((key for key in keys if key in by_key), None)
    if key is None:
        short = [one for one, of in _ALIASES.items() if any(key in by_key for key in of)]
        known = [*short, *_sets(table), *by_key]
        raise UsageError(f"table '{table.name}' has no column '{name}'{suggest(name, known)}")
    first = by_key[key]
    shown = replace(first, title=first.title or name, joined=False, printed=True)
    if name == key and not first.printed:
        return [shown]
    if key == f"{_DIFF}_db" and f"{_DIFF}_low_db" in by_key:
        low, high, mark = (by_key[f"{_DIFF}_{end}"] for end in ("low_db", "high_db", "mark"))
        of = low.title.partition("\n")[0].lower()  # with looks each row has a level of its own
        title = f"{first.title}\n[{of}]"
        return [replace(shown, title=title), replace(low, joined=True, between=" "), high, mark]
    if key == f"{_DIFF}_detectable_db":  # as rough as the spread: its limits are what to report
        low, high = (by_key[f"{_DIFF}_detectable_{end}_db"] for end in ("low", "high"))
        least = replace(low, title="MDD\n(dB)", kind="diff", printed=True)
        return [least, replace(high, kind="diff", printed=True, joined=True, between=" to ")]
    return [shown, *_joined_to(table, key)]


def _joined_to(table: Table, key: str) -> Iterable[Column]:
    """Yield the columns that are printed in the cell of another."""
    after = [column.key for column in table.columns].index(key) + 1
    for column in table.columns[after:]:
        if not column.joined or not column.printed:
            return
        yield column


def _cell(cell: TableCell, key: str) -> TableCell:
    return None if key == f"{_DIFF}_mark" and cell == _ONLY_SPACE else cell


def _rows(table: Table, wanted: Sequence[str]) -> Sequence[TableRow]:
    """Return the rows of the labels wanted, in their order."""
    if not wanted:
        return table.rows
    keys = [column.key for column in table.columns]
    at = keys.index("label") if "label" in keys else 0
    by_label: dict[str, list[TableRow]] = {}
    for row in table.rows:
        by_label.setdefault(flat(str(row.cells[at])), []).append(row)
    chosen = []
    for name in wanted:
        if name not in by_label:
            hint = suggest(name, by_label)
            raise UsageError(f"table '{table.name}' has no row '{name}'{hint}")
        chosen += by_label[name]
    several = len({str(row.cells[0]) for row in chosen}) > 1 and keys[0] == "scale"
    ordered = [row for row in table.rows if row in chosen] if several else chosen
    return [replace(row, ruled=False) for row in ordered]

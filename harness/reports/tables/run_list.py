"""The table of ``harness records``: what differs between the runs that are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.records import frames
from harness.reports.tables.table import Column, Table, format_value, simple

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    column.key: column
    for column in (
        Column("id", "id"),
        Column("model", "model", drop=6),
        Column("label", "label", drop=5),
        Column("scale", "scale", "count", drop=3),
        Column("seed", "seed", "count", drop=4),
        Column("steps", "steps", "count", drop=1),
        Column("train", "train", drop=5),
        Column("params", "params", "count", drop=7),
        Column("multi_adds", "Multi-Adds\n(G)", "giga", drop=8),
        Column("set", "set", drop=0),
        Column("image", "image", drop=0),
        Column("psnr_db", "PSNR\n(dB)", "diff", drop=0),
        Column("ssim", "SSIM", "ssim", drop=2),
        Column("full_budget", "full budget", drop=9),
        Column("commit", "commit", drop=10),
    )
}
_ALWAYS = ("id", "set", "image", "psnr_db", "ssim")
_DIGITS = 12  # of a commit


def build(frame: pd.DataFrame) -> Table:
    """Return rows of :mod:`harness.records.frames` as a table.

    A column that has the same value in all of several rows is named below instead; what a row
    is named and scored by always stays.
    """
    rows = frames.plain_rows(frame)
    same = [
        name
        for name in map(str, frame)
        if name not in _ALWAYS and len(rows) > 1 and len({row[name] for row in rows}) == 1
    ]
    shown = [name for name in map(str, frame) if name not in same]
    cells = [[_cell(name, row[name]) for name in shown] for row in rows]
    notes = [f"The same in all rows: {', '.join(_said(name, rows[0][name]) for name in same)}."]
    return simple("records", "", [_COLUMNS[name] for name in shown], cells, notes if same else ())


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value[:_DIGITS] if name == "commit" and value else value


def _said(name: str, value: Any) -> str:
    column = _COLUMNS[name]
    text = format_value(_cell(name, value), column)
    return f"{' '.join(column.title.split())} {text or 'not known'}"

"""Tables on a terminal: as wide as it is, columns left out by priority and named below."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from harness.host import terminal
from harness.reports.tables.table import Column, PrintedTable, PrintedValue, Table, printed_form

if TYPE_CHECKING:
    from rich.text import Text

_GAP = 2
_NARROWEST = 24
"""Characters that a column of text keeps at least, where its cells are longer."""

_LONGEST = (24, 48)
"""Characters of a word that are not broken, in other columns and in those that name a row."""

_DROPS = (
    (r"(^|mean_psnr_)diff(_low)?_db$|^p50_ms$|^score_shown$|^seeds_needed$", 1),
    (r"^(ours_)?mean_psnr_db$|^status$|^seeds_assured$|^hours_needed$|^gain_db$|^psnr_db$", 2),
    (r"^(ours_)?(params|multi_adds)(_[kg])?$|^hours_assured$|^times$", 3),
    (r"^(ours_)?[A-Za-z0-9]+_psnr_db$|verdict$", 4),
    (r"ssim_diff|^(ours_)?convs$|activations|_p_corrected$|^rule_|^sd_|^images$|_of$", 8),
    (r"^paper_|^published_|_diff$|_deployed$|_trained$|_sd_db$", 6),
)
"""How soon columns are left out, by their keys; others by 5.

What a table is made for stays longest: differences with their intervals, the mean, cost, the sets.
"""

_STYLES = ("", "bold green", "underline")
"""Of a value that is not marked, the best and the second best."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a printed table are shown, and how wide.

    Attributes:
        shown: Their indices.
        widths: Their widths in characters.
        left_out: Headings of the columns that there is no room for.
    """

    shown: tuple[int, ...]
    widths: tuple[int, ...]
    left_out: tuple[str, ...]


def lay_out(printed: PrintedTable, lead: int, width: int) -> Layout:
    """Return which columns a terminal has room for.

    Columns of numbers are shown whole or left out. Columns of text may be narrower than their
    cells, which then go over several lines, but not narrower than their longest word, unless that
    is very long.

    Args:
        printed: The table.
        lead: How many columns, the first ones, always stay.
        width: Of the terminal, in characters.
    """
    most, least = [], []
    for index, head in enumerate(printed.heads):
        cells = [_plain(row[index]) for row in printed.rows]
        most.append(max(map(len, [*head.split("\n"), *cells])))
        if printed.numeric[index]:
            least.append(most[-1])
        else:
            words = [word for text in [*head.split("\n"), *cells] for word in text.split()]
            longest = min(max(map(len, words), default=0), _LONGEST[index < lead])
            least.append(min(most[-1], max(_NARROWEST, longest)))
    shown = list(range(len(printed.heads)))
    drops = [0 if at < lead else _drop(column) for at, column in enumerate(printed.columns)]
    while _needed([least[at] for at in shown]) > width:
        droppable = [at for at in shown if drops[at]]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda at: (drops[at], at)))
    left_out = [" ".join(printed.heads[at].split()) for at in range(len(most)) if at not in shown]
    widths = _shared([least[at] for at in shown], [most[at] for at in shown], width)
    return Layout(tuple(shown), tuple(widths), tuple(left_out))


def draw(table: Table, stream: TextIO, *, hint: str = "") -> None:
    """Draw a table on the terminal behind a stream.

    Args:
        table: The table.
        stream: What is written to, such as ``sys.stdout``.
        hint: How to see columns that there is no room for, beside a wider terminal.
    """
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    console = terminal.console(stream)
    printed = printed_form(table)
    layout = lay_out(printed, table.lead, console.width)
    if table.title:
        console.print(Text(table.title, "bold"))
    grid = Grid(
        box=box.Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n"),
        padding=(0, 0, 0, 1),
        pad_edge=False,
        show_edge=False,
        header_style="bold",
        border_style="dim",
    )
    for at, width in zip(layout.shown, layout.widths, strict=True):
        right = printed.numeric[at]
        grid.add_column(
            Text(printed.heads[at], "bold"),
            justify="right" if right else "left",
            width=width,
            no_wrap=right,
            overflow="fold",
            vertical="top",
        )
    for number, (row, cells) in enumerate(zip(table.rows, printed.rows, strict=True)):
        if number and (row.ruled or number == printed.references):
            grid.add_section()
        grid.add_row(*(_cell(cells[at]) for at in layout.shown))
    console.print(grid)
    for line in _below(table, layout, hint, console.width):
        console.print(Text(line, "dim"), soft_wrap=True)


def _below(table: Table, layout: Layout, hint: str, width: int) -> list[str]:
    lines = []
    if layout.left_out:
        more = "a wider terminal" + (f" or {hint}" if hint else "")
        lines.append(f"Not shown for lack of width: {', '.join(layout.left_out)} (see {more})")
    lines += table.notes
    return ["", *(terminal.to_width(line, width) for line in lines)] if lines else []


def _drop(column: Column) -> int:
    if column.drop is not None:
        return column.drop
    return next((drop for pattern, drop in _DROPS if re.search(pattern, column.key)), 5)


def _needed(widths: list[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _shared(least: list[int], most: list[int], width: int) -> list[int]:
    """Return widths between least and most, the room shared by those that want more."""
    widths = list(least)
    room = width - _needed(widths)
    while room > 0 and (wanting := [at for at in range(len(widths)) if widths[at] < most[at]]):
        for at in wanting[:room]:
            widths[at] += 1
        room -= len(wanting[:room])
    return widths


def _plain(cell: tuple[PrintedValue, ...]) -> str:
    return "".join(text for text, _ in _pieces(cell))


def _pieces(cell: tuple[PrintedValue, ...]) -> list[tuple[str, str]]:
    """Return the texts of a cell with their styles: values, and what stands between them."""
    pieces: list[tuple[str, str]] = []
    for value in cell:
        if value.text:
            if pieces:
                pieces.append((value.between, ""))
            pieces.append((value.text, _STYLES[value.place]))
    return pieces


def _cell(cell: tuple[PrintedValue, ...]) -> Text:
    from rich.text import Text

    return Text.assemble(*_pieces(cell))

"""A table as LaTeX for a paper: readable in one column or two, and nothing scaled down."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from harness.reports.tables import siunitx
from harness.reports.tables.latex import (
    MARKS,
    head_cell,
    no_argument,
    printable,
    row_line,
    value_text,
)
from harness.reports.tables.table import (
    PrintedTable,
    PrintedValue,
    Table,
    TableRow,
    flat,
    join,
    printed_form,
)

log = logging.getLogger(__name__)

Document = Literal["one-column", "two-column"]
NotesIn = Literal["comment", "caption", "nowhere"]

WIDTHS_PT: dict[Document, tuple[float, ...]] = {
    "one-column": (345.0,),
    "two-column": (252.0, 516.0),
}
"""Widths that a table may have: of an article of 10 pt, and of a column and a page of two-column
papers in the manner of IEEE."""

POINTS_PER_INCH = 72.27

_LINES, _HEAD_LINES = 48, 5  # of footnote size: on a page, and what a head with its lines takes

_BELOW = r"\par\medskip"
_LETTERS_PT = {  # of Computer Modern of 8 pt, the narrowest first
    2.5: "iIl.,:;!|[]'",
    3.4: "()fjrst ",
    4.8: "ceJSbdghknpuvxyzaoq",
    6.9: "mw+-",
    8.8: "WM",
}
_DIGIT_PT, _CAPITAL_PT, _BOLD = 4.25, 6.5, 1.15


class _Look(NamedTuple):
    """How large letters are, and how far apart columns."""

    size: str
    share: float
    gap_pt: float


_LOOKS = (
    _Look("footnotesize", 1.0, 4.0),
    _Look("footnotesize", 1.0, 2.5),
    _Look("scriptsize", 0.94, 2.5),
)


@dataclass(frozen=True, slots=True)
class Paper:
    """What a table is for.

    Attributes:
        document: Whether its text runs in one column or two.
        notes: Where the notes go.
        siunitx: Whether numbers are set by siunitx, aligned at their points.
        width_pt: Width of the text, in pt; None for that of :data:`WIDTHS_PT`.
    """

    document: Document = "one-column"
    notes: NotesIn = "comment"
    siunitx: bool = False
    width_pt: float | None = None

    @property
    def widths_pt(self) -> tuple[float, ...]:
        """The widths that a table may have, in pt."""
        usual = WIDTHS_PT[self.document]
        return usual if self.width_pt is None else (*usual[:-1], self.width_pt)


def to_latex(tables: Iterable[Table], paper: Paper) -> str:
    """Return tables for ``input``, the packages that they need in comments at the top.

    Args:
        tables: The tables, each for a float of its own.
        paper: What they are for.
    """
    made = [siunitx.apart(table) if paper.siunitx else table for table in tables]
    texts = [text for table in made for text in _floats(table, paper)]
    body = "\n".join(texts)
    packages = ["booktabs"]
    packages += ["amssymb"] if r"\checkmark" in body else []
    packages += ["siunitx"] if paper.siunitx else []
    lines = [f"% \\usepackage{{{package}}}" for package in packages]
    return "\n".join(["% In the preamble:", *lines, body])


def _floats(table: Table, paper: Paper) -> Iterator[str]:
    """Yield a table as floats of which each fits a page, the rows cut where there are lines."""
    texts = _columns(printed_form(table))
    width, look = _fit(texts, paper.widths_pt)
    blocks = _blocks(texts, table.lead, width, look, name=table.name)
    wide = width != paper.widths_pt[0]
    formats = _formats(table, paper)
    continued = ""
    for rows in _pages(table.rows):
        part = replace(table, rows=rows)
        at_once = max(1, _LINES // (len(rows) + _HEAD_LINES))
        for first in range(0, len(blocks), at_once):
            tabulars = [
                _tabular(part, [formats[at] for at in block], block)
                for block in blocks[first : first + at_once]
            ]
            yield _float(table, tabulars, paper, look, wide=wide, continued=continued)
            continued = ", continued"


def _formats(table: Table, paper: Paper) -> list[str]:
    printed = printed_form(table)
    if paper.siunitx:
        return siunitx.formats(printed)
    return ["r" if right else "l" for right in printed.numeric]


def _pages(rows: Sequence[TableRow]) -> Iterator[tuple[TableRow, ...]]:
    """Yield rows for one page each, cut before a ruled row where there is one."""
    most = _LINES - _HEAD_LINES
    start = 0
    while len(rows) - start > most:
        ruled = [at for at in range(start + 1, start + most + 1) if rows[at].ruled]
        end = ruled[-1] if ruled else start + most
        yield (replace(rows[start], ruled=False), *rows[start + 1 : end])
        start = end
    yield (replace(rows[start], ruled=False), *rows[start + 1 :])


def _float(
    table: Table,
    tabulars: Sequence[str],
    paper: Paper,
    look: _Look,
    *,
    wide: bool,
    continued: str,
) -> str:
    star = "*" if wide else ""
    title = f"{flat(table.title)}{continued}"
    notes = () if continued else table.notes
    caption = " ".join([f"{title}.", *notes]) if paper.notes == "caption" else title
    comments = [f"% {flat(note)}" for note in notes] if paper.notes == "comment" else []
    lines = [
        f"\\begin{{table{star}}}[tb]",
        f"\\caption{{{printable(caption)}}}",
        *([] if continued else [f"\\label{{tab:{table.name}}}"]),
        r"\centering",
        f"\\{look.size}\\setlength{{\\tabcolsep}}{{{look.gap_pt:g}pt}}",
        *([siunitx.SETUP] if paper.siunitx else []),
        f"\n{_BELOW}\n".join(tabulars),
        *comments,
        f"\\end{{table{star}}}",
    ]
    return "\n".join(lines) + "\n"


def _tabular(table: Table, formats: Sequence[str], block: Sequence[int]) -> str:
    """Return some columns of a table."""
    printed = printed_form(table)
    heads = [_head(printed.heads[at], form) for at, form in zip(block, formats, strict=True)]
    rows = []
    for number, (row, cells) in enumerate(zip(table.rows, printed.rows, strict=True)):
        rows += [r"\midrule"] if row.ruled or 0 < number == printed.references else []
        rows.append(_row([cells[at] for at in block], formats))
    lines = [
        f"\\begin{{tabular}}{{@{{}}{''.join(formats)}@{{}}}}",
        r"\toprule",
        f"{' & '.join(heads)} \\\\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines)


def _columns(printed: PrintedTable) -> list[float]:
    """Return about how wide the columns are, in letters of 8 pt."""
    columns = zip(*printed.rows, strict=True)
    return [
        max([*map(_points, head.splitlines()), *map(_cell_points, column)])
        for head, column in zip(printed.heads, columns, strict=True)
    ]


def _fit(texts: Sequence[float], widths: Sequence[float]) -> tuple[float, _Look]:
    """Return the narrowest width that a table fits, and the largest look; else the last width."""
    for width in widths:
        for look in _LOOKS:
            if _width(texts, look) <= width:
                return width, look
    return widths[-1], _LOOKS[0]


def _width(texts: Sequence[float], look: _Look) -> float:
    return look.share * sum(texts) + 2 * look.gap_pt * (len(texts) - 1)


def _blocks(
    texts: Sequence[float], lead: int, width: float, look: _Look, *, name: str
) -> list[list[int]]:
    """Return the columns in blocks that go below each other, those that name a row in each."""
    first = list(range(lead))
    blocks = [[*first]]
    for at in range(lead, len(texts)):
        block = [*blocks[-1], at]
        if len(blocks[-1]) > lead and _width([texts[one] for one in block], look) > width:
            block = [*first, at]
            blocks.append(block)
        blocks[-1] = block
    widest = max(_width([texts[at] for at in block], look) for block in blocks)
    if widest > width:
        log.warning(
            "%s: about %.0f pt wide, more than the %.0f pt of the document: name fewer --columns",
            name,
            widest,
            width,
        )
    return blocks


def _cell_points(cell: Sequence[PrintedValue]) -> float:
    bold = any(value.place == 1 for value in cell)
    return _points(join(cell)) * (_BOLD if bold else 1)


def _points(text: str) -> float:
    """Return about how wide a text is in Computer Modern of 8 pt."""
    return sum(map(_letter_points, text))


def _letter_points(letter: str) -> float:
    for points, letters in _LETTERS_PT.items():
        if letter in letters:
            return points
    return _CAPITAL_PT if letter.isupper() else _DIGIT_PT


def _row(cells: Sequence[Sequence[PrintedValue]], formats: Sequence[str]) -> str:
    if not any(form.startswith("S") for form in formats):
        return row_line(cells)
    texts = [
        siunitx.cell_text(cell[0]) if form.startswith("S") else join(cell, value_text, MARKS)
        for cell, form in zip(cells, formats, strict=True)
    ]
    return no_argument(" & ".join(texts)) + r" \\"


def _head(head: str, form: str) -> str:
    text = head_cell(head, "l" if form == "l" else "r")
    return f"{{{text}}}" if form.startswith("S") else text

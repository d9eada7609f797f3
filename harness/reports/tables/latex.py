"""Tables as LaTeX: for ``input`` in a document, or as a document of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from harness.reports.tables.latex_characters import escape
from harness.reports.tables.table import PrintedTable, PrintedValue, Table, flat, join, printed_form

MARKS = (r"\textbf{{{}}}", r"\underline{{{}}}")
"""How the best and the second best value are printed."""

_WIDE = 95
"""Characters of a line that still fit an A4 page at footnote size."""

_WIDEST = 110
"""Characters of a line that fit it at all; a longer table goes on below, column after column."""


def to_latex(table: Table) -> str:
    """Return the table for ``input``; the document must load booktabs.

    A long table is a ``longtable``, whose package must be loaded too. Others are a ``table``;
    if graphicx is loaded, a table that is too wide is scaled down to the width of the line.
    Check marks look best with amssymb.
    """
    return _longtable(table) if table.long else _floating(table)


def _floating(table: Table) -> str:
    printed = printed_form(table)
    spec = "".join("r" if right else "l" for right in printed.numeric)
    heads = map(head_cell, printed.heads, spec)
    rows = []
    for number, (row, cells) in enumerate(zip(table.rows, printed.rows, strict=True)):
        rows += [r"\midrule"] if row.ruled or 0 < number == printed.references else []
        rows.append(row_line(cells))
    notes = [f"{printable(note)}\\par" for note in table.notes]
    lines = [
        r"\begin{table}",
        r"\centering",
        r"\providecommand{\resizebox}[3]{#3}",
        f"\\caption{{{printable(table.title)}}}",
        f"\\label{{tab:{table.name}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\setlength{\tabcolsep}{4pt}%",
        f"\\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        f"{' & '.join(heads)} \\\\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip",
        r"\begin{minipage}{\linewidth}\footnotesize\raggedright",
        *notes,
        r"\end{minipage}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _longtable(table: Table) -> str:
    printed = printed_form(table)
    blocks = _blocks(printed, table.lead)
    size = (
        r"\scriptsize\setlength{\tabcolsep}{1.8pt}"
        if _characters(printed) > _WIDE
        else r"\footnotesize\setlength{\tabcolsep}{4pt}"
    )
    lines = [
        r"\begingroup",
        r"\providecommand{\checkmark}{\ensuremath{\surd}}",
        size,
        r"\ifdim\linewidth<15.2cm\scriptsize\setlength{\tabcolsep}{1.3pt}\fi",
        r"\setlength{\LTcapwidth}{\linewidth}",
        *(
            line
            for number, block in enumerate(blocks)
            for line in _block_lines(table, printed, block, continued=number > 0)
        ),
        r"\setlength{\parindent}{0pt}\raggedright",
        *(f"{printable(note)}\\par" for note in table.notes),
        r"\endgroup",
    ]
    return "\n".join(lines) + "\n"


def _block_lines(
    table: Table, printed: PrintedTable, block: Sequence[int], *, continued: bool
) -> list[str]:
    """Return some columns of a table as a longtable; later ones keep the number of the first."""
    spec = "".join("r" if printed.numeric[at] else "l" for at in block)
    heads = [r"\toprule", *_spanning_heads([printed.heads[at] for at in block]), r"\midrule"]
    rows = []
    for row, cells in zip(table.rows, printed.rows, strict=True):
        rows += [r"\midrule"] if row.ruled else []
        rows.append(row_line([cells[at] for at in block]))
    title = printable(f"{table.title}, continued" if continued else table.title)
    label = "" if continued else f"\\label{{tab:{table.name}}}"
    return [
        *([r"\addtocounter{table}{-1}"] if continued else []),
        f"\\begin{{longtable}}{{@{{}}{spec}@{{}}}}",
        f"\\caption{{{title}}}{label} \\\\",
        *heads,
        r"\endfirsthead",
        *heads,
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *rows,
        r"\end{longtable}",
    ]


def _blocks(printed: PrintedTable, lead: int) -> list[list[int]]:
    """Return the columns in blocks that go below each other, those that name a row in each."""
    cells = _widths(printed)
    if sum(cells) <= _WIDEST:
        return [list(range(len(cells)))]
    heads = [len(head.rpartition("\n")[2]) for head in printed.heads]
    widths = [1 + max(pair) for pair in zip(cells, heads, strict=True)]
    first = list(range(lead))
    blocks = [[*first]]
    for at in range(lead, len(widths)):
        line = sum(widths[one] for one in (*blocks[-1], at)) - 1  # a gap between two columns
        if line > _WIDE and len(blocks[-1]) > lead:
            blocks.append([*first])
        blocks[-1].append(at)
    return blocks


def _characters(printed: PrintedTable) -> int:
    """Return how many characters the longest cells of all columns have together."""
    return sum(_widths(printed))


def _widths(printed: PrintedTable) -> list[int]:
    """Return how many characters the longest cell of each column has."""
    cells = [[join(cell) for cell in row] for row in printed.rows]
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def _spanning_heads(heads: Sequence[str]) -> list[str]:
    """Return a heading of two rows; what neighbouring columns share stands once in the first."""
    parts = [head.rpartition("\n") for head in heads]
    cells, rules, first = [], [], 1
    for common, group in groupby(common for common, _, _ in parts):
        width = len(list(group))
        if common:
            cells.append(f"\\multicolumn{{{width}}}{{c}}{{{printable(common)}}}")
            rules.append(f"\\cmidrule(lr){{{first}-{first + width - 1}}}")
        else:
            cells += [""] * width
        first += width
    own = [printable(text) for _, _, text in parts]
    return [f"{' & '.join(cells)} \\\\", "".join(rules), f"{' & '.join(own)} \\\\"]


def printable(text: str) -> str:
    """Return a text on one line, with LaTeX's special characters made printable."""
    return escape(flat(text))


def head_cell(head: str, alignment: str) -> str:
    """Return a heading; several lines become a small table, aligned at its last line."""
    lines = r" \\ ".join(no_argument(printable(line)) for line in head.splitlines())
    if "\n" not in head:
        return lines
    return f"\\begin{{tabular}}[b]{{@{{}}{alignment}@{{}}}}{lines}\\end{{tabular}}"


def row_line(cells: Sequence[Sequence[PrintedValue]]) -> str:
    """Return a row of a ``tabular``, its best values marked."""
    return no_argument(" & ".join(join(cell, value_text, MARKS) for cell in cells)) + r" \\"


def no_argument(line: str) -> str:
    """Return a line that LaTeX takes for no argument of the line break, or rule, before it."""
    return f"{{}}{line}" if line.startswith(("[", "*")) else line


def value_text(text: str) -> str:
    """Return a cell's value; a negative number gets a minus sign, not a hyphen."""
    return re.sub(r"(^|\[)-(?=\d)", r"\1$-$", printable(text))

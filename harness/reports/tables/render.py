"""Tables as LaTeX, Markdown, CSV and terminal text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from textwrap import fill, wrap

from harness.host.files import write_atomic
from harness.reports.tables.latex_characters import escape
from harness.reports.tables.sheet import Part, Sheet, flat, sheet
from harness.reports.tables.table import Table

_GAP = "  "


def to_latex(table: Table) -> str:
    """Return the table to input; the document must load booktabs.

    A long one is a ``longtable``, whose package must be loaded too. Others are a ``table``;
    where graphicx is loaded, one wider than the line is scaled down to it. Check marks are
    at their best with amssymb.
    """
    return _longtable(table) if table.long else _floating(table)


def _floating(table: Table) -> str:
    printed = sheet(table)
    spec = "".join("r" if right else "l" for right in printed.numeric)
    heads = map(_latex_head, printed.heads, spec)
    rows = [_latex_row(cells) for cells in printed.rows]
    if 0 < printed.references < len(rows):
        rows.insert(printed.references, r"\midrule")
    notes = [f"{_latex(note)}\\par" for note in table.notes]
    lines = [
        r"\begin{table}",
        r"\centering",
        r"\providecommand{\resizebox}[3]{#3}",
        f"\\caption{{{_latex(table.title)}}}",
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
    printed = sheet(table)
    spec = "".join("r" if right else "l" for right in printed.numeric)
    heads = [r"\toprule", *_spanning_heads(printed.heads), r"\midrule"]
    rows = []
    for row, cells in zip(table.rows, printed.rows, strict=True):
        rows += [r"\midrule"] if row.ruled else []
        rows.append(_latex_row(cells))
    lines = [
        r"\begingroup",
        r"\providecommand{\checkmark}{\ensuremath{\surd}}",
        r"\scriptsize\setlength{\tabcolsep}{1.8pt}"
        if _characters(printed) > _WIDE
        else r"\footnotesize\setlength{\tabcolsep}{4pt}",
        r"\ifdim\linewidth<15.2cm\scriptsize\setlength{\tabcolsep}{1.3pt}\fi",
        r"\setlength{\LTcapwidth}{\linewidth}",
        f"\\begin{{longtable}}{{@{{}}{spec}@{{}}}}",
        f"\\caption{{{_latex(table.title)}}}\\label{{tab:{table.name}}} \\\\",
        *heads,
        r"\endfirsthead",
        *heads,
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *rows,
        r"\end{longtable}",
        r"\setlength{\parindent}{0pt}\raggedright",
        *(f"{_latex(note)}\\par" for note in table.notes),
        r"\endgroup",
    ]
    return "\n".join(lines) + "\n"


_WIDE = 95
"""Characters of a line that still fit an A4 page at footnote size."""


def _characters(printed: Sheet) -> int:
    """Return how many characters the longest cells of all columns have together."""
    cells = [[_join(cell, str, _NO_MARKS) for cell in row] for row in printed.rows]
    return sum(max(map(len, column)) for column in zip(*cells, strict=True))


def _spanning_heads(heads: Sequence[str]) -> list[str]:
    """Return a heading of two rows: what neighbours have in common above the rest."""
    parts = [head.rpartition("\n") for head in heads]
    cells, rules, first = [], [], 1
    for common, group in groupby(common for common, _, _ in parts):
        width = len(list(group))
        if common:
            cells.append(f"\\multicolumn{{{width}}}{{c}}{{{_latex(common)}}}")
            rules.append(f"\\cmidrule(lr){{{first}-{first + width - 1}}}")
        else:
            cells += [""] * width
        first += width
    own = [_latex(text) for _, _, text in parts]
    return [f"{' & '.join(cells)} \\\\", "".join(rules), f"{' & '.join(own)} \\\\"]


def latex_document(table: Table) -> str:
    """Return a whole LaTeX document that shows the table alone."""
    head = [
        r"\documentclass{article}",
        r"\usepackage[a4paper,margin=2cm]{geometry}",
        r"\usepackage{amssymb,booktabs,graphicx,longtable}",
        r"\pagestyle{empty}",
        r"\begin{document}",
    ]
    return "\n".join(head) + "\n" + to_latex(table) + "\\end{document}\n"


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown: the best in bold, the second underlined."""
    printed = sheet(table)
    rules = ["---:" if right else ":---" for right in printed.numeric]
    rows = [_markdown_line(flat(head) for head in printed.heads), _markdown_line(rules)]
    rows += [
        _markdown_line(_join(cell, _markdown, _MARKDOWN_MARKS) for cell in cells)
        for cells in printed.rows
    ]
    notes = [f"- {_markdown(note)}" for note in table.notes]
    title = f"**{_markdown(table.title)}**"
    return "\n".join([title, "", *rows, "", *notes]) + "\n"


def to_csv(table: Table) -> str:
    """Return every column, provenance included; floats with 12 significant digits.

    The last bits of a sum depend on the processor that adds, and would make files differ.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.key for column in table.columns)
    for row in table.rows:
        writer.writerow("" if value is None else _exact(value) for value in row.cells)
    return out.getvalue()


def _exact(value: object) -> str:
    return str(float(f"{value:.12g}")) if isinstance(value, float) else str(value)


def to_json(table: Table) -> str:
    """Return title, rows by the keys of their columns, at full precision, and notes."""
    keys = [column.key for column in table.columns]
    rows = [
        {
            key: str(value) if isinstance(value, Decimal) else value
            for key, value in zip(keys, row.cells, strict=True)
        }
        for row in table.rows
    ]
    content = {"title": flat(table.title), "rows": rows, "notes": table.notes}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def to_text(table: Table, *, width: int = 100) -> str:
    """Return the table for a terminal, aligned, in plain characters.

    A table that is too wide is continued below itself, the columns that name a row repeated.

    Args:
        table: The table.
        width: Most characters a line may have; a single column may exceed it.
    """
    printed = sheet(table)
    height = max(len(head.splitlines()) for head in printed.heads)
    columns = [
        _text_column(
            head, [_join(row[index], str, _NO_MARKS) for row in printed.rows], height, right
        )
        for index, (head, right) in enumerate(zip(printed.heads, printed.numeric, strict=True))
    ]
    blocks = [_side_by_side(block) for block in _blocks(columns, width, table.lead)]
    notes = [line for note in table.notes for line in wrap(note, width, subsequent_indent="  ")]
    return "\n\n".join([fill(table.title, width), *blocks, "\n".join(notes)]) + "\n"


FORMATS: dict[str, Callable[[Table], str]] = {
    "tex": to_latex,
    "csv": to_csv,
    "md": to_markdown,
}
"""File endings of the written forms, and what makes them."""


def write(tables: Iterable[Table], reports: Path) -> tuple[Path, ...]:
    """Write every table in every form; the same tables give the same bytes.

    Args:
        tables: What to write; their names are the file names.
        reports: The folder, made where it is missing.

    Returns:
        The files, in the order written.

    Raises:
        HarnessError: A file cannot be written.
    """
    written = []
    for table in sorted(tables, key=lambda table: table.name):
        for ending, form in FORMATS.items():
            path = reports / f"{table.name}.{ending}"
            write_atomic(path, form(table))
            written.append(path)
    return tuple(written)


def _join(cell: Sequence[Part], escape: Callable[[str], str], marks: Sequence[str]) -> str:
    """Return a printed cell: its values that are there, with what stands between them.

    ``marks`` are the forms of the best and of the second best value.
    """
    forms = ("{}", *marks)
    shown = [part for part in cell if part.text]
    texts = [forms[part.place].format(escape(part.text)) for part in shown]
    return "".join(
        part.between + text if index else text
        for index, (part, text) in enumerate(zip(shown, texts, strict=True))
    )


_LATEX_MARKS = (r"\textbf{{{}}}", r"\underline{{{}}}")
_MARKDOWN_MARKS = ("**{}**", "<u>{}</u>")
_NO_MARKS = ("{}", "{}")


def _latex(text: str) -> str:
    """Return the text with LaTeX's special characters made printable."""
    return escape(flat(text))


def _latex_head(head: str, alignment: str) -> str:
    """Return a heading; one of several lines is a small table set on its last line."""
    lines = r" \\ ".join(_latex(line) for line in head.splitlines())
    if "\n" not in head:
        return lines
    return f"\\begin{{tabular}}[b]{{@{{}}{alignment}@{{}}}}{lines}\\end{{tabular}}"


def _latex_row(cells: Sequence[Sequence[Part]]) -> str:
    return " & ".join(_join(cell, _latex_value, _LATEX_MARKS) for cell in cells) + r" \\"


def _latex_value(text: str) -> str:
    """Return a cell's value; a negative number gets a minus sign, not a hyphen."""
    return re.sub(r"(^|\[)-(?=\d)", r"\1$-$", _latex(text))


def _markdown(text: str) -> str:
    """Return the text with Markdown's special characters made printable."""
    return "".join(f"\\{mark}" if mark in "\\`*_|<[]" else mark for mark in flat(text))


def _markdown_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text_column(head: str, cells: Sequence[str], height: int, right: bool) -> list[str]:
    """Return the lines of one column, all equally wide: head, rule, cells."""
    lines = head.splitlines()
    lines = [""] * (height - len(lines)) + lines
    width = max(len(text) for text in [*lines, *cells])
    padded = [text.rjust(width) if right else text.ljust(width) for text in [*lines, *cells]]
    return [*padded[:height], "-" * width, *padded[height:]]


def _blocks(columns: Sequence[list[str]], width: int, lead: int) -> list[list[list[str]]]:
    """Return the columns in blocks no wider than ``width``, each begun by the first ``lead``."""
    first, others = list(columns[:lead]), columns[lead:]
    blocks = [[*first]]
    for column in others:
        used = sum(len(other[0]) + len(_GAP) for other in blocks[-1])
        if used + len(column[0]) > width and len(blocks[-1]) > lead:
            blocks.append([*first])
        blocks[-1].append(column)
    return blocks


def _side_by_side(block: Sequence[list[str]]) -> str:
    return "\n".join(_GAP.join(cells).rstrip() for cells in zip(*block, strict=True))

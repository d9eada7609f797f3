"""Tables as Markdown, CSV, JSON and terminal text, and as files in every written form."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from difflib import unified_diff
from itertools import zip_longest
from pathlib import Path
from textwrap import fill, wrap

from harness.host.files import write_atomic
from harness.host.writing import json_text
from harness.reports.tables.latex import to_latex
from harness.reports.tables.table import (
    Doubted,
    PrintedValue,
    Table,
    flat,
    join,
    printed_form,
)

_GAP = "  "
_MOST_LINES, _WIDEST = 40, 400  # of a difference that is shown
_MARKDOWN_MARKS = ("**{}**", "<u>{}</u>")


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown: the best in bold, the second underlined."""
    printed = printed_form(table)
    rules = ["---:" if right else ":---" for right in printed.numeric]
    rows = [_markdown_line(flat(head) for head in printed.heads), _markdown_line(rules)]
    rows += [
        _markdown_line(join(cell, _markdown, _MARKDOWN_MARKS) for cell in cells)
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
    return json_text(_content(table)) + "\n"


def all_to_json(tables: Iterable[Table]) -> str:
    """Return a list of what :func:`to_json` returns of each table."""
    return json_text([_content(table) for table in tables]) + "\n"


def _content(table: Table) -> dict[str, object]:
    keys = [column.key for column in table.columns]
    rows = [
        {
            key: str(value) if isinstance(value, Decimal | Doubted) else value
            for key, value in zip(keys, row.cells, strict=True)
        }
        for row in table.rows
    ]
    return {"title": flat(table.title), "rows": rows, "notes": table.notes}


def to_text(table: Table, *, width: int = 100) -> str:
    """Return the table for a terminal, aligned, in plain characters.

    A table that is too wide is continued below itself, the columns that name a row repeated;
    a name of more than a third of the width goes over several lines.

    Args:
        table: The table.
        width: Most characters a line may have; a single column may exceed it.
    """
    printed = printed_form(table)
    height = max(len(head.splitlines()) for head in printed.heads)
    rows = [line for row in printed.rows for line in _lines(row, width // 3, table.lead)]
    columns = [
        _text_column(head, [row[index] for row in rows], height, right)
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

    A file that holds them already is left as it is.

    Args:
        tables: What to write; their names are the file names.
        reports: The folder, made where it is missing.

    Returns:
        The files, by table and form, written now or before.

    Raises:
        HarnessError: A file cannot be written.
    """
    made = files(tables, reports)
    for path, text in made.items():
        if not _holds(path, text):
            write_atomic(path, text)
    return tuple(made)


def files(tables: Iterable[Table], reports: Path) -> dict[Path, str]:
    """Return the text of every table in every written form, by its file."""
    return {
        reports / f"{table.name}.{ending}": form(table)
        for table in sorted(tables, key=lambda table: table.name)
        for ending, form in FORMATS.items()
    }


def differences(tables: Iterable[Table], reports: Path) -> tuple[str, ...]:
    """Return, for each file that does not hold its table, which lines it should have."""
    return tuple(
        _difference(path, text)
        for path, text in files(tables, reports).items()
        if not _holds(path, text)
    )


def _difference(path: Path, text: str) -> str:
    try:
        there = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}: {'is missing' if isinstance(error, OSError) else 'is not text'}"
    wanted = text.splitlines()
    lines = list(unified_diff(there, wanted, str(path), "what the records give", n=0, lineterm=""))
    more = [f"... and {len(lines) - _MOST_LINES} lines more"] if len(lines) > _MOST_LINES else []
    return "\n".join([*(_clipped(line) for line in lines[:_MOST_LINES]), *more])


def _clipped(line: str) -> str:
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 3]}..."


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _markdown(text: str) -> str:
    """Return the text with Markdown's special characters made printable."""
    return "".join(f"\\{mark}" if mark in "\\`*_|<[]" else mark for mark in flat(text))


def _markdown_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _lines(row: Sequence[tuple[PrintedValue, ...]], most: int, lead: int) -> list[tuple[str, ...]]:
    """Return the lines of a row: one, or more where a name in its first columns is long."""
    texts = [join(cell) for cell in row]
    cells = [
        wrap(text, most) if index < lead and len(text) > most else [text]
        for index, text in enumerate(texts)
    ]
    return list(zip_longest(*cells, fillvalue=""))


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

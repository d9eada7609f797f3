"""Tables as Markdown, CSV, JSON and terminal text, and as files in every written form."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from difflib import unified_diff
from pathlib import Path

from harness.host.files import write_atomic
from harness.host.writing import json_text
from harness.reports.tables.latex import to_latex
from harness.reports.tables.table import (
    Doubted,
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
    return json_text(contents(tables)) + "\n"


def contents(tables: Iterable[Table]) -> list[dict[str, object]]:
    """Return title, rows by the keys of their columns, and notes of tables."""
    return [_content(table) for table in tables]


def _content(table: Table) -> dict[str, object]:
    return {"title": flat(table.title), "rows": rows_by_key(table), "notes": table.notes}


def rows_by_key(table: Table) -> list[dict[str, object]]:
    """Return the rows by the keys of their columns, at full precision."""
    keys = [column.key for column in table.columns]
    return [
        {
            key: str(value) if isinstance(value, Decimal | Doubted) else value
            for key, value in zip(keys, row.cells, strict=True)
        }
        for row in table.rows
    ]


def to_text(table: Table) -> str:
    """Return the table aligned, in plain characters, every column of it, however wide that is.

    For a file or another program; a terminal gets :mod:`harness.reports.tables.terminal`.
    """
    printed = printed_form(table)
    height = max(len(head.splitlines()) for head in printed.heads)
    texts = [[join(cell) for cell in row] for row in printed.rows]
    columns = [
        _text_column(head, [row[index] for row in texts], height, right)
        for index, (head, right) in enumerate(zip(printed.heads, printed.numeric, strict=True))
    ]
    lines = (_GAP.join(cells).rstrip() for cells in zip(*columns, strict=True))
    parts = [table.title, "\n".join(lines), "\n".join(table.notes)]
    return "\n\n".join(filter(None, parts)) + "\n"


FORMATS: dict[str, Callable[[Table], str]] = {
    "tex": to_latex,
    "csv": to_csv,
    "md": to_markdown,
}
"""File endings of the written forms, and what makes them."""


_BY_NAME: dict[str, Callable[[Table], str]] = {
    "table": to_text,
    "json": to_json,
    "csv": to_csv,
    "markdown": to_markdown,
    "latex": to_latex,
}


def to_format(tables: Sequence[Table], form: str) -> str:
    """Return tables, one below the other, in a format; several as JSON are a list.

    Args:
        tables: One or several.
        form: ``table``, ``json``, ``csv``, ``markdown`` or ``latex``.
    """
    if form == "json" and len(tables) != 1:
        return all_to_json(tables)
    return "\n".join(_BY_NAME[form](table) for table in tables)


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


def _text_column(head: str, cells: Sequence[str], height: int, right: bool) -> list[str]:
    """Return the lines of one column, all equally wide: head, rule, cells."""
    lines = head.splitlines()
    lines = [""] * (height - len(lines)) + lines
    width = max(len(text) for text in [*lines, *cells])
    padded = [text.rjust(width) if right else text.ljust(width) for text in [*lines, *cells]]
    return [*padded[:height], "-" * width, *padded[height:]]

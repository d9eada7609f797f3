"""What commands print: text wrapped to the terminal, and tables in every format.

A table goes to the terminal, as wide as that is, to a pipe in plain columns, all of them, or in a
format for programs and papers, by ``--format`` and ``-o``.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import click

from harness.errors import UsageError
from harness.host import bars, terminal

if TYPE_CHECKING:
    from harness.reports.tables.table import Table

_Command = TypeVar("_Command", bound=Callable[..., Any])

Format = Literal["table", "json", "csv", "markdown", "latex"]
_ENDINGS: dict[str, Format] = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".tex": "latex",
    ".txt": "table",
}
_ONCE: dict[str, Format] = {"md": "markdown", "tex": "latex", "text": "table"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Output:
    """How a command prints its tables.

    Attributes:
        form: The format; ``table`` is for people.
        path: The file to write; None for standard output.
    """

    form: Format
    path: Path | None = None

    @property
    def for_people(self) -> bool:
        """Whether text may stand around the tables, as on a terminal."""
        return self.form == "table" and self.path is None

    def show(
        self,
        *tables: Table,
        json: Callable[[], object] | None = None,
        csv: Callable[[], str] | None = None,
        hint: str = "--format csv",
    ) -> None:
        """Print tables, or write them to the file.

        Args:
            tables: One or several.
            json: Makes what ``--format json`` prints, where that is not title, rows and notes.
            csv: Makes the text of ``--format csv``, where that is not the rows.
            hint: What shows the columns that a terminal has no room for.

        Raises:
            HarnessError: The file cannot be written.
        """
        from harness.reports.tables import render

        if self.for_people and terminal.is_terminal(sys.stdout):
            from harness.reports.tables import terminal as on_terminal

            for number, table in enumerate(tables):
                say("", lines=int(number > 0))
                on_terminal.draw(table, sys.stdout, hint=hint)
            return
        if self.form == "json" and json is not None:
            from harness.host.writing import json_text

            text = json_text(json()) + "\n"
        elif self.form == "csv" and csv is not None:
            text = csv()
        else:
            text = render.to_format(tables, self.form)
        self.write(text)

    def write(self, text: str) -> None:
        """Print a text as it is, or write it to the file."""
        if self.path is None:
            click.echo(text, nl=False)
            return
        from harness.host.files import write_atomic

        write_atomic(self.path, text)
        log.info("wrote %s", self.path)


def say(text: str = "", *, err: bool = False, lines: int = 1) -> None:
    """Print text for people: on a terminal wrapped at words, and above a bar.

    Args:
        text: One line or several.
        err: Whether it goes to standard error.
        lines: 0 prints nothing.
    """
    if lines:
        bars.write_line(text, sys.stderr if err else sys.stdout)


class _FormatChoice(click.Choice[str]):
    """The formats; a name that one had is answered with the one it has."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the format."""
        if value in _ONCE and value not in self.choices:
            self.fail(f"'{value}' is now called '{_ONCE[value]}'", param, ctx)
        return super().convert(value, param, ctx)


def _format(help: str) -> Callable[[Any], Any]:
    return click.option("--format", "form", type=_FormatChoice(get_args(Format)), help=help)


FORMAT = _format("How tables are printed (default: by the ending of -o, or table).")
OUTPUT = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write them to a file, .json, .csv, .md, .tex or .txt; - for the terminal.",
)


def table_options(command: _Command) -> _Command:
    """Add ``--format`` and ``-o`` to a command, which gets both as ``out``."""

    @functools.wraps(command)
    def wrapped(*args: Any, form: Format | None, output: str | None, **values: Any) -> Any:
        return command(*args, out=chosen(form, output), **values)

    decorated: _Command = FORMAT(OUTPUT(wrapped))
    return decorated


def format_option(command: _Command) -> _Command:
    """Add ``--format`` alone, to a command whose ``-o`` is for something else; it gets ``out``."""

    @functools.wraps(command)
    def wrapped(*args: Any, form: Format | None, **values: Any) -> Any:
        return command(*args, out=Output(form or "table"), **values)

    decorated: _Command = _format("How tables are printed (default: table).")(wrapped)
    return decorated


def chosen(form: Format | None, output: str | None) -> Output:
    """Return what ``--format`` and ``-o`` ask for.

    Raises:
        UsageError: They contradict each other, the file's ending stands for no format, or it
            cannot be written where it is to be.
    """
    if output is None or output == "-":
        return Output(form or "table")
    path = Path(output)
    ending = path.suffix.lower()
    by_ending = _ENDINGS.get(ending)
    if form is None and ending and by_ending is None:
        known = ", ".join(_ENDINGS)
        raise UsageError(f"-o {output}: expected a name that ends in {known}, or --format")
    if form is not None and by_ending not in (None, form):
        raise UsageError(f"--format {form} and -o {output} contradict each other")
    if not path.parent.is_dir():
        raise UsageError(f"-o {output}: there is no folder '{path.parent}'")
    if path.is_dir():
        raise UsageError(f"-o {output}: it is a folder, expected a file")
    return Output(form or by_ending or "table", path)

"""The terminal: how wide it is, text wrapped to it, and what draws on it."""

from __future__ import annotations

import os
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_USUAL = 80
_COMMAND = "    harness "
"""How a line begins that is a command to be copied: it is continued as a shell wants it."""


def width(stream: TextIO) -> int | None:
    """Return how many characters a line of the terminal has; None where there is no terminal.

    ``COLUMNS`` overrides what the terminal says; 80 where neither says anything.

    Args:
        stream: What is written to, such as ``sys.stdout``.
    """
    if not is_terminal(stream):
        return None
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except (OSError, ValueError):
        return _USUAL


def is_terminal(stream: TextIO) -> bool:
    """Return whether a stream is written to a terminal; a closed one is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def console(stream: TextIO) -> Console:
    """Return what draws on the terminal behind a stream; in colour, unless ``NO_COLOR`` is set."""
    from rich.console import Console  # not imported above: it would slow every command

    return Console(
        file=stream,
        width=width(stream) or _USUAL,
        force_terminal=True,
        highlight=False,
        markup=False,
        emoji=False,
    )


def wrapped(text: str, stream: TextIO) -> str:
    """Return a text as it is written to a stream: on a terminal, wrapped at words.

    A line keeps its indent, and what it continues on is indented by two more. A word that is longer
    than the line, such as a path, is never broken: it is there to be copied.
    """
    columns = width(stream)
    return text if columns is None else to_width(text, columns)


def to_width(text: str, columns: int) -> str:
    """Return a text wrapped at words, as :func:`wrapped` does, to so many columns."""
    lines = text.split("\n")
    return "\n".join(piece for line in lines for piece in _wrapped_line(line, columns))


def _wrapped_line(line: str, columns: int) -> list[str]:
    if len(line) <= columns:
        return [line]
    if line.startswith(_COMMAND) and not set(line) & {"'", '"'}:
        *broken, last = wrap(
            line,
            columns - 2,
            subsequent_indent="      ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [*(f"{piece} \\" for piece in broken), last]
    indent = line[: len(line) - len(line.lstrip(" -"))]
    space = " " * len(indent)
    return wrap(
        line[len(indent) :],
        columns,
        initial_indent=indent,
        subsequent_indent=space if indent else "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )

"""The options that every figure has: its width, and whether its note stands below it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click


def sheet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--width`` and ``--no-note`` to a command; it is given them as a ``sheet``."""

    @functools.wraps(command)
    def with_sheet(*args: Any, width: str | None, note: bool, **given: Any) -> Any:
        from harness.reports.figures.sheet import Sheet, parse_width

        return command(*args, sheet=Sheet(parse_width(width) if width else None, note), **given)

    for option in (
        click.option(
            "--no-note", "note", flag_value=False, default=True, help="Nothing below the figure."
        ),
        click.option(
            "--width", metavar="WIDTH", help="Width, such as 3.3in (a paper's column) or 84mm."
        ),
    ):
        with_sheet = option(with_sheet)
    return with_sheet


def ablation_named(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return NAME of ``ablation=NAME``, or of a name alone, as ``harness tables`` takes it."""
    key, equals, name = value.partition("=")
    if not equals:
        return value
    if key != "ablation" or not name:
        raise click.BadParameter(f"'{value}': expected ablation=NAME", context, parameter)
    return name

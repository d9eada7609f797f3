"""The options that every figure has: width, font, and whether its note stands below it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click


def sheet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--width``, ``--no-note`` and ``--font``; the first two are given as a ``sheet``."""

    @functools.wraps(command)
    def with_sheet(
        *args: Any, width: str | None, note: bool, font: str | None, **given: Any
    ) -> Any:
        from harness.reports.figures import style
        from harness.reports.figures.sheet import Sheet, parse_width

        sheet = Sheet(parse_width(width) if width else None, note)
        with style.in_font(font):
            return command(*args, sheet=sheet, **given)

    for option in (
        click.option("--font", metavar="FAMILY", help="Font of all texts, such as 'DejaVu Serif'."),
        click.option(
            "--no-note", "note", flag_value=False, default=True, help="Nothing below the figure."
        ),
        click.option(
            "--width", metavar="WIDTH", help="Width, such as 3.3in (a paper's column) or 84mm."
        ),
    ):
        with_sheet = option(with_sheet)
    return with_sheet

"""How figures are styled and written: the same figure gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any, Protocol, TypeVar

from matplotlib import font_manager, style
from matplotlib.figure import Figure

from harness.errors import UsageError, suggest
from harness.host.files import write_atomic

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine has it
    "font.size": 8,
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "pdf.compression": 0,  # zlib's output differs between versions
}
_FORMS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
    "png": {"metadata": {"Software": None}, "dpi": 200},
}
_FOOTER_PT = 6.5
_MOST_LETTERS_PER_INCH = 24  # of that size
_MARGIN_IN = 0.06


class NamedFigure(Protocol):
    """What a figure shows, with the name of its files."""

    @property
    def name(self) -> str:
        """File name without its ending."""


FigureT = TypeVar("FigureT", bound=NamedFigure)

FORMS = tuple(_FORMS)
"""File endings of figures."""


_chosen_font: ContextVar[str | None] = ContextVar("font", default=None)


@contextmanager
def in_font(family: str | None) -> Iterator[None]:
    """Draw all texts in a font meanwhile; None for the house's.

    Raises:
        UsageError: There is no such font on this machine.
    """
    if family is not None and family not in (known := font_manager.get_font_names()):
        raise UsageError(f"--font: there is no font '{family}'{suggest(family, known)}")
    before = _chosen_font.set(family)
    try:
        yield
    finally:
        _chosen_font.reset(before)


@contextmanager
def styled(name: str) -> Iterator[None]:
    """Draw in the house's style meanwhile; ``name`` makes the ids within an SVG file."""
    family = _chosen_font.get()
    own = {"svg.hashsalt": name} | ({"font.family": family} if family else {})
    with style.context(["default", _STYLE | own], after_reset=True):
        yield


def footer(figure: Figure, text: str) -> float:
    """Write a text below a figure, in as many lines as it needs; returns the height they take.

    Args:
        figure: As wide as it will be.
        text: A line feed in it begins a new line.

    Returns:
        The part of the figure's height that the lines take with their margins, in 0..1.
    """
    shown = figure.text(0.02, _MARGIN_IN / figure.get_figheight(), "", fontsize=_FOOTER_PT)
    letters = int(figure.get_figwidth() * _MOST_LETTERS_PER_INCH)
    for most in range(letters, 1, -1):
        lines = [line for part in text.splitlines() for line in wrap(part, most)]
        shown.set_text("\n".join(lines))
        if shown.get_window_extent().x1 <= 0.98 * figure.bbox.width:
            break
    margin_px = _MARGIN_IN * figure.dpi
    return float((shown.get_window_extent().y1 + margin_px) / figure.bbox.height)


def write(
    name: str, draw: Callable[[], Figure], folder: Path, *, forms: Sequence[str] = FORMS
) -> tuple[Path, ...]:
    """Draw a figure and write it in several forms.

    Args:
        name: File name without its ending.
        draw: Makes the figure; called once, in the house's style.
        folder: Where the files go, made where it is missing.
        forms: File endings.

    Raises:
        HarnessError: A file cannot be written.
    """
    written = []
    with styled(name):
        figure = draw()
        for form in forms:
            options = dict(_FORMS[form])
            if form == "svg":
                options["metadata"] = options["metadata"] | {"Title": name}
            content = io.BytesIO()
            figure.savefig(content, format=form, **options)
            path = folder / f"{name}.{form}"
            write_atomic(path, content.getvalue())
            written.append(path)
    return tuple(written)


def write_each(
    figures: Iterable[FigureT], draw: Callable[[FigureT], Figure], folder: Path
) -> tuple[Path, ...]:
    """Draw several figures, each in all forms; returns the files.

    Args:
        figures: What each shows, and its name.
        draw: Makes a figure from that.
        folder: Where the files go.

    Raises:
        HarnessError: A file cannot be written.
    """
    return tuple(path for one in figures for path in write(one.name, partial(draw, one), folder))


def destination(output: Path) -> tuple[Path, str, tuple[str, ...]]:
    """Return folder, name and forms that a user's ``-o`` asks for: all of them without an ending.

    Raises:
        UsageError: The ending is not one of a figure.
    """
    ending = output.suffix.removeprefix(".").lower()
    if ending and ending not in _FORMS:
        raise UsageError(f"'{output}': unknown ending '.{ending}'{suggest(ending, _FORMS)}")
    return output.parent, output.stem, (ending,) if ending else FORMS

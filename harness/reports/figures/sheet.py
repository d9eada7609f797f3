"""How wide a figure is to be, and whether its note stands below it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from matplotlib.figure import Figure

from harness.errors import UsageError
from harness.reports.figures import style

NARROWEST_IN, WIDEST_IN = 2.5, 20.0
COLUMN_IN = 4.5
"""A figure that is narrower is laid out for the column of a paper of two columns."""

_PER_INCH = {"in": 1.0, "cm": 2.54, "mm": 25.4, "pt": 72.27}
_WIDTH = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+) ?(in|cm|mm|pt)\Z")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a user asks of a figure.

    Attributes:
        width_in: Its width in inches; None for the one that it has by itself.
        note: Whether what its numbers are stands below it.
    """

    width_in: float | None = None
    note: bool = True

    @property
    def plain(self) -> bool:
        """Whether nothing is asked of it."""
        return self.width_in is None and self.note

    @property
    def narrow(self) -> bool:
        """Whether it is for one column of a paper of two."""
        return self.width_in is not None and self.width_in < COLUMN_IN

    def note_in(self, text: str, width_in: float) -> float:
        """Return the height of a note in inches, below a figure of that width; 0 without one."""
        return style.footer(Figure(figsize=(width_in, 1), dpi=72), text) if self.note else 0.0

    def write_note(self, figure: Figure, text: str) -> None:
        """Write the note below a figure that has room for it."""
        if self.note:
            style.footer(figure, text)


def parse_width(text: str) -> float:
    """Return the inches of a width such as ``3.3in``, ``84mm``, ``8.4cm`` or ``239pt``.

    Raises:
        UsageError: It is not written so, or no figure can be so wide.
    """
    found = _WIDTH.match(text.strip())
    if not found:
        raise UsageError(f"width '{text}': expected a number with in, cm, mm or pt, such as 3.3in")
    inches = float(found[1]) / _PER_INCH[found[2]]
    if not NARROWEST_IN <= inches <= WIDEST_IN:
        raise UsageError(f"width {text}: expected {NARROWEST_IN:g}in to {WIDEST_IN:g}in")
    return inches

"""How the rows of an ablation are told apart, also without colour, and the legend that says so."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

# Okabe and Ito's colours, which the colour-blind tell apart, the yellow one left out.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_LINES = ("-", "--", "-.", ":")
_MARGIN_IN = 0.05


def look(index: int) -> dict[str, Any]:
    """Return colour and kind of line of a row, by its place."""
    kind = _LINES[(index + index // len(_COLOURS)) % len(_LINES)]
    return {"color": _COLOURS[index % len(_COLOURS)], "linestyle": kind}


def row_handles(count: int) -> list[Line2D]:
    """Return what stands before the names of that many rows in a legend."""
    return [Line2D([], [], linewidth=1.3, **look(index)) for index in range(count)]


def write_legend(figure: Figure, handles: Sequence[Line2D], labels: Sequence[str]) -> float:
    """Write a legend at the top, in as many lines as it needs.

    Args:
        figure: As wide as it will be.
        handles: What stands before the names.
        labels: The names, at least one; those that are wider than the figure are broken.

    Returns:
        Its height with margins, in inches.
    """
    longest = max(map(len, labels))
    for most, columns in [(longest, n) for n in range(len(labels), 0, -1)] + [
        (most, 1) for most in range(longest - 1, 0, -1)
    ]:
        legend = figure.legend(
            handles,
            [fill(label, most) for label in labels],
            numpoints=1,
            loc="upper center",
            bbox_to_anchor=(0.5, 1 - _MARGIN_IN / figure.get_figheight()),
            borderaxespad=0,
            frameon=False,
            ncols=columns,
            handlelength=2.2,
            columnspacing=1.2,
            handletextpad=0.5,
        )
        extent = legend.get_window_extent()
        if extent.width <= 0.98 * figure.bbox.width:
            break
        legend.remove()
    return float(extent.height / figure.dpi) + 2 * _MARGIN_IN

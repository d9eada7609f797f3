"""Networks as points over their Multi-Adds, every one with its name beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, MultipleLocator, NullLocator
from matplotlib.transforms import BboxBase

from harness.config import paper
from harness.errors import HarnessError
from harness.reports.figures.labels import PageBox, place
from harness.reports.figures.rows import write_legend
from harness.reports.figures.sheet import Sheet

GIGA = 10**9

Kind = Literal["family", "other", "own", "short"]
"""Whose a network is: the paper's, of others, one's own, one's own and trained briefly."""

_LOOKS: dict[Kind, dict[str, Any]] = {
    "family": {"marker": "*", "s": 95, "facecolor": "#b2182b", "edgecolor": "#67001f", "zorder": 4},
    "other": {"marker": "o", "s": 26, "facecolor": "#d1e5f0", "edgecolor": "#2166ac", "zorder": 3},
    "own": {"marker": "D", "s": 34, "facecolor": "#1b7837", "edgecolor": "#00441b", "zorder": 4},
    "short": {"marker": "D", "s": 34, "facecolor": "white", "edgecolor": "#1b7837", "zorder": 4},
}
_NAMES: dict[Kind, str] = {
    "family": f"{paper.FAMILY} family",
    "other": "others",
    "own": "own",
    "short": "own, short budget",
}
_EXECUTED_NAME = "as PyTorch computes it, where it differs"
_EXECUTED: dict[str, Any] = {
    "marker": "o",
    "s": 9,
    "facecolor": "white",
    "edgecolor": "0.45",
    "zorder": 2,
}
LABEL_PT = (7.5, 7.0, 6.5, 6.0)
"""Sizes of letters; the largest for which all labels have room is taken."""

_MARKER_PT = 9.0
_RING_PT = 3.0
_WIDTH_IN, _PLOT_IN, _NARROW_PLOT_IN = 6.4, 3.675, 2.9
_LEFT_IN, _RIGHT_IN, _BELOW_IN = 0.66, 0.08, 0.42
_FEW_TICKS = 30  # a range of Multi-Adds in which there may be no two powers of ten
_TALLER = (1.0, 1.2, 1.45, 1.75)
_MOST_STEPS_OF_A_QUARTER_DB = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One network of the figure.

    Attributes:
        label: Its name.
        psnr_db: PSNR as published, or the mean over the seeds of one's own.
        by_rule: Our Multi-Adds by the rule of the printed ones.
        executed: Our Multi-Adds as PyTorch computes them.
        printed_g: Multi-Adds as printed, in units of 1e9.
        own: Whether it is one's own: trained, or loaded, and scored here.
        short: Whether it was trained for less than the paper's budget.
        range_db: Smallest and largest PSNR of the seeds of one's own.
    """

    label: str
    psnr_db: Decimal | float
    by_rule: int
    executed: int
    printed_g: Decimal | None = None
    own: bool = False
    short: bool = False
    range_db: tuple[float, float] | None = None

    @property
    def kind(self) -> Kind:
        """Whose it is."""
        if self.own:
            return "short" if self.short else "own"
        return "family" if self.label.startswith(paper.FAMILY) else "other"

    @property
    def moves(self) -> bool:
        """Whether it executes another number than the rule's, in the digits printed."""
        return self.executed != self.by_rule and not self.agrees(self.executed)

    def agrees(self, multi_adds: int) -> bool:
        """Tell whether a count has the printed digits."""
        return self.printed_g is None or _rounded(multi_adds, self.printed_g) == self.printed_g


def compare(shown: Sequence[Point], text: str, sheet: Sheet, *, value: str) -> Figure:
    """Return a figure of any width: as flat, and with letters as large, as its labels allow.

    Args:
        shown: The networks.
        text: The note.
        sheet: Width, and whether the note is wanted.
        value: What the vertical axis is.

    Raises:
        HarnessError: There are more labels than have room.
    """
    width = sheet.width_in or _WIDTH_IN
    note = sheet.note_in(text, width)
    plot = _NARROW_PLOT_IN if sheet.narrow else _PLOT_IN
    handles, labels = _legend(shown)
    above = write_legend(Figure(figsize=(width, 1), dpi=72), handles, labels)
    problem = HarnessError("the figure has no room for its labels")
    for taller, letters_pt in product(_TALLER, LABEL_PT):
        height = above + taller * plot + _BELOW_IN + note
        figure = Figure(figsize=(width, height), dpi=72)
        write_legend(figure, handles, labels)
        across = 1 - (_LEFT_IN + _RIGHT_IN) / width
        bottom = (note + _BELOW_IN) / height
        axes = figure.add_axes((_LEFT_IN / width, bottom, across, taller * plot / height))
        try:
            fill_axes(axes, shown, value=value, letters_pt=letters_pt, legend=False)
        except HarnessError as error:
            problem = error
            continue
        sheet.write_note(figure, text)
        return figure
    raise problem


def fill_axes(
    axes: Axes, shown: Sequence[Point], *, value: str, letters_pt: float, legend: bool = True
) -> None:
    """Draw the networks with their names, and a legend among them.

    Raises:
        HarnessError: A name has no free place.
    """
    axes.set_xscale("log")
    axes.margins(x=0.09, y=0.09)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    scores = [float(point.psnr_db) for point in shown]
    quarters = (max(scores) - min(scores)) / 0.25
    few = quarters <= _MOST_STEPS_OF_A_QUARTER_DB
    axes.yaxis.set_major_locator(MultipleLocator(0.25) if few else MaxNLocator(6))
    axes.xaxis.set_minor_locator(NullLocator())
    costs = [point.by_rule for point in shown]
    if max(costs) < _FEW_TICKS * min(costs):
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.set_xlabel("Multi-Adds (G), logarithmic")
    axes.set_ylabel(value)
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    _scatter(axes, shown)
    axes.autoscale_view()
    covered = []
    if legend:
        inside = axes.legend(loc="lower right", frameon=False, handletextpad=0.3)
        covered = [_box(inside.get_window_extent())]
    _label(axes, shown, covered, letters_pt=letters_pt)


def _legend(shown: Sequence[Point]) -> tuple[list[Line2D], list[str]]:
    """Return marks and names of the kinds of networks that are shown, for a legend."""
    looks = {_NAMES[kind]: look for kind, look in _LOOKS.items()}
    names = [_NAMES[kind] for kind in _LOOKS if any(point.kind == kind for point in shown)]
    if any(point.moves for point in shown):
        looks, names = looks | {_EXECUTED_NAME: _EXECUTED}, [*names, _EXECUTED_NAME]
    marks = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=look["marker"],
            markersize=look["s"] ** 0.5,
            markerfacecolor=look["facecolor"],
            markeredgecolor=look["edgecolor"],
        )
        for look in map(looks.__getitem__, names)
    ]
    return marks, names


def _scatter(axes: Axes, shown: Sequence[Point]) -> None:
    def series(chosen: dict[Point, int], label: str, look: dict[str, Any]) -> None:
        xs = [multi_adds / GIGA for multi_adds in chosen.values()]
        ys = [float(point.psnr_db) for point in chosen]
        axes.scatter(xs, ys, label=label, linewidth=0.8, **look)

    moved = [point for point in shown if point.moves]
    for point in moved:
        xs = [point.by_rule / GIGA, point.executed / GIGA]
        axes.plot(xs, [float(point.psnr_db)] * 2, color="0.45", linewidth=0.7, zorder=1)
    for point in shown:
        if point.range_db:
            axes.plot([point.by_rule / GIGA] * 2, point.range_db, color="#1b7837", linewidth=0.8)
    for kind, look in _LOOKS.items():
        of_kind = {point: point.by_rule for point in shown if point.kind == kind}
        if of_kind:
            series(of_kind, _NAMES[kind], look)
    if moved:
        series({point: point.executed for point in moved}, _EXECUTED_NAME, _EXECUTED)


def _label(
    axes: Axes, shown: Sequence[Point], covered: Sequence[PageBox], *, letters_pt: float
) -> None:
    """Write each network's name beside its point, over no other mark."""
    markers = {point.label: _marker(axes, point.by_rule, point) for point in shown}
    lines = [
        _line(markers[point.label], _marker(axes, point.executed, point))
        for point in shown
        if point.moves
    ]
    texts = {
        point.label: axes.annotate(
            point.label,
            (point.by_rule / GIGA, float(point.psnr_db)),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=letters_pt,
            ha="center",
            va="center",
            weight="normal" if point.kind == "other" else "bold",
            zorder=5,
        )
        for point in shown
    }
    extents = {label: text.get_window_extent() for label, text in texts.items()}
    sizes = {label: (extent.width + 2, extent.height) for label, extent in extents.items()}
    area = _box(axes.get_window_extent())
    for label, box in place(markers, sizes, others=[*lines, *covered], area=area).items():
        texts[label].set_position((box.x - markers[label].x, box.y - markers[label].y))


def _marker(axes: Axes, multi_adds: int, point: Point) -> PageBox:
    """Return where a mark lies on the page, in points."""
    x, y = axes.transData.transform((multi_adds / GIGA, float(point.psnr_db)))
    return PageBox(float(x), float(y), _MARKER_PT, _MARKER_PT)


def _box(extent: BboxBase) -> PageBox:
    """Return where something drawn lies on the page, in points."""
    middle = ((extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2)
    return PageBox(*middle, extent.width, extent.height)


def _line(start: PageBox, end: PageBox) -> PageBox:
    """Return the line from one mark to another at the same height."""
    return PageBox((start.x + end.x) / 2, start.y, abs(start.x - end.x) + _RING_PT, _RING_PT)


def _rounded(multi_adds: int, printed_g: Decimal) -> Decimal:
    step = Decimal(1).scaleb(int(printed_g.as_tuple().exponent))
    return (Decimal(multi_adds) / GIGA).quantize(step, ROUND_HALF_UP)

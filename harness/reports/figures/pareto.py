"""Figure 1 of the paper: PSNR on Set5 x2 as published, over Multi-Adds as we count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator
from matplotlib.transforms import BboxBase

from harness.config import paper
from harness.records import counts, published
from harness.reports.figures import style
from harness.reports.figures.labels import PageBox, place

NAME = "figure1"
SCALE = 2
SET = "Set5"

_GIGA = 10**9
_OURS = {"marker": "*", "s": 95, "facecolor": "#b2182b", "edgecolor": "#67001f", "zorder": 4}
_OTHERS = {"marker": "o", "s": 26, "facecolor": "#d1e5f0", "edgecolor": "#2166ac", "zorder": 3}
_EXECUTED = {"marker": "o", "s": 9, "facecolor": "white", "edgecolor": "0.45", "zorder": 2}
_LABEL_PT = 7.5
_MARKER_PT = 9.0
_RING_PT = 3.0


@dataclass(frozen=True, slots=True)
class Point:
    """One network of the figure.

    Attributes:
        label: Its name.
        psnr_db: PSNR as published.
        by_rule: Our Multi-Adds by the rule of the printed ones.
        executed: Our Multi-Adds as executed.
        printed_g: Multi-Adds as printed, in units of 1e9.
    """

    label: str
    psnr_db: Decimal
    by_rule: int
    executed: int
    printed_g: Decimal | None

    def agrees(self, multi_adds: int) -> bool:
        """Tell whether a count has the printed digits."""
        return self.printed_g is None or _rounded(multi_adds, self.printed_g) == self.printed_g


def points() -> tuple[tuple[Point, ...], tuple[str, ...]]:
    """Return the networks with a published score, in the paper's order.

    Returns:
        Those to draw, and the names of those whose rule of counting is unknown.

    Raises:
        RecordError: The stored counts or the published values cannot be read.
    """
    stored = counts.load()
    cells = published.load(paper.SYSTEMS_TABLE)
    drawn, unknown = [], []
    for cell in cells:
        wanted = (cell.scale, cell.metric, cell.set) == (SCALE, "psnr_db", SET)
        if not wanted or cell.value is None:
            continue
        count = counts.of(stored, cell.label, SCALE)
        if count.rule_multi_adds is None:
            unknown.append(cell.label)
            continue
        printed = published.find(cells, label=cell.label, scale=SCALE, metric="multi_adds_g")
        drawn.append(
            Point(
                label=cell.label,
                psnr_db=cell.value,
                by_rule=count.rule_multi_adds,
                executed=count.multi_adds,
                printed_g=printed.value if printed else None,
            )
        )
    return tuple(drawn), tuple(unknown)


def caption(shown: Sequence[Point], unknown: Sequence[str] = ()) -> str:
    """Return what must stand below the figure: whose numbers these are, and which differ."""
    off = [
        _beside(point.label, point.by_rule, point)
        for point in shown
        if not point.agrees(point.by_rule)
    ]
    executed = [_beside(point.label, point.executed, point) for point in shown if _moves(point)]
    sentences = [
        f"PSNR: as published (Table {paper.SYSTEMS_TABLE} of the paper), not ours.",
        f"Multi-Adds: ours, for a {paper.OUTPUT_SIZE} output, counted by the rule of the printed "
        "figures.",
        f"Off the printed figure, in brackets: {', '.join(off)}." if off else "",
        f"Executed, the grey rings where not hidden: {', '.join(executed)}." if executed else "",
        f"Left out, its layers being unknown: {', '.join(unknown)}." if unknown else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def draw(shown: Sequence[Point], unknown: Sequence[str] = ()) -> Figure:
    """Return the figure; stars are the AWSRN family, circles are others."""
    figure = Figure(figsize=(6.4, 4.9), dpi=72)  # at 72 dpi a pixel is a point
    axes = figure.add_axes((0.1, 0.235, 0.885, 0.75))
    _lay_out(axes)
    _scatter(axes, shown)
    axes.autoscale_view()
    legend = axes.legend(loc="lower right", frameon=False, handletextpad=0.3)
    _label(axes, shown, _box(legend.get_window_extent()))
    figure.text(
        0.02, 0.125, fill(caption(shown, unknown), 122), fontsize=6.5, va="top", linespacing=1.35
    )
    return figure


def write(folder: Path) -> tuple[Path, ...]:
    """Draw the figure as SVG, PDF and PNG; the same numbers give the same bytes.

    Args:
        folder: Where the files go, made where it is missing.

    Raises:
        RecordError: The stored counts or the published values cannot be read.
        HarnessError: A file cannot be written.
    """
    return style.write(NAME, lambda: draw(*points()), folder)


def _lay_out(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.margins(x=0.09, y=0.09)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_locator(MultipleLocator(0.25))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("Multi-Adds (G), logarithmic")
    axes.set_ylabel(f"PSNR on {SET} x{SCALE} (dB), published")
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def _scatter(axes: Axes, shown: Sequence[Point]) -> None:
    def series(chosen: dict[Point, int], label: str, look: dict[str, Any]) -> None:
        xs = [multi_adds / _GIGA for multi_adds in chosen.values()]
        ys = [float(point.psnr_db) for point in chosen]
        axes.scatter(xs, ys, label=label, linewidth=0.8, **look)

    moved = [point for point in shown if _moves(point)]
    for point in moved:
        xs = [point.by_rule / _GIGA, point.executed / _GIGA]
        axes.plot(xs, [float(point.psnr_db)] * 2, color="0.45", linewidth=0.7, zorder=1)
    ours = {point: point.by_rule for point in shown if _ours(point)}
    others = {point: point.by_rule for point in shown if not _ours(point)}
    series(ours, f"{paper.FAMILY} family", _OURS)
    series(others, "others", _OTHERS)
    series({point: point.executed for point in moved}, "executed, where it differs", _EXECUTED)


def _label(axes: Axes, shown: Sequence[Point], legend: PageBox) -> None:
    """Write each network's name beside its point, over no other mark."""
    markers = {point.label: _marker(axes, point.by_rule, point) for point in shown}
    lines = [
        _line(markers[point.label], _marker(axes, point.executed, point))
        for point in shown
        if _moves(point)
    ]
    texts = {
        point.label: axes.annotate(
            point.label,
            (point.by_rule / _GIGA, float(point.psnr_db)),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=_LABEL_PT,
            ha="center",
            va="center",
            weight="bold" if _ours(point) else "normal",
            zorder=5,
        )
        for point in shown
    }
    extents = {label: text.get_window_extent() for label, text in texts.items()}
    sizes = {label: (extent.width + 2, extent.height) for label, extent in extents.items()}
    area = _box(axes.get_window_extent())
    for label, box in place(markers, sizes, others=[*lines, legend], area=area).items():
        texts[label].set_position((box.x - markers[label].x, box.y - markers[label].y))


def _marker(axes: Axes, multi_adds: int, point: Point) -> PageBox:
    """Return where a mark lies on the page, in points."""
    x, y = axes.transData.transform((multi_adds / _GIGA, float(point.psnr_db)))
    return PageBox(float(x), float(y), _MARKER_PT, _MARKER_PT)


def _box(extent: BboxBase) -> PageBox:
    """Return where something drawn lies on the page, in points."""
    middle = ((extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2)
    return PageBox(*middle, extent.width, extent.height)


def _line(start: PageBox, end: PageBox) -> PageBox:
    """Return the line from one mark to another at the same height."""
    return PageBox((start.x + end.x) / 2, start.y, abs(start.x - end.x) + _RING_PT, _RING_PT)


def _ours(point: Point) -> bool:
    return point.label.startswith(paper.FAMILY)


def _moves(point: Point) -> bool:
    """Tell whether what is executed is another number than the rule's, in the digits printed."""
    return point.executed != point.by_rule and not point.agrees(point.executed)


def _beside(label: str, multi_adds: int, point: Point) -> str:
    """Return a count with the printed one in brackets."""
    return f"{label} {Decimal(multi_adds) / _GIGA:,.2f} ({point.printed_g:,})"


def _rounded(multi_adds: int, printed_g: Decimal) -> Decimal:
    step = Decimal(1).scaleb(int(printed_g.as_tuple().exponent))
    return (Decimal(multi_adds) / _GIGA).quantize(step, ROUND_HALF_UP)

"""Figure 1 of the paper: PSNR on Set5 x2 as published, over Multi-Adds as we count them.

Networks of one's own may stand beside the published ones, on any set and at any scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from textwrap import fill

from matplotlib.figure import Figure

from harness.config import paper
from harness.records import counts, published, published_modern
from harness.records.published import Published
from harness.reports.figures import scatter, style
from harness.reports.figures.scatter import GIGA, LABEL_PT, Point
from harness.reports.figures.sheet import Sheet

NAME = "figure1"
SCALE = 2
SET = "Set5"
_VALUE = f"PSNR on {SET} x{SCALE} (dB), published"


def points(
    scale: int = SCALE, set_name: str = SET, cells: Sequence[Published] | None = None
) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    """Return the networks with a published score, in the paper's order.

    Args:
        scale: Upscaling factor.
        set_name: The set that was scored.
        cells: What is published of the networks; None for all of Table 5.

    Returns:
        Those to draw, and the names of those whose rule of counting is unknown, or of which
        nothing but what is printed is known.

    Raises:
        RecordError: The stored counts or the published values cannot be read.
    """
    stored = counts.load()
    of_paper = cells is None
    if cells is None:
        cells = published.load(paper.SYSTEMS_TABLE)
    drawn, unknown = [], []
    for cell in cells:
        wanted = (cell.scale, cell.metric, cell.set) == (scale, "psnr_db", set_name)
        if not wanted or cell.value is None:
            continue
        network = published_modern.network(cell.label)
        printed_alone = not of_paper and (network, scale) not in stored
        count = None if printed_alone else counts.of(stored, network, scale)
        if count is None or count.rule_multi_adds is None:
            unknown.append(cell.label)
            continue
        printed = published.find(cells, label=cell.label, scale=scale, metric="multi_adds_g")
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


def caption(
    shown: Sequence[Point], unknown: Sequence[str] = (), remarks: Sequence[str] = ()
) -> str:
    """Return what must stand below the figure: whose numbers these are, and which differ."""
    printed = [point for point in shown if not point.own]
    off = [
        _beside(point.label, point.by_rule, point)
        for point in printed
        if not point.agrees(point.by_rule)
    ]
    executed = [_beside(point.label, point.executed, point) for point in shown if point.moves]
    sentences = [
        f"PSNR: as published (Table {paper.SYSTEMS_TABLE} of the paper), not ours."
        if printed
        else "",
        f"Multi-Adds: ours, for a {paper.OUTPUT_SIZE} output, counted by the rule of the printed "
        "figures."
        if printed
        else f"Multi-Adds: for a {paper.OUTPUT_SIZE} output.",
        f"Off the printed figure, in brackets: {', '.join(off)}." if off else "",
        f"As PyTorch computes them, the grey rings where not hidden: {', '.join(executed)}."
        if executed
        else "",
        f"Left out, its layers being unknown: {', '.join(unknown)}." if unknown else "",
        *remarks,
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def draw(shown: Sequence[Point], unknown: Sequence[str] = (), sheet: Sheet | None = None) -> Figure:
    """Return the figure; stars are the AWSRN family, circles are others."""
    sheet = sheet or Sheet()
    text = caption(shown, unknown)
    if not sheet.plain:
        return scatter.compare(shown, text, sheet, value=_VALUE)
    figure = Figure(figsize=(6.4, 4.9), dpi=72)  # at 72 dpi a pixel is a point
    axes = figure.add_axes((0.1, 0.235, 0.885, 0.75))
    scatter.fill_axes(axes, shown, value=_VALUE, letters_pt=LABEL_PT[0])
    figure.text(0.02, 0.125, fill(text, 122), fontsize=6.5, va="top", linespacing=1.35)
    return figure


def write(folder: Path, sheet: Sheet | None = None) -> tuple[Path, ...]:
    """Draw the figure as SVG, PDF and PNG; the same numbers give the same bytes.

    Args:
        folder: Where the files go, made where it is missing.
        sheet: Its width, and whether its note is wanted.

    Raises:
        RecordError: The stored counts or the published values cannot be read.
        HarnessError: A file cannot be written.
    """
    return style.write(NAME, lambda: draw(*points(), sheet), folder)


def _beside(label: str, multi_adds: int, point: Point) -> str:
    """Return a count with the printed one in brackets."""
    return f"{label} {Decimal(multi_adds) / GIGA:,.2f} ({point.printed_g:,})"

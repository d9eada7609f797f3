"""Does a short training tell? Differences of pairs of rows over the steps of a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from harness.config.ablation import Ablation
from harness.records.record import Record
from harness.reports.figures import style
from harness.reports.figures.rows import look, write_legend
from harness.reports.figures.sheet import Sheet
from harness.reports.tables import budget, render
from harness.statistics import budgets
from harness.statistics.budgets import AtBudget, Budgets

_WIDTH_IN, _PANEL_IN, _NARROW_PANEL_IN = 6.4, 2.6, 2.0
_LEFT_IN, _RIGHT_IN, _BELOW_IN = 0.68, 0.12, 0.42
_APART = 1.045  # between two pairs at one budget, so that their bars do not hide each other


def of_ablations(
    ablations: Sequence[Ablation], stored: Iterable[Record], wanted: Sequence[str] = ()
) -> tuple[tuple[str, Budgets], ...]:
    """Return what each figure shows, with the name of its files.

    Arguments and errors are those of :func:`harness.statistics.budgets.of_ablations`.
    """
    found = budgets.of_ablations(ablations, stored, wanted)
    return tuple(zip(budget.file_names(found), found, strict=True))


def caption(shown: Budgets) -> str:
    """Return the note: what the bars are, which are of one seed, and what the trainings are."""
    partial = budget.of_one_seed(shown)
    hollow = (
        f"Hollow ({partial} steps): one training a row, so the bar covers other images and not "
        "other seeds."
        if partial
        else ""
    )
    looked = any(point.found.looked for point in shown.points)
    over = ", over all looks where seeds=auto" if looked else ""
    bars = f"Bars: 95 % intervals{over}, over seeds and images."
    return " ".join(text for text in (bars, hollow, *budget.sources(shown)) if text)


def draw(shown: Budgets, sheet: Sheet | None = None) -> Figure:
    """Return the figure: a line a pair through its differences, each with its interval."""
    sheet = sheet or Sheet()
    width = sheet.width_in or _WIDTH_IN
    panel = _NARROW_PANEL_IN if sheet.narrow else _PANEL_IN
    text = caption(shown)
    note = sheet.note_in(text, width)
    handles = [
        Line2D([], [], linewidth=1.3, marker="o", markersize=4, **look(n))
        for n in range(len(shown.pairs))
    ]
    above = write_legend(Figure(figsize=(width, 1), dpi=72), handles, list(shown.pairs))
    height = above + panel + _BELOW_IN + note
    figure = Figure(figsize=(width, height), dpi=72)
    write_legend(figure, handles, list(shown.pairs))
    axes = figure.add_axes(
        (
            _LEFT_IN / width,
            (note + _BELOW_IN) / height,
            1 - (_LEFT_IN + _RIGHT_IN) / width,
            panel / height,
        )
    )
    axes.axhline(0, color="0.4", linewidth=0.8)
    for number, points in enumerate(shown.pairs.values()):
        _plot(axes, points, number, _APART ** (number - (len(shown.pairs) - 1) / 2))
    _dress(axes, sorted({point.steps for point in shown.points}))
    sheet.write_note(figure, text)
    return figure


def _plot(axes: Axes, points: Sequence[AtBudget], number: int, shift: float) -> None:
    colour = look(number)["color"]
    known = [(point, point.found.estimate) for point in points if point.found.estimate]
    xs = [point.steps * shift for point, _ in known]
    middles = [float(estimate.diff) for _, estimate in known]
    axes.plot(xs, middles, linewidth=1.0, **look(number))
    for x, (point, estimate) in zip(xs, known, strict=True):
        axes.errorbar(
            [x],
            [float(estimate.diff)],
            yerr=[float(estimate.half_width)],
            color=colour,
            marker="o",
            markersize=4.5,
            markerfacecolor="white" if point.found.partial else colour,
            elinewidth=1.1,
            capsize=2.5,
        )


def _dress(axes: Axes, steps: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(steps)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlim(steps[0] / 1.3, steps[-1] * 1.3)
    axes.set_xlabel("steps of a training")
    axes.set_ylabel("difference in mean PSNR (dB)")
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def write(
    shown: Sequence[tuple[str, Budgets]], folder: Path, sheet: Sheet | None = None
) -> tuple[Path, ...]:
    """Draw every figure as SVG, PDF and PNG, and write its numbers as tables; returns the files.

    Raises:
        HarnessError: A file cannot be written.
    """
    figures = tuple(
        path for name, one in shown for path in style.write(name, partial(draw, one, sheet), folder)
    )
    return figures + render.write((budget.build(name, one) for name, one in shown), folder)

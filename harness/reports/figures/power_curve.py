"""The curve of a plan: how often a difference is found, over the number of seeds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from harness.reports.figures import style
from harness.reports.tables.planning import Plan
from harness.statistics.planning import Answer
from harness.statistics.power import ASSURANCE, power

SEEDS = (3, 4, 5, 6, 8, 10, 12, 16, 20, 30, 40, 60, 100, 150, 200)
"""The numbers of seeds that are drawn."""

_COLORS = ("#2166ac", "#b2182b", "#1b7837", "#762a83", "#8c510a", "#35978f", "#4d4d4d", "#c51b7d")
_MARKERS = "osD^v<>P"


def curve(answer: Answer, *, assured: bool) -> list[float]:
    """Return the power at :data:`SEEDS`.

    Args:
        answer: Of a row on some sets.
        assured: Whether the variances are at their upper limit, not as estimated.
    """
    found = answer.components
    return [
        float(power(found.upper(n, ASSURANCE) if assured else found, answer.effect, n))
        for n in SEEDS
    ]


def draw(plan: Plan) -> Figure:
    """Return the figure: a line a row, dashed for the upper limit of its variances."""
    answers = plan.on_all_sets
    figure = Figure(figsize=(6.0, 3.5), dpi=72)
    axes = figure.add_axes((0.1, 0.23, 0.87, 0.6))
    for number, answer in enumerate(answers):
        _lines(axes, answer, number)
    axes.axhline(answers[0].power, color="0.5", linewidth=0.7, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks([n for n in SEEDS if n not in (16, 150)])
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("seeds a row")
    axes.set_ylabel(f"power for {answers[0].effect:g} dB")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 0.985), ncols=3, fontsize=7)
    figure.suptitle(plan.title, fontsize=9, y=0.975)
    pilots = [answer.components.trainings for answer in answers]
    of = " to ".join(str(number) for number in dict.fromkeys((min(pilots), max(pilots))))
    style.footer(
        figure,
        f"Mean over {', '.join(answers[0].sets)}. Solid: variances as in the pilot of "
        f"{of} seeds. Dashed: at their upper "
        f"{100 * ASSURANCE:g} % limit, so that the number of seeds is enough in "
        f"{100 * ASSURANCE:g} % of pilots. Dotted: the wished power.",
    )
    return figure


def _lines(axes: Axes, answer: Answer, number: int) -> None:
    color = _COLORS[number % len(_COLORS)]
    marker = _MARKERS[number % len(_MARKERS)]
    label = f"{answer.row} to {answer.base}"
    axes.plot(
        SEEDS,
        curve(answer, assured=False),
        color=color,
        marker=marker,
        markersize=3,
        linewidth=1.2,
        label=label,
    )
    axes.plot(SEEDS, curve(answer, assured=True), color=color, linewidth=0.9, linestyle="--")


def write(plans: Iterable[Plan], folder: Path) -> tuple[Path, ...]:
    """Draw the curve of every plan as SVG, PDF and PNG; returns the files.

    Raises:
        HarnessError: A file cannot be written.
    """
    return tuple(
        path for plan in plans for path in style.write(plan.name, partial(draw, plan), folder)
    )

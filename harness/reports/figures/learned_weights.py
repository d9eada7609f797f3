"""Figure 4 of the paper: the learned weights of AWRUs over depth, and those of branches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.records.record import Record, digest
from harness.records.selection import by_group, one_a_seed
from harness.reports import notes
from harness.reports.figures import style
from harness.reports.figures.sheet import Sheet

Panel = tuple[float, Callable[[Axes], None]]
"""The share of the width that a panel takes, and what draws it."""

_WIDTH_IN, _TITLE_IN, _BELOW_IN = 6.4, 0.28, 0.45
_BESIDE_IN = 6.0  # in less width the panels do not stand beside each other
_RES: dict[str, Any] = {"color": "#b2182b", "marker": "o", "linestyle": "-"}
_X: dict[str, Any] = {"color": "#2166ac", "marker": "s", "linestyle": "--"}


@dataclass(frozen=True, slots=True)
class Learned:
    """The trainings of one network whose learned weights are drawn together.

    Attributes:
        name: File name without its ending.
        records: One a seed.
    """

    name: str
    records: tuple[Record, ...]


def networks(stored: Iterable[Record]) -> tuple[Learned, ...]:
    """Return every trained network with AWRUs or weighted branches, one a group of records.

    Networks that branches were cut from after training are left out: they are the same weights.

    Raises:
        RecordError: Records of one group were scored by different protocols.
    """
    trained = [
        record
        for record in stored
        if record.group and not record.drop and (record.learned.lambda_res or record.learned.alpha)
    ]
    trainings: dict[tuple[str, str, str], list[Record]] = {}
    for group, of_group in by_group(trained).items():
        for record in of_group:
            trainings.setdefault((record.model, str(record.overrides), group), []).append(record)
    names = notes.file_names(
        (f"figure4_{kind[0].model}", kind[0], digest({"of": key})[:6])
        for key, kind in trainings.items()
    )
    named = sorted(zip(names, trainings.values(), strict=True), key=lambda one: one[0])
    return tuple(Learned(name, one_a_seed(kind)) for name, kind in named)


def draw(learned: Learned, sheet: Sheet | None = None) -> Figure:
    """Return the figure: one thin line a seed, the mean thick.

    Residual units, fusion units (LRFU) and branches have a panel each, where there are any; in a
    narrow figure the first has a line of its own.
    """
    runs = learned.records
    first = runs[0]
    panels: list[Panel] = []
    if first.learned.lambda_res:
        units = [(run.learned.lambda_res, run.learned.lambda_x) for run in runs]
        panels.append((3, partial(_lambdas, lambdas=units, of="residual unit", named=True)))
    if first.learned.lfb_lambda_res:
        units = [(run.learned.lfb_lambda_res, run.learned.lfb_lambda_x) for run in runs]
        panels.append((1.1, partial(_lambdas, lambdas=units, of="fusion unit", named=False)))
    if first.learned.alpha:
        panels.append((1.25, partial(_branches, runs=runs)))
    sheet = sheet or Sheet()
    text = _caption(learned)
    width = sheet.width_in or _WIDTH_IN
    rows = [panels[:1], panels[1:]] if width < _BESIDE_IN and panels[1:] else [panels]
    note = sheet.note_in(text, width)
    panel_in = 1.4 if len(rows) > 1 else 2.0
    height = _TITLE_IN + len(rows) * (panel_in + _BELOW_IN) + note
    figure = Figure(figsize=(width, height), dpi=72)
    for number, row in enumerate(rows):
        top = height - _TITLE_IN - number * (panel_in + _BELOW_IN)
        grid = figure.add_gridspec(
            1,
            len(row),
            width_ratios=[share for share, _ in row],
            left=0.68 / width,
            right=1 - 0.1 / width,
            top=top / height,
            bottom=(top - panel_in) / height,
            wspace=0.75 if len(rows) > 1 else 0.42,
        )
        for column, (_, panel) in enumerate(row):
            panel(figure.add_subplot(grid[column]))
    figure.suptitle(f"{first.label}, x{first.scale}", fontsize=9, y=1 - 0.06 / height)
    sheet.write_note(figure, text)
    return figure


def _caption(learned: Learned) -> str:
    """Return the note below the figure: seeds, training, device, and whose records they are."""
    runs = learned.records
    seeds = ", ".join(str(record.seed) for record in runs)
    short = notes.budget_text(runs, has_published=False)
    sentences = [
        f"Thin: seed {seeds}; thick: the mean.\nOurs: {notes.training_text(runs)}.",
        f"{short}." if short else "",
        notes.recipe_note(runs),
        f"Records of commit {notes.distinct(runs, notes.commit)}.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _lambdas(
    axes: Axes,
    *,
    lambdas: Sequence[tuple[Sequence[float], Sequence[float]]],
    of: str,
    named: bool,
) -> None:
    """Draw lambda_res and lambda_x, of each run by depth; ``named`` adds what the lines are."""
    of_res, of_x = zip(*lambdas, strict=True)
    for lines, label, look in (
        (of_res, r"$\lambda_{res}$", _RES),
        (of_x, r"$\lambda_{x}$", _X),
    ):
        depth = range(1, len(lines[0]) + 1)
        for line in lines:
            axes.plot(depth, line, linewidth=0.6, alpha=0.6, **(look | {"marker": ""}))
        mean = [fmean(values) for values in zip(*lines, strict=True)]
        axes.plot(depth, mean, linewidth=1.8, markersize=3.5, label=label, **look)
    axes.axhline(1, color="0.7", linewidth=0.6, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(f"{of}, by depth")
    if named:
        axes.set_ylabel("learned weight")
        axes.legend(frameon=False)


def _branches(axes: Axes, *, runs: Sequence[Record]) -> None:
    alphas = [record.learned.alpha for record in runs]
    sizes = list(alphas[0])
    places = range(len(sizes))
    means = [fmean(alpha[size] for alpha in alphas) for size in sizes]
    axes.bar(places, means, width=0.6, color="#d1e5f0", edgecolor="#2166ac", linewidth=0.8)
    for alpha in alphas:
        axes.plot(places, [alpha[size] for size in sizes], "x", color="#67001f", markersize=4)
    axes.axhline(1 / len(sizes), color="0.6", linewidth=0.6, linestyle=":")
    axes.set_xticks(list(places), [f"{size}x{size}" for size in sizes])
    axes.set_xlabel("branch")
    axes.set_ylabel(r"$\alpha$ (dotted: the start)")


def write(stored: Iterable[Record], folder: Path, sheet: Sheet | None = None) -> tuple[Path, ...]:
    """Draw every network's figure as SVG, PDF and PNG; returns the files.

    Raises:
        RecordError: Records of one group were scored by different protocols.
        HarnessError: A file cannot be written.
    """
    return style.write_each(networks(stored), partial(draw, sheet=sheet), folder)

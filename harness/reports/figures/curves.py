"""The curves of an ablation's trainings: loss and PSNR over steps and over time, a line a row."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from harness.config.ablation import Ablation
from harness.config.paper import BICUBIC
from harness.errors import HarnessError
from harness.records.belonging import belongs
from harness.records.readings import LOSS_WINDOW
from harness.records.record import Record
from harness.records.selection import by_group, runs_of
from harness.reports import notes
from harness.reports.figures import style
from harness.reports.figures.rows import look, row_handles, write_legend
from harness.reports.figures.sheet import Sheet

log = logging.getLogger(__name__)

_WIDTH_IN = 6.4
_LEFT_IN, _RIGHT_IN, _GAP_IN, _BELOW_IN = 0.64, 0.12, 0.16, 0.42
_LEAST_DECADES = 0.7  # of a loss that falls less, a logarithmic axis has too few ticks

Numbers = NDArray[np.float64]


class Points(NamedTuple):
    """The readings of one training: steps done, seconds, and the values read."""

    steps: Numbers
    seconds: Numbers
    values: Numbers


class Line(NamedTuple):
    """The mean of a row's trainings, and the smallest and largest of them."""

    x: Numbers
    mean: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True)
class RowCurves:
    """What is drawn of one row.

    Attributes:
        label: The row.
        records: Its trainings that have readings, one a seed.
    """

    label: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """What one figure shows: the trainings of an ablation that are comparable.

    Attributes:
        name: File name without its ending.
        rows: The rows that have readings.
        passed_over: What is not drawn, and why, in sentences.
        set: The set whose PSNR was read; empty where none was.
    """

    name: str
    rows: tuple[RowCurves, ...]
    passed_over: tuple[str, ...] = ()
    set: str = ""


def of_ablation(ablation: Ablation, stored: Iterable[Record]) -> tuple[Curves, ...]:
    """Return the curves of an ablation, one figure a group of comparable trainings.

    Raises:
        HarnessError: No training of it has readings.
        RecordError: Records of one group were scored by different protocols.
    """
    rows = ablation.rows
    ordered = sorted(stored, key=lambda record: record.id)
    trained = [one for one in ordered if one.group and any(belongs(one, row) for row in rows)]
    groups = by_group(trained)
    keys = sorted(groups)
    names = notes.file_names((f"curves_{ablation.name}", groups[key][0], key[:6]) for key in keys)
    found = []
    for key, name in zip(keys, names, strict=True):
        if curves := _of_group(name, ablation, groups[key]):
            found.append(curves)
    if not found:
        raise HarnessError(
            f"no training of the ablation '{ablation.name}' has readings"
            + (
                f": its {len(trained)} records were made before readings were kept"
                if trained
                else ", because none was run"
            )
        )
    return tuple(found)


def _of_group(name: str, ablation: Ablation, group: Sequence[Record]) -> Curves | None:
    runs = {row.label: runs_of(row, group) for row in ablation.rows}
    rows = [
        RowCurves(label, tuple(record for record in records if record.readings.steps))
        for label, records in runs.items()
    ]
    without = [
        f"{label} (seed {', '.join(str(record.seed) for record in missing)})"
        for label, records in runs.items()
        if (missing := [record for record in records if not record.readings.steps])
    ]
    drawn = tuple(row for row in rows if row.records)
    if not drawn:
        log.warning("passed over: the %d records of %s have no readings", len(group), name)
        return None
    passed_over = []
    if without:
        passed_over.append(f"Passed over, recorded without readings: {'; '.join(without)}.")
    absent = [row for row in ablation.rows if not runs[row.label] and row.model != BICUBIC]
    if absent:
        passed_over.append(f"Not trained yet: {', '.join(row.label for row in absent)}.")
    sets = Counter(one.readings.set for row in drawn for one in row.records if one.readings.set)
    of_set = sets.most_common(1)[0][0] if sets else ""
    if others := [name for name in sets if name != of_set]:
        passed_over.append(f"Passed over, PSNR on {', '.join(others)}: only {of_set} is drawn.")
    if not of_set:
        passed_over.append("PSNR was not read while training (train.eval_every=0).")
    for text in passed_over:
        log.warning("%s: %s", name, text.removesuffix("."))
    return Curves(name, drawn, tuple(passed_over), of_set)


def losses(record: Record) -> Points:
    """Return the readings of the loss."""
    read = record.readings
    return Points(np.array(read.steps, float), np.array(read.seconds), np.array(read.losses))


def scores(record: Record, set_name: str) -> Points:
    """Return the readings of PSNR on a set, the score of the finished network last."""
    read = record.readings
    if read.set != set_name:
        return Points(np.empty(0), np.empty(0), np.empty(0))
    steps, seconds, values = list(read.scored_steps), list(read.scored_seconds), list(read.psnr_db)
    final = record.score(set_name)
    if final is not None and np.isfinite(final.psnr_db) and record.steps not in steps:
        steps.append(record.steps)
        seconds.append(max(read.seconds[-1], seconds[-1]))
        values.append(final.psnr_db)
    return Points(np.array(steps, float), np.array(seconds), np.array(values))


def line(trainings: Sequence[Points], *, over_time: bool) -> Line:
    """Return the mean over trainings with their range, at the steps that all of them reach.

    Between two readings a training is taken to go straight. Time is the mean over the trainings
    at the same step, so that a slow one does not shift the others.
    """
    first = max(points.steps[0] for points in trainings)
    last = min(points.steps[-1] for points in trainings)
    within = [
        points.steps[(points.steps >= first) & (points.steps <= last)] for points in trainings
    ]
    steps = np.unique(np.concatenate([*within, [last]]))
    values = [np.interp(steps, points.steps, points.values) for points in trainings]
    seconds = [np.interp(steps, points.steps, points.seconds) for points in trainings]
    x = np.mean(seconds, axis=0) if over_time else steps
    return Line(x, np.mean(values, axis=0), np.min(values, axis=0), np.max(values, axis=0))


def caption(curves: Curves) -> str:
    """Return the note: what the lines are, of which trainings, and what is not drawn."""
    records = [record for row in curves.rows for record in row.records]
    first = records[0]
    seeds = notes.seeds_of({row.label: row.records for row in curves.rows})
    several = any(len(row.records) > 1 for row in curves.rows)
    lines = f"Lines: means over seeds {seeds}; bands: from the smallest to "
    sentences = [
        f"x{first.scale}, trained on {notes.train_name(first)}, {first.steps:,} steps.",
        f"{lines}the largest." if several else f"Seed {seeds}.",
        f"Loss: the mean of the last {LOSS_WINDOW} steps.",
        f"Time: on {notes.distinct(records, notes.device)}, scoring for the curve left out.",
        *curves.passed_over,
        f"Records of commit {notes.distinct(records, notes.commit)}.",
    ]
    return " ".join(sentences)


def draw(curves: Curves, sheet: Sheet) -> Figure:
    """Return the figure: the loss above, PSNR below where it was read; steps left, time right."""
    width = sheet.width_in or _WIDTH_IN
    panel = 1.15 if sheet.narrow else 1.65
    kinds = ["loss", "psnr"] if curves.set else ["loss"]
    text = caption(curves)
    note = sheet.note_in(text, width)
    scratch = Figure(figsize=(width, 1), dpi=72)
    labels = [row.label for row in curves.rows]
    handles = row_handles(len(labels))
    above = write_legend(scratch, handles, labels)
    height = above + len(kinds) * panel + (len(kinds) - 1) * _GAP_IN + _BELOW_IN + note
    figure = Figure(figsize=(width, height), dpi=72)
    write_legend(figure, handles, labels)
    axes = figure.subplots(len(kinds), 2, sharex="col", sharey="row", squeeze=False)
    figure.subplots_adjust(
        left=_LEFT_IN / width,
        right=1 - _RIGHT_IN / width,
        top=1 - above / height,
        bottom=(note + _BELOW_IN) / height,
        wspace=2 * _GAP_IN / (width - _LEFT_IN - _RIGHT_IN - _GAP_IN),
        hspace=_GAP_IN / panel,
    )
    unit, seconds = _unit(curves)
    for kind, (over_steps, over_time) in zip(kinds, axes, strict=True):
        for index, row in enumerate(curves.rows):
            points = [
                losses(record) if kind == "loss" else scores(record, curves.set)
                for record in row.records
            ]
            points = [one for one in points if one.steps.size]
            if points:
                _plot(over_steps, line(points, over_time=False), index, 1)
                _plot(over_time, line(points, over_time=True), index, seconds)
        _value_axis(over_steps, kind, curves.set)
    _step_axis(axes[-1][0], narrow=sheet.narrow)
    axes[-1][1].set_xlabel(f"time ({unit})")
    axes[-1][1].xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 6))
    for one in axes.flat:
        one.grid(color="0.9", linewidth=0.6)
        one.set_axisbelow(True)
    sheet.write_note(figure, text)
    return figure


def write(curves: Sequence[Curves], folder: Path, sheet: Sheet) -> tuple[Path, ...]:
    """Draw every figure as SVG, PDF and PNG; returns the files.

    Raises:
        HarnessError: A file cannot be written.
    """
    return style.write_each(curves, partial(draw, sheet=sheet), folder)


def _plot(axes: Axes, drawn: Line, index: int, unit: float) -> None:
    x = drawn.x / unit
    style_of = look(index)
    single: dict[str, Any] = {"marker": "o", "markersize": 3} if len(x) == 1 else {}
    axes.plot(x, drawn.mean, linewidth=1.1, **style_of, **single)
    if np.any(drawn.high > drawn.low):
        axes.fill_between(x, drawn.low, drawn.high, color=style_of["color"], alpha=0.2, linewidth=0)


def _unit(curves: Curves) -> tuple[str, float]:
    """Return the unit of time in which the longest training is a number to read."""
    longest = max(record.readings.seconds[-1] for row in curves.rows for record in row.records)
    return next(
        ((name, size) for name, size in (("h", 3600.0), ("min", 60.0)) if longest >= 2 * size),
        ("s", 1.0),
    )


def _value_axis(axes: Axes, kind: str, set_name: str) -> None:
    if kind == "psnr":
        axes.set_ylabel(f"PSNR, {set_name} (dB)")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        return
    axes.set_ylabel("loss (grey levels)")
    low, high = axes.get_ylim()
    if low > 0 and np.log10(high / low) > _LEAST_DECADES:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())


def _step_axis(axes: Axes, *, narrow: bool) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(3 if narrow else 6, integer=True))
    thousands = axes.get_xlim()[1] >= 20_000
    axes.set_xlabel("steps (thousands)" if thousands else "steps")
    unit = 1000 if thousands else 1
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / unit:,.0f}"))

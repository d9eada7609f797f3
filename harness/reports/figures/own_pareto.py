"""Figure 1 with the networks of an ablation beside the published ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from statistics import fmean

from matplotlib.figure import Figure

from harness.config import paper
from harness.config.ablation import Ablation, Row
from harness.config.protocols import DEFAULT
from harness.errors import HarnessError, UsageError, suggest
from harness.records import published_systems
from harness.records.belonging import belongs
from harness.records.record import Record
from harness.records.selection import longest_training
from harness.reports import notes
from harness.reports.figures import pareto, scatter, style
from harness.reports.figures.scatter import Point
from harness.reports.figures.sheet import Sheet

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnPareto:
    """What one figure shows.

    Attributes:
        name: File name without its ending.
        scale: Upscaling factor.
        set: The set that is scored.
        points: The networks, the published ones first.
        unknown: Published networks whose Multi-Adds are not known.
        remarks: What is to be known of one's own, in sentences.
    """

    name: str
    scale: int
    set: str
    points: tuple[Point, ...]
    unknown: tuple[str, ...]
    remarks: tuple[str, ...]


def of_ablation(
    ablation: Ablation, stored: Iterable[Record], *, set_name: str | None = None
) -> tuple[OwnPareto, ...]:
    """Return the figures of an ablation, one a scale at which a row of it was scored.

    Of a row that was trained several times the longest training is taken.

    Args:
        ablation: Whose rows stand beside the published networks.
        stored: Any records; those of another protocol than the default are left out.
        set_name: The set; without one, the first of the paper's that a row was scored on, else
            the first that any was scored on.

    Raises:
        UsageError: No row was scored on that set.
        HarnessError: No row was scored at all.
        RecordError: The stored counts or the published values cannot be read.
    """
    usable = [one for one in stored if one.protocol == DEFAULT.name]
    runs = {
        (row.label, scale): found
        for row in ablation.rows
        for scale in sorted({one.scale for one in usable})
        if (found := longest(row, scale, usable))
    }
    if not runs:
        raise HarnessError(f"no row of the ablation '{ablation.name}' was scored yet")
    scored = {score.set for records in runs.values() for one in records for score in one.scores}
    if set_name is not None and set_name not in scored:
        raise UsageError(f"no row was scored on '{set_name}'{suggest(set_name, sorted(scored))}")
    first = next((name for name in paper.SETS if name in scored), min(scored))
    scales = sorted({scale for _, scale in runs})
    return tuple(_of_scale(ablation, runs, scale, set_name or first) for scale in scales)


def _of_scale(
    ablation: Ablation,
    runs: dict[tuple[str, int], tuple[Record, ...]],
    scale: int,
    set_name: str,
) -> OwnPareto:
    chosen = published_systems.systems(ablation.published, scale)
    cells = [cell for system in chosen for cell in system.cells] if ablation.published else None
    published, unknown = pareto.points(scale, set_name, cells)
    taken = {point.label for point in published}
    own, used, passed_over = [], [], []
    for row in ablation.rows:
        records = runs.get((row.label, scale), ())
        scores = [score.psnr_db for one in records if (score := one.score(set_name))]
        if why := _not_drawn(records, scores, set_name):
            passed_over.append(f"{row.label} ({why})")
            continue
        label = f"{row.label} (own)" if row.label in taken else row.label
        used.append((label, records))
        own.append(_point(label, records, scores))
    absent = [name for name in ablation.published if name not in {*taken, *unknown}]
    remarks = [
        f"Own: PSNR by protocol {DEFAULT.name}, the mean over the seeds with its range; Multi-Adds "
        "as PyTorch computes them.",
        *_trainings(used, beside=bool(published)),
        f"Not published on {set_name} at x{scale}: {', '.join(absent)}." if absent else "",
        f"Passed over: {', '.join(passed_over)}." if passed_over else "",
        "" if published else f"Nothing is published of {set_name} at x{scale}.",
    ]
    name = f"pareto_{ablation.name}_x{scale}"
    for text in filter(None, remarks[-3:]):
        log.warning("%s: %s", name, text.removesuffix("."))
    if not own:
        raise HarnessError(f"{name}: no row to draw: {', '.join(passed_over)}")
    shown = (*published, *own)
    return OwnPareto(name, scale, set_name, shown, unknown, tuple(filter(None, remarks)))


def draw(figure: OwnPareto, sheet: Sheet) -> Figure:
    """Return the figure; diamonds are one's own, hollow where the training was short.

    Raises:
        HarnessError: There are more labels than have room.
    """
    text = pareto.caption(figure.points, figure.unknown, figure.remarks)
    value = f"PSNR on {figure.set} x{figure.scale} (dB)"
    return scatter.compare(figure.points, text, sheet, value=value)


def write(figures: Sequence[OwnPareto], folder: Path, sheet: Sheet) -> tuple[Path, ...]:
    """Draw every figure as SVG, PDF and PNG; returns the files.

    Raises:
        HarnessError: A file cannot be written.
    """
    return style.write_each(figures, partial(draw, sheet=sheet), folder)


def longest(row: Row, scale: int, records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the records of a row, one a seed: of its own weights, else of its longest training."""
    of_row = [one for one in records if one.scale == scale and belongs(one, row)]
    files = {PurePath(name.replace("{scale}", str(scale))).name for name in row.checkpoint}
    loaded = [one for one in of_row if one.data.weights and one.data.weights.file in files]
    if loaded:
        return (max(loaded, key=lambda one: (one.provenance.finished, one.id)),)
    return longest_training(of_row)


def _not_drawn(records: Sequence[Record], scores: Sequence[float], set_name: str) -> str:
    """Return why a row has no point; empty where it has one."""
    if not records:
        return "not run yet"
    if len(scores) < len(records):
        return f"not scored on {set_name}" if not scores else f"some seeds lack {set_name}"
    if records[0].multi_adds is None:
        return "its Multi-Adds are in doubt"
    return "" if records[0].multi_adds else "it has no Multi-Adds"


def _point(label: str, records: Sequence[Record], scores: Sequence[float]) -> Point:
    multi_adds = records[0].multi_adds or 0
    several = len(scores) > 1
    return Point(
        label=label,
        psnr_db=fmean(scores),
        by_rule=multi_adds,
        executed=multi_adds,
        own=True,
        short=not records[0].full_budget,
        range_db=(min(scores), max(scores)) if several else None,
    )


def _trainings(used: Iterable[tuple[str, Sequence[Record]]], *, beside: bool) -> list[str]:
    """Return how one's own were trained, those trained alike in one sentence."""
    alike: dict[str, list[str]] = {}
    for label, records in used:
        first = records[0]
        if first.data.weights:
            how = f"weights {first.data.weights.file}"
        else:
            how = f"{first.steps:,} steps on {notes.train_name(first)}"
            if not first.full_budget:
                how += f", a short budget (of {paper.STEPS:,} on {paper.TRAIN_SET})"
                how += ": not comparable with the published" if beside else ""
        alike.setdefault(how, []).append(label)
    return [f"{', '.join(labels)}: {how}." for how, labels in alike.items()]

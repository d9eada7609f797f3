"""The table beside the figure of differences over budgets: a line for each pair and budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, SupportsFloat

from harness.config import paper
from harness.records.record import Record
from harness.reports import notes, unlike
from harness.reports.tables import intervals
from harness.reports.tables.fields import Field, columns_of, field, hidden, rows_of
from harness.reports.tables.table import Column, Table, TableCell
from harness.statistics.budgets import AtBudget, Budgets

if TYPE_CHECKING:
    from harness.statistics.random_effects import Estimate

WHOLE = "each number of steps is a training of its own, with its whole schedule"


def file_names(shown: Sequence[Budgets]) -> list[str]:
    """Return the names of the files of figure and table, without ending."""
    plain = []
    for one in shown:
        first = one.records[0]
        name = f"budget_{'_'.join(one.names)}_x{first.scale}_{notes.train_name(first)}"
        plain.append(re.sub(r"[^A-Za-z0-9+._-]+", "-", name))
    return [
        name if plain.count(name) == 1 else f"{name}_{one.key[:6]}"
        for name, one in zip(plain, shown, strict=True)
    ]


def build(name: str, shown: Budgets) -> Table:
    """Return the table.

    Args:
        name: File name without its ending.
        shown: The pairs.
    """
    fields = _fields(shown.points)
    scale = shown.records[0].scale
    return Table(
        name=name,
        title=f"Differences after short and long trainings, x{scale}",
        columns=columns_of(fields),
        rows=rows_of(fields, shown.points, block=lambda point: point.pair),
        notes=tuple(_notes(shown)),
        marks="none",
        lead=2,
    )


def sources(shown: Budgets) -> list[str]:
    """Return what the numbers are of, in sentences: sets, trainings, devices, commit."""
    sets = shown.points[0].sets
    left_out = f" (left out, not scored alike: {', '.join(shown.left_out)})"
    devices = [
        f"{steps:,} steps: {text}"
        for steps in sorted({point.steps for point in shown.points})
        if (text := unlike.devices_note(_rows(shown, steps)))
    ]
    return [
        f"Mean PSNR over {', '.join(sets)}{left_out if shown.left_out else ''}, protocol "
        f"{notes.distinct(shown.records, lambda record: record.protocol)}.",
        f"Ours: {notes.training_text(shown.records)}; {WHOLE}.",
        *devices,
        f"Commit: {notes.distinct(shown.records, notes.commit)}.",
    ]


def of_one_seed(shown: Budgets) -> str:
    """Return the steps at which an interval is over images alone; empty where there are none."""
    return ", ".join(f"{n:,}" for n in sorted({p.steps for p in shown.points if p.found.partial}))


def _rows(shown: Budgets, steps: int) -> dict[str, tuple[Record, ...]]:
    chosen = [point for point in shown.points if point.steps == steps]
    return {label: own for point in chosen for label, own in point.records.items()}


def _notes(shown: Budgets) -> list[str]:
    looked = any(point.found.looked for point in shown.points)
    partial = of_one_seed(shown)
    short = any(not record.full_budget for record in shown.records)
    return [
        f"Intervals: 95 % confidence{', over all looks where seeds=auto' if looked else ''}; "
        "two-way model with seeds and images as random effects, sets as fixed; differences are "
        "paired by seed and image. n.s.: the interval contains zero. Not corrected for the number "
        "of pairs or budgets.",
        *(
            [
                f"\u2020 One training a row ({partial} steps): the interval covers other images, "
                "but not other seeds."
            ]
            if partial
            else []
        ),
        *([f"Short budgets: the authors' code trains for {paper.STEPS:,} steps."] if short else []),
        *sources(shown),
    ]


def _fields(points: Sequence[AtBudget]) -> list[Field[AtBudget]]:
    def number(of: Callable[[Estimate], SupportsFloat]) -> Callable[[AtBudget], TableCell]:
        return lambda one: float(of(one.found.estimate)) if one.found.estimate else None

    def origin(key: str, of: Callable[[Record], object]) -> Field[AtBudget]:
        return hidden(key, lambda one: notes.distinct(one.trainings, of))

    low = Column("mean_psnr_diff_low_db", "Interval\n(dB)", "diff", signed=True, form="[{}")
    high = replace(
        low, key="mean_psnr_diff_high_db", title="", joined=True, between=", ", form="{}]"
    )
    difference = intervals.difference([point.found for point in points], prefix="")
    return [
        field("row", "Row", lambda one: one.row),
        field("base", "Base", lambda one: one.base),
        field("steps", "Steps", lambda one: one.steps, "count"),
        field("seeds", "Seeds", lambda one: one.seeds),
        Field(difference, number(lambda estimate: estimate.diff)),
        Field(low, number(lambda estimate: estimate.low)),
        Field(high, number(lambda estimate: estimate.high)),
        Field(Column("mean_psnr_diff_mark", joined=True, between=" "), lambda one: one.found.mark),
        hidden("level", number(lambda estimate: estimate.level)),
        hidden("over", lambda one: one.found.estimate.over if one.found.estimate else None),
        hidden("df", number(lambda estimate: estimate.df)),
        hidden("p", lambda one: one.found.p),
        hidden("sets", lambda one: ", ".join(one.sets)),
        origin("record_ids", lambda record: record.id),
        origin("device", notes.device),
        origin("commit", lambda record: notes.commit(record, digits=40)),
    ]

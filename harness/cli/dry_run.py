"""The table of ``harness run --dry-run``: what would be run, what it costs, what is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.reports.tables.table import Column, Table, simple

if TYPE_CHECKING:
    from harness.experiment.plan import Plan
    from harness.experiment.session import CellStatus

_COLUMNS = (
    Column("row", "row"),
    Column("model", "model", drop=4),
    Column("scale", "scale", "count", drop=1),
    Column("seed", "seed", "count", drop=0),
    Column("steps", "steps", "count", drop=2),
    Column("params", "params", "count", drop=5),
    Column("training_multi_adds", "training\nMulti-Adds (G)", "giga", drop=3),
    Column("state", "state", drop=0),
)


def table(plan: Plan, statuses: Sequence[CellStatus]) -> Table:
    """Return what a run would do: each training, its cost, what is done already."""
    steps = plan.config.train.steps
    rows = []
    for status in statuses:
        cell = status.cell
        trains = cell.trained and not status.shared
        cost = plan.training_multi_adds(cell) if trains else 0
        rows.append(
            (
                cell.row.label,
                cell.row.model,
                cell.scale,
                cell.seed if cell.trained else None,
                steps if trains else None,
                "n/a" if cell.cost.params is None else cell.cost.params,
                ("n/a" if cost is None else cost) if trains else None,
                status.words,
            )
        )
    return simple(f"{plan.ablation.name}_plan", "", _COLUMNS, rows, _notes(plan, statuses))


def _notes(plan: Plan, statuses: Sequence[CellStatus]) -> Iterator[str]:
    """Yield how is trained and scored, and what there is to know before it begins."""
    from harness.data.catalogue import lr_text

    settings, train = plan.config, plan.config.train
    scale = settings.scale[0]
    source = f" ({lr_text(plan.train[scale])})" if scale in plan.train else ""
    yield f"profile {settings.profile} ({plan.why})"
    yield (
        f"train on {settings.data.train}{source}: batch {train.batch}, LR patch {train.patch}, "
        f"{train.schedule} schedule, lr {train.lr:g}, {settings.precision}, {settings.device}, "
        f"{settings.threads} threads{', channels last' if train.channels_last else ''}"
        f"{', compiled' if train.compile else ''}"
    )
    yield from _remarks(plan, statuses)
    tests = ", ".join(f"{test.name} ({test.lr_text})" for test in plan.tests[scale])
    yield f"score on {tests}"
    costs = [plan.training_multi_adds(one.cell) for one in _to_train(statuses)]
    left = sum(cost or 0 for cost in costs)
    yield (
        f"training Multi-Adds still to do: at most {left / 1e9:,.0f} G (forward, and twice that "
        f"backward{', without those that are n/a' if None in costs else ''}); "
        "--dry-run --estimate measures how long that takes here"
    )


def _to_train(statuses: Sequence[CellStatus]) -> list[CellStatus]:
    return [one for one in statuses if one.to_train and one.cell.trained and not one.shared]


def _remarks(plan: Plan, statuses: Sequence[CellStatus]) -> Iterator[str]:
    from harness.records.counts import in_doubt
    from harness.reports.notes import SAMPLE, SAMPLE_SET

    settings = plan.config
    if any(status.shared for status in statuses):
        yield "rows without steps take the weights of an earlier row of their seed"
    if settings.data.train == SAMPLE_SET in [test.name for test in plan.tests[settings.scale[0]]]:
        yield SAMPLE.removesuffix(".")
    yield from dict.fromkeys(
        f"Multi-Adds of {cell.row.label}: {in_doubt(cell.cost.doubts)}"
        for cell in plan.cells
        if cell.cost.doubts
    )
    yield from dict.fromkeys(
        f"{cell.row.label}, {remark}" for cell in plan.cells for remark in cell.cost.remarks
    )
    if plan.looks:
        after = ", ".join(map(str, plan.looks))
        yield (
            f"seeds=auto: rows are looked at after {after} seeds; the plan is of the most, and a "
            f"row stops where it is above zero, below zero or within +-{settings.until:g} dB"
        )

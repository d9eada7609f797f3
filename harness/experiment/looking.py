"""Train as many seeds as each row needs: look at it, and stop where it is decided.

Everything that a look sees is in the records of the first seeds, so that a run that was interrupted
comes to the same looks again, without training anything twice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from harness.experiment.plan import Cell, Plan
from harness.records.record import Record
from harness.records.selection import ComparedRow, Comparison, comparisons
from harness.statistics import looks
from harness.statistics.differences import Runs

log = logging.getLogger(__name__)

Seeds = dict[tuple[str, int], int]
"""How many seeds each row has, by its label and scale."""


def looked_at(plan: Plan, cell: Cell, record: Record) -> Record:
    """Return a record that says by what rule its row is looked at; itself where it says so."""
    config = record.config
    rule = (plan.config.until, plan.config.max)
    if not (plan.looks and cell.trained) or (config.until, config.max) == rule:
        return record
    return replace(record, config=replace(config, until=rule[0], max=rule[1]))


def first(plan: Plan) -> Seeds:
    """Return the seeds of the first look, of every row."""
    return {(cell.row.label, cell.scale): plan.looks[0] for cell in plan.cells if cell.trained}


def further(plan: Plan, records: Sequence[Record], failed: Sequence[str], now: Seeds) -> Seeds:
    """Return how many seeds each row is to have next: as many as now where all are decided.

    A row that is not decided goes to its next look, and takes its base with it, which may itself be
    decided long since. A row of which a training failed, or whose base's did, is not looked at.

    Args:
        plan: The run, with all the seeds that there may be.
        records: Those of the seeds that there are.
        failed: Labels of rows of which a training failed.
        now: How many seeds each row has.
    """
    then = dict(now)
    for comparison in comparisons(plan.ablation, records):
        for entry in comparison.entries:
            base = comparison.base_of(entry)
            if entry is base or {entry.label, base.label} & set(failed):
                continue
            if after := _next(plan, comparison, entry, base):
                for label in (entry.label, base.label):
                    key = (label, comparison.scale)
                    then[key] = max(after, then.get(key, 0))
    return then


def _next(plan: Plan, comparison: Comparison, entry: ComparedRow, base: ComparedRow) -> int | None:
    """Return after how many seeds to look at a row next; None where it is decided, or done."""
    row, origin = (Runs.of_records(one.label, one.records) for one in (entry, base))
    looked = looks.look(row, origin, comparison.sets, plan.config.until)
    if looked is None:
        log.warning("%s cannot be looked at: there are no finite scores", entry.label)
        return None
    low, high = float(looked.estimate.low), float(looked.estimate.high)
    log.info(
        "%s to %s after %d seeds: [%+.4f, %+.4f] dB at %.2f %%, %s",
        *(entry.label, base.label, looked.seeds[-1], low, high),
        *(100 * looked.estimate.level, looked.words),
    )
    left = [seeds for seeds in plan.looks if seeds > looked.seeds[-1]]
    return None if looked.decided or not left else left[0]

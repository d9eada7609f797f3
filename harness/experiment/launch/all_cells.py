"""All cells of a plan by a launcher: what is done is left out, what fails is stored and counted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import RecordError
from harness.experiment import failed_cells
from harness.experiment.diagnosis import Diagnosis
from harness.experiment.launch.jobs import Job, Launcher, Outcome, split, tried
from harness.experiment.session import PlannedCell
from harness.host.signals import Interrupted
from harness.records import record
from harness.records.failure import Failure

if TYPE_CHECKING:
    from harness.experiment.cell_runner import CellRunner

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Launching:
    """How cells are launched.

    Attributes:
        launcher: Where.
        retries: How often a job that failed or was lost is tried again.
    """

    launcher: Launcher
    retries: int = 0


def launch(
    runner: CellRunner,
    cells: Sequence[PlannedCell | Failure],
    launching: Launching,
    *,
    fail_fast: bool = False,
) -> None:
    """Bring all cells to their records or failures, which the runner keeps.

    Raises:
        Interrupted: A job was stopped; its checkpoint is kept.
    """
    left = []
    for cell in cells:
        if isinstance(cell, PlannedCell):
            if runner.session.stored(cell).complete:
                runner.run(cell)
            else:
                left.append(cell)
    if not left:
        return
    jobs = split(runner.plan, left, parent_run=runner.parent_run)
    by_id = {planned.record_id: planned for planned in left}
    log.info("jobs to do: %d", len(jobs))
    stopped = False
    ended = tried(launching.launcher, jobs, retries=launching.retries)
    for number, (job, outcome) in enumerate(ended, 1):
        stopped |= outcome.stopped
        _keep(runner, [by_id[one] for one in job.ids], outcome)
        log.info("job %d of %d: %s: %s", number, len(jobs), job.name, _words(job, outcome))
        if fail_fast and not outcome.good:
            ended.close()  # type: ignore[attr-defined]
            break
    if stopped:
        raise Interrupted("stopped; the same command goes on from there")


def _words(job: Job, outcome: Outcome) -> str:
    if outcome.stopped:
        return "stopped"
    if outcome.lost:
        return f"failed: {outcome.lost}"
    if outcome.failures:
        return f"failed: {outcome.failures[0].explanation}"
    return "done"


def _keep(runner: CellRunner, cells: Sequence[PlannedCell], outcome: Outcome) -> None:
    """Keep the records that are there, and why the others are not."""
    failed = {failure.id: failure for failure in outcome.failures}
    for planned in cells:
        try:
            stored = record.read(runner.plan.results, planned.record_id)
        except RecordError as error:
            _fail(runner, planned, str(error))
            continue
        if planned.record_id in outcome.done and stored is not None:
            runner.done.append(stored)
        elif planned.record_id in failed:
            runner.failed.append(failed.pop(planned.record_id))
        elif outcome.lost:
            _fail(runner, planned, outcome.lost)
    runner.failed.extend(failed.values())


def _fail(runner: CellRunner, planned: PlannedCell, why: str) -> None:
    failure = failed_cells.store(
        runner.plan.results,
        planned.cell,
        cell_id=planned.record_id,
        group=planned.group,
        found=Diagnosis(why),
    )
    runner.failed.append(failure)

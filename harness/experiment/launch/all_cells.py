"""All cells of a plan by a launcher: what is done is left out, what fails is stored and counted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import RecordError
from harness.experiment import failed_cells
from harness.experiment.diagnosis import Diagnosis
from harness.experiment.launch.jobs import Job, Launcher, Outcome, split, tried
from harness.experiment.plan import Plan
from harness.experiment.session import PlannedCell
from harness.host.signals import Interrupted
from harness.records import failure
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
            if _is_complete(runner, cell):
                runner.run(cell)
            else:
                left.append(cell)
    if not left or (fail_fast and runner.failed):
        return
    jobs = split(_tracked_alike(runner), left, parent_run=runner.parent_run)
    by_id = {planned.record_id: planned for planned in left}
    log.info("jobs to do: %d", len(jobs))
    stopped = False
    before = failure.load_all(runner.plan.results)
    ended = tried(launching.launcher, jobs, retries=launching.retries)
    for number, (job, outcome) in enumerate(ended, 1):
        stopped |= outcome.stopped
        _keep(runner, [by_id[one] for one in job.ids], outcome, before)
        log.info("job %d of %d: %s: %s", number, len(jobs), job.name, _words(job, outcome))
        if fail_fast and not outcome.good:
            ended.close()  # type: ignore[attr-defined]
            break
    if stopped:
        raise Interrupted("stopped; the same command goes on from there")


def _is_complete(runner: CellRunner, cell: PlannedCell) -> bool:
    """Tell whether nothing is left to do; of a record that cannot be read its job will tell."""
    try:
        return runner.session.stored(cell).complete
    except RecordError:
        return False


def _tracked_alike(runner: CellRunner) -> Plan:
    """Return the plan, without MLflow where that was given up: each job would wait for it anew."""
    plan = runner.plan
    if runner.tracker.uri is not None or not plan.config.tracking.mlflow:
        return plan
    tracking = replace(plan.config.tracking, mlflow=False)
    return replace(plan, config=replace(plan.config, tracking=tracking))


def _words(job: Job, outcome: Outcome) -> str:
    if outcome.stopped:
        return "stopped"
    if outcome.lost:
        return f"failed: {outcome.lost}"
    if outcome.failures:
        return f"failed: {outcome.failures[0].explanation}"
    return "done"


def _keep(
    runner: CellRunner,
    cells: Sequence[PlannedCell],
    outcome: Outcome,
    before: Sequence[Failure],
) -> None:
    """Keep the records that are there, and why the others are not.

    Of cells that were done one after the other the first may be, where the job was lost later;
    or the first has failed, and its reason is stored.

    Args:
        runner: What keeps them.
        cells: Of the job.
        outcome: Of the job.
        before: The failures that were stored before any job began: none of them is of this one.
    """
    failed = {one.id: one for one in outcome.failures}
    if outcome.lost:
        ids = {planned.record_id for planned in cells}
        told = failure.load_all(runner.plan.results)
        failed |= {one.id: one for one in told if one.id in ids and one not in before}
    for planned in cells:
        name = planned.record_id
        if name in failed:
            runner.failed.append(failed.pop(name))
            continue
        try:
            stored = runner.session.stored(planned)
        except RecordError as error:
            _fail(runner, planned, str(error))
            continue
        if stored.record is not None and (stored.complete or name in outcome.done):
            runner.done.append(stored.record)
        elif name in outcome.done:
            _fail(
                runner,
                planned,
                f"it was done elsewhere, and its record is not below '{runner.plan.results}': "
                "expected a results root that all machines see",
            )
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

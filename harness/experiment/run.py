"""Run a plan: every cell is done or failed, and none that fails stops another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data.prepare import prepare
from harness.errors import HarnessError
from harness.experiment import failed_cells, looking, remaining
from harness.experiment.plan import Cell, Plan
from harness.experiment.session import PlannedCell, Session
from harness.host.paths import cache_folder
from harness.records import plans
from harness.records.failure import Failure
from harness.records.plans import PlannedRecord
from harness.records.record import Record

if TYPE_CHECKING:  # with PyTorch
    from harness.experiment.cell_runner import CellRunner
    from harness.experiment.launch.all_cells import Launching

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What became of the cells of a plan.

    Attributes:
        records: Of the cells that are done, in their order.
        failures: Of those that failed, in their order.
        left: How many were not begun, because one had failed.
    """

    records: tuple[Record, ...]
    failures: tuple[Failure, ...]
    left: int

    def summary(self) -> str:
        """Return the failures, one a line."""
        count = len(self.records) + len(self.failures) + self.left
        left = f", {self.left} not begun" if self.left else ""
        lines = [f"  - {failed.text}" for failed in self.failures]
        return "\n".join([f"{len(self.failures)} of {count} runs failed{left}:", *lines])


def execute(
    plan: Plan,
    *,
    report: Callable[[], Sequence[Path]],
    fail_fast: bool = False,
    launching: Launching | None = None,
) -> RunOutcome:
    """Run every cell of a plan; one that fails stops no other.

    Where rows are looked at (``seeds=auto``), only as many seeds as each row needs.

    Args:
        plan: What to run.
        report: Writes the tables of what is recorded and returns their files. Called once, at
            the end, or at each look; also where a cell fails or is stopped, if any was finished
            before it.
        fail_fast: Whether to begin no cell after one that failed.
        launching: Where cells run; None for this process, one after the other.

    Raises:
        Interrupted: The user stopped it; the cells that were finished are stored.
        HarnessError: The training images, or the tables where no cell failed, cannot be made.
    """
    if not plan.looks:
        return _execute(plan, report, fail_fast, launching)
    seeds = looking.first(plan)
    while True:
        outcome = _execute(plan.with_seeds(seeds), report, fail_fast, launching)
        failed = [failure.label for failure in outcome.failures]
        then = looking.further(plan, outcome.records, failed, seeds)
        if then == seeds or (fail_fast and failed):
            return outcome
        seeds = then


def _execute(
    plan: Plan,
    report: Callable[[], Sequence[Path]],
    fail_fast: bool,
    launching: Launching | None,
) -> RunOutcome:
    """Run the cells of a plan, without looking at them."""
    folder = cache_folder(plan.config.data.cache)
    images = {scale: prepare(sets, scale, folder) for scale, sets in plan.train.items()}
    session = Session(plan, images)
    if records := _done_before(session):
        report()
        return RunOutcome(records, (), 0)
    from harness.experiment.cell_runner import CellRunner  # with PyTorch: there is work to do
    from harness.experiment.fit import make_deterministic
    from harness.experiment.launch.all_cells import launch

    make_deterministic(plan.config)
    runner = CellRunner(session, images, folder)
    cells = [runner.identify(cell) for cell in plan.cells]
    _write_plan(plan, [planned for planned in cells if isinstance(planned, PlannedCell)])
    runner.remaining = remaining.of_cells(session, cells)
    done, failures = runner.done, runner.failed
    with runner.ablation_run([_id(planned) for planned in cells]) as artifacts:
        try:
            if launching is not None:
                launch(runner, cells, launching, fail_fast=fail_fast)
            else:
                _one_by_one(runner, cells, fail_fast=fail_fast)
        except BaseException:
            if done or failures:
                artifacts += _reported_all_the_same(report)
            raise
        artifacts += _reported_all_the_same(report) if failures else report()
    return RunOutcome(tuple(done), tuple(failures), len(cells) - len(done) - len(failures))


def _write_plan(plan: Plan, cells: Sequence[PlannedCell]) -> None:
    """Store what is to be done, for `harness status`; where that cannot be, the run goes on."""
    planned = [
        PlannedRecord(
            id=of.record_id,
            training_id=of.training_id,
            label=of.cell.row.label,
            model=of.cell.row.model,
            scale=of.cell.scale,
            seed=of.cell.seed,
            sets=tuple(test.name for test in plan.tests[of.cell.scale]),
            steps=plan.config.train.steps if of.cell.trained else 0,
        )
        for of in cells
    ]
    try:
        plans.write(plan.results, plan.ablation.name, planned)
    except HarnessError as error:
        log.warning("%s", error)


def _one_by_one(
    runner: CellRunner, cells: Sequence[PlannedCell | Failure], *, fail_fast: bool
) -> None:
    """Run the cells in this process, in their order."""
    plan = runner.plan
    for number, (cell, planned) in enumerate(zip(plan.cells, cells, strict=True), 1):
        _announce(plan, number, cell)
        outcome = planned if isinstance(planned, Failure) else runner.run(planned)
        if isinstance(outcome, Record):
            continue
        log.warning("failed: %s", outcome.explanation)
        if fail_fast:
            break


def _reported_all_the_same(report: Callable[[], Sequence[Path]]) -> Sequence[Path]:
    """Write the tables where something failed, which must not be lost over them."""
    try:
        return report()
    except HarnessError as error:
        log.warning("the tables could not be written: %s", error)
        return ()


def _id(planned: PlannedCell | Failure) -> str:
    return planned.id if isinstance(planned, Failure) else planned.record_id


def _done_before(session: Session) -> tuple[Record, ...]:
    """Return the records of all cells, none where anything is left to do; PyTorch stays out.

    Cells that load weights are left to the runner: what they are, their files have to tell.
    """
    found: list[tuple[PlannedCell, Record]] = []
    for cell in session.plan.cells:
        if cell.checkpoint:
            return ()
        try:
            planned = session.identify(cell)
            stored = session.stored(planned)
        except HarnessError:  # the runner will tell
            return ()
        if stored.record is None or not stored.complete:
            return ()
        if planned.code not in stored.record.marks.code and planned.cell.trained:
            return ()  # found by what it computes: the runner keeps its code, too
        if looking.looked_at(session.plan, cell, stored.record) is not stored.record:
            return ()  # the runner keeps in it that its row is looked at
        found.append((planned, stored.record))
    _write_plan(session.plan, [planned for planned, _ in found])
    for number, (planned, done) in enumerate(found, 1):
        _announce(session.plan, number, planned.cell)
        log.info("done before: %s", done.id)
        failed_cells.forget(
            session.plan.results, planned.cell, cell_id=planned.record_id, group=planned.group
        )
    return tuple(done for _, done in found)


def _announce(plan: Plan, number: int, cell: Cell) -> None:
    seed = f", seed {cell.seed}" if cell.trained else ""
    what = f"{cell.row.label} ({cell.row.model}) x{cell.scale}{seed}"
    log.info("run %d of %d: %s", number, len(plan.cells), what)

"""Jobs: cells that one process runs one after the other, and what became of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.errors import HarnessError, UsageError
from harness.experiment.plan import Plan
from harness.experiment.session import PlannedCell
from harness.host.extras import install_command
from harness.host.signals import Interrupted
from harness.records.failure import Failure

log = logging.getLogger(__name__)

GRACE_S = 30.0
"""Seconds that a worker has to store a checkpoint when it is to end."""


@dataclass(frozen=True, slots=True)
class Job:
    """Cells that share a training, or one that shares none; can be sent to another machine.

    Attributes:
        plan: What to run, with these cells only.
        ids: Of their records, as the sender has them; another machine may have other code.
        folder: Folder of the command: relative paths begin there.
        parent_run: MLflow run of the ablation; None where none is kept.
    """

    plan: Plan
    ids: tuple[str, ...]
    folder: str
    parent_run: str | None = None

    @property
    def name(self) -> str:
        """What it trains or scores, in words."""
        cell = self.plan.cells[0]
        more = f" and {len(self.ids) - 1} cut from it" if len(self.ids) > 1 else ""
        seed = f", seed {cell.seed}" if cell.trained else ""
        return f"{cell.row.label} x{cell.scale}{seed}{more}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes:
        done: Ids of the records that are there now.
        failures: Of the cells that failed.
        lost: Why nobody can tell: the process has gone, or was ended; empty otherwise.
        stopped: Whether somebody stopped it; a checkpoint is kept.
    """

    done: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    lost: str = ""
    stopped: bool = False

    @property
    def good(self) -> bool:
        """Whether every cell is done."""
        return not (self.failures or self.lost or self.stopped)


Work = Callable[[Job], Outcome]
"""What runs a job."""


class Launcher(Protocol):
    """Runs jobs somewhere."""

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield every job with what became of it, as soon as that is known.

        Raises:
            HarnessError: Nothing can be run there at all.
        """


def split(
    plan: Plan, cells: Iterable[PlannedCell], *, parent_run: str | None = None
) -> tuple[Job, ...]:
    """Return the jobs that run the cells; those of one training make one, in their order."""
    together: dict[str, list[PlannedCell]] = {}
    for planned in cells:
        together.setdefault(planned.training_id, []).append(planned)
    return tuple(
        Job(
            plan=replace(plan, cells=tuple(planned.cell for planned in group)),
            ids=tuple(planned.record_id for planned in group),
            folder=str(Path.cwd()),
            parent_run=parent_run,
        )
        for group in together.values()
    )


def do(job: Job) -> Outcome:
    """Run the cells of a job in this process, one after the other.

    Whatever comes up outside of a cell, such as images that are not on this machine, loses the
    job and is its outcome, so that the process is there for the next one.
    """
    try:
        os.chdir(job.folder)
        return _do(job)
    except (KeyboardInterrupt, Interrupted):
        return Outcome(stopped=True)
    except HarnessError as error:
        return Outcome(lost=str(error))
    except Exception as error:
        return Outcome(lost=" ".join(f"{type(error).__name__}: {error}".split()))


def _do(job: Job) -> Outcome:
    from harness.data.prepare import prepare
    from harness.experiment.cell_runner import CellRunner
    from harness.experiment.fit import make_deterministic
    from harness.experiment.session import Session
    from harness.host.paths import cache_folder

    plan, folder = job.plan, cache_folder(job.plan.config.data.cache)
    images = {cell.scale: plan.train.get(cell.scale, ()) for cell in plan.cells}
    prepared = {scale: prepare(sets, scale, folder) for scale, sets in images.items() if sets}
    session = Session(plan, prepared)
    make_deterministic(plan.config)
    runner = CellRunner(session, prepared, folder)
    runner.parent_run = job.parent_run
    for cell, expected in zip(plan.cells, job.ids, strict=True):
        planned = runner.identify(cell)
        if isinstance(planned, Failure):
            continue
        if planned.record_id != expected:
            raise HarnessError(
                f"this worker has other code or other training images: expected "
                f"{expected}, and here it is {planned.record_id}"
            )
        runner.run(planned)
    return Outcome(tuple(done.id for done in runner.done), tuple(runner.failed))


def missing_extra(name: str) -> HarnessError:
    """Return the error that says how a launcher's library is installed."""
    return UsageError(
        f"--launcher {name} needs what is not installed: {install_command(name)} "
        f"(in a checkout: python -m pip install -e '.[{name}]')"
    )


def tried(
    launcher: Launcher, jobs: Sequence[Job], *, retries: int
) -> Iterator[tuple[Job, Outcome]]:
    """Run jobs, and those that fail again, at most so often; yields each job once, at its end."""
    for left in range(retries, -1, -1):
        again: list[Job] = []
        for job, outcome in launcher.run(jobs):
            if outcome.good or outcome.stopped or not left:
                yield job, outcome
                continue
            why = outcome.lost or outcome.failures[0].explanation
            log.warning("%s: %s; tried again", job.name, why)
            again.append(job)
        jobs = again
        if not jobs:
            return

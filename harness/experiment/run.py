"""Run a plan: train every cell that is not done, score it, and store its record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import nn

from harness.config import settings
from harness.config.protocols import DEFAULT
from harness.data.catalogue import TestSet
from harness.data.prepare import Prepared, prepare
from harness.errors import HarnessError, RecordError
from harness.evaluation import evaluate
from harness.experiment import checkpoints
from harness.experiment.fit import TrainJob, fit, make_deterministic
from harness.experiment.plan import Cell, Plan
from harness.experiment.recording import final_metrics, make_record
from harness.experiment.session import PlannedCell, Session, StoredScores
from harness.experiment.tracking import CellRun, Tracker, default_uri
from harness.host import environment
from harness.host.logs import log_file
from harness.host.paths import cache_folder
from harness.host.signals import Interrupted
from harness.models.awms import drop_branches
from harness.records import record
from harness.records.record import Record, SetScore
from harness.weights import networks

log = logging.getLogger(__name__)


def execute(plan: Plan, *, report: Callable[[], Sequence[Path]]) -> list[Record]:
    """Run every cell of a plan.

    Args:
        plan: What to run.
        report: Writes the tables of what is recorded and returns their files. Called once, at
            the end; also where a cell fails or is stopped, if any was finished before it.

    Returns:
        The records, in the order of the cells.

    Raises:
        HarnessError: A cell failed or was stopped; those before it are stored.
    """
    make_deterministic(plan.config)
    folder = cache_folder(plan.config.data.cache)
    images = {scale: prepare(sets, scale, folder) for scale, sets in plan.train.items()}
    session = Session(plan, images)
    runner = _Runner(session, images, folder)
    cells = [session.identify(cell) for cell in plan.cells]
    done: list[Record] = []
    with runner.ablation_run(cells) as attach:
        try:
            for number, planned in enumerate(cells, 1):
                log.info("cell %d of %d: %s", number, len(cells), _describe(planned.cell))
                done.append(runner.run(planned))
        except BaseException:
            if done:
                attach(_reported_all_the_same(report))
            raise
        attach(report())
    return done


def _reported_all_the_same(report: Callable[[], Sequence[Path]]) -> Sequence[Path]:
    """Write the tables while an error is on its way, which must not be lost over them."""
    try:
        return report()
    except HarnessError as error:
        log.warning("the tables could not be written: %s", error)
        return ()


class _Runner:
    """Brings the cells of one plan to their records, and mirrors that to the tracker."""

    def __init__(self, session: Session, images: Mapping[int, Prepared], cache: Path) -> None:
        self.session = session
        self.plan = session.plan
        self.images = images
        self.cache = cache
        tracking = self.plan.config.tracking
        uri = (tracking.uri or default_uri(self.plan.results)) if tracking.mlflow else None
        self.tracker = Tracker(uri, self.plan.results / "results" / "mlflow-artifacts")
        self.parent_run: str | None = None

    @contextmanager
    def ablation_run(
        self, cells: Sequence[PlannedCell]
    ) -> Iterator[Callable[[Sequence[Path]], None]]:
        """Keep the MLflow run of the ablation open; gives a function to attach files."""
        artifacts: list[Path] = []
        name = self.plan.ablation.name
        key = f"{name}-{record.digest({'cells': [planned.record_id for planned in cells]})[:12]}"
        self.parent_run = self.tracker.parent(name, key, settings.plain(self.plan.config))
        status = "FAILED"
        try:
            yield artifacts.extend
            status = "FINISHED"
        except (KeyboardInterrupt, Interrupted):
            status = "KILLED"
            raise
        finally:
            self.tracker.finish(self.parent_run, status=status, artifacts=tuple(artifacts))

    def run(self, planned: PlannedCell) -> Record:
        """Bring one cell to its record, doing only what is not done yet."""
        with _alone(planned.folder), log_file(planned.folder / "train.log"):
            stored = self.session.stored(planned)
            if stored.record is not None and stored.complete:
                log.info("done before: %s", stored.record.id)
                return stored.record
            return self._tracked(planned, stored)

    def _tracked(self, planned: PlannedCell, stored: StoredScores) -> Record:
        """Do the work on a cell within its MLflow run."""
        cell = planned.cell
        config = settings.plain(self.plan.config) | _facts(cell)
        run = self.tracker.cell(cell.name(), planned.record_id, config, self.parent_run)
        status = "FAILED"
        try:
            if cell.checkpoint:
                finished = self._score_loaded(planned, stored)
            else:
                finished = self._train_and_score(planned, stored, run)
            path = record.folder(self.plan.results, finished.id) / record.FILE_NAME
            weights = (planned.folder / checkpoints.WEIGHTS_FILE,) if cell.trained else ()
            run.finish(final_metrics(finished), step=finished.steps, artifacts=(path, *weights))
            status = "FINISHED"
            return finished
        except (KeyboardInterrupt, Interrupted):
            status = "KILLED"
            raise
        finally:
            if status != "FINISHED":
                run.finish({}, step=0, status=status)

    def _train_and_score(self, planned: PlannedCell, stored: StoredScores, run: CellRun) -> Record:
        cell = planned.cell
        started = datetime.now(UTC)
        outcome = fit(self._job(planned, run)) if cell.trained else None
        network = self._network(planned)
        finished = make_record(
            planned,
            self.plan.config,
            self.images[cell.scale] if cell.trained else None,
            network=network,
            scores=[self._score(network, test, cell.scale) for test in stored.missing],
            outcome=outcome,
            started=started,
            earlier=stored.record,
        )
        record.write(self.plan.results, finished)
        (planned.folder / checkpoints.STATE_FILE).unlink(missing_ok=True)
        return finished

    def _score_loaded(self, planned: PlannedCell, stored: StoredScores) -> Record:
        scorer = self.session.scorer(planned.cell)
        for test in stored.missing:
            (score,) = scorer.score(test, (DEFAULT,))
            log.info("%s: %.2f dB / %.4f", score.set, score.psnr_db, score.ssim)
        finished = scorer.stored(DEFAULT)
        if finished is None:  # it has just been written, or was complete before
            raise RecordError(f"the record '{planned.record_id}' has gone")
        return finished

    def _job(self, planned: PlannedCell, run: CellRun) -> TrainJob:
        scale = planned.cell.scale
        tests = self.plan.tests[scale]
        return TrainJob(
            planned=planned,
            config=self.plan.config,
            train=self.plan.train[scale],
            cache=self.cache,
            curve=tests[0] if tests else None,
            run=run,
        )

    def _network(self, planned: PlannedCell) -> nn.Module:
        """Return the finished network, branches dropped, on the device."""
        cell = planned.cell
        network = networks.build(cell.row.model, scale=cell.scale, overrides=cell.row.overrides)
        if cell.trained:
            checkpoints.read_weights(planned.folder / checkpoints.WEIGHTS_FILE, network)
        drop_branches(network, cell.row.drop)
        return network.to(self.plan.config.device)

    def _score(self, network: nn.Module, test: TestSet, scale: int) -> SetScore:
        device = torch.device(self.plan.config.device)
        score = evaluate.score(network, test, scale=scale, device=device)
        log.info("%s: %.2f dB / %.4f", score.set, score.psnr_db, score.ssim)
        return score


def _facts(cell: Cell) -> dict[str, object]:
    """Return what tells a cell from others of its ablation, for the tracker."""
    return {
        "model": cell.row.model,
        "label": cell.row.label,
        "options": cell.row.overrides,
        "drop": list(cell.row.drop),
        "scale": cell.scale,
        "seed": cell.seed,
        "commit": environment.commit()[0] or "unknown",
    }


def _describe(cell: Cell) -> str:
    seed = f", seed {cell.seed}" if cell.trained else ""
    return f"{cell.row.label} ({cell.row.model}) x{cell.scale}{seed}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a cell, so that two runs of it do not train it at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("%s is being run by another process; waiting for it", folder.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()

"""Bring one cell of a plan to its record, or to its failure, and mirror that to the tracker."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import nn

from harness.config import settings
from harness.config.protocols import DEFAULT
from harness.data.catalogue import TestSet
from harness.data.prepare import Prepared
from harness.errors import RecordError, TrainingError
from harness.evaluation import evaluate
from harness.evaluation.marks import with_code
from harness.experiment import checkpoints, failed_cells, recognition
from harness.experiment.diagnosis import Diagnosis, diagnose
from harness.experiment.fit import TrainJob, TrainOutcome, fit
from harness.experiment.plan import Cell
from harness.experiment.recording import (
    check_weights,
    facts,
    final_metrics,
    make_record,
    up_to_date,
)
from harness.experiment.remaining import Remaining
from harness.experiment.session import PlannedCell, Session, StoredScores
from harness.experiment.table_metrics import table_metrics
from harness.experiment.tracking import CellRun, Tracker, default_uri
from harness.host import leases, locks
from harness.host.logs import log_file
from harness.host.signals import Interrupted, leaving
from harness.models.awms import drop_branches
from harness.records import plans, record
from harness.records.failure import Failure
from harness.records.marks import Marks
from harness.records.record import Record, SetScore
from harness.weights import networks, parts, pruned
from harness.weights.pruned import Pruned

log = logging.getLogger(__name__)

_FAILURES = (Exception, SystemExit)  # a user's network may raise anything, and call exit()


class _FailedBefore(TrainingError):
    """The training of a cell has failed in this run, for another row."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.reason)
        self.diagnosis = diagnosis


class CellRunner:
    """Brings the cells of one plan to their records, or says why one failed.

    Attributes:
        remaining: The trainings that are left.
        done: The records of the cells that are done so far.
        failed: The cells that failed.
    """

    def __init__(self, session: Session, images: Mapping[int, Prepared], cache: Path) -> None:
        """Begin with no cell.

        Args:
            session: What the cells share.
            images: The training images, by scale.
            cache: Folder of prepared images.
        """
        self.session = session
        self.plan = session.plan
        self.images = images
        self.cache = cache
        tracking = self.plan.config.tracking
        uri = (tracking.uri or default_uri(self.plan.results)) if tracking.mlflow else None
        self.tracker = Tracker(uri, self.plan.results / "results" / "mlflow-artifacts")
        self.parent_run: str | None = None
        self.done: list[Record] = []
        self.failed: list[Failure] = []
        self.remaining = Remaining(())
        self._failed_trainings: dict[str, Diagnosis] = {}  # by the id of the training

    @contextmanager
    def ablation_run(self, ids: Sequence[str]) -> Iterator[list[Path]]:
        """Keep the MLflow run of the ablation open; gives a list of files to attach."""
        artifacts: list[Path] = []
        name, config = self.plan.ablation.name, settings.plain(self.plan.config)
        self.parent_run = self.tracker.parent(name, plans.key_of(name, ids), config)
        status = "FAILED"
        try:
            yield artifacts
            status = "FAILED" if self.failed else "FINISHED"
        except (KeyboardInterrupt, Interrupted):
            status = "KILLED"
            raise
        finally:
            run = CellRun(self.tracker, self.parent_run)
            metrics = table_metrics(artifacts, self.done)
            run.finish(metrics, step=0, artifacts=tuple(artifacts), status=status)

    def identify(self, cell: Cell) -> PlannedCell | Failure:
        """Return a cell with its names, or why it has none: its weights cannot be read."""
        try:
            return self.session.identify(cell)
        except _FAILURES as error:
            _check_not_stopped(error)
            return self._failure(cell, "", "", error)

    def run(self, planned: PlannedCell) -> Record | Failure:
        """Bring one cell to its record, doing only what is not done yet, or to its failure."""
        outcome = self._outcome(planned)
        self.remaining.end(planned.training_id)
        self.done += [outcome] if isinstance(outcome, Record) else []
        return outcome

    def _outcome(self, planned: PlannedCell) -> Record | Failure:
        try:
            folder, busy = planned.folder, f"{planned.folder.name} is being run"
            with (
                locks.held(folder / ".lock", what=busy),
                leases.taken(folder / leases.FILE_NAME, what=busy),
                log_file(folder / "train.log"),
            ):
                return self._run(planned)
        except _FAILURES as error:  # no lock, no log: a full or read-only disk
            _check_not_stopped(error)
            return self._failure(planned.cell, planned.record_id, planned.group, error)

    def _run(self, planned: PlannedCell) -> Record | Failure:
        try:
            finished = self._finished(planned)
        except _FAILURES as error:
            _check_not_stopped(error)
            failed = self._failure(planned.cell, planned.record_id, planned.group, error)
        else:
            failed_cells.forget(
                self.plan.results, planned.cell, cell_id=planned.record_id, group=planned.group
            )
            return finished
        gc.collect()  # the trace held the network and its optimiser: their memory is needed
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return failed

    def _failure(self, cell: Cell, cell_id: str, group: str, error: BaseException) -> Failure:
        """Return, and store, why a cell failed."""
        log.debug("the trace of the failure:", exc_info=error)
        failed = failed_cells.store(
            self.plan.results,
            cell,
            cell_id=cell_id,
            group=group,
            found=self._diagnosis(cell, error),
        )
        self.failed.append(failed)
        return failed

    def _diagnosis(self, cell: Cell, error: BaseException) -> Diagnosis:
        """Return what went wrong; where a training was not tried again, what did before."""
        if isinstance(error, _FailedBefore):
            return error.diagnosis
        users = (cell.row.model, *parts.named(cell.row.overrides).values())
        return diagnose(error, users=users, results=self.plan.results)

    def _finished(self, planned: PlannedCell) -> Record:
        stored = self.session.stored(planned)
        if stored.record is not None and stored.complete:
            log.info("done before: %s", stored.record.id)
            return up_to_date(self.plan, planned, stored.record)
        return self._tracked(planned, stored)

    def _tracked(self, planned: PlannedCell, stored: StoredScores) -> Record:
        """Do the work on a cell within its MLflow run."""
        cell = planned.cell
        config = settings.plain(self.plan.config) | facts(cell)
        run = self.tracker.cell(cell.name(), planned.record_id, config, self.parent_run)
        try:
            if cell.checkpoint:
                finished = self._score_loaded(planned, stored)
            else:
                finished = self._train_and_score(planned, stored, run)
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | Interrupted)
            run.finish({}, step=0, status="KILLED" if stopped else "FAILED")
            raise
        path = record.folder(self.plan.results, finished.id) / record.FILE_NAME
        weights = (path.with_name(checkpoints.WEIGHTS_FILE),) if cell.trained else ()
        run.finish(final_metrics(finished), step=finished.steps, artifacts=(path, *weights))
        return finished

    def _train_and_score(self, planned: PlannedCell, stored: StoredScores, run: CellRun) -> Record:
        cell = planned.cell
        started = datetime.now(UTC)
        marks = self._marks(planned, stored)
        outcome = self._fit(planned, run) if cell.trained else None
        network, weights_sha256 = self._network(planned)
        if cell.trained:
            check_weights(self.plan.results, planned, weights_sha256)
        finished = make_record(
            planned,
            self.plan.config,
            self.images[cell.scale] if cell.trained else None,
            network=network,
            scores=[self._score(network, test, cell.scale) for test in stored.missing],
            outcome=outcome,
            started=started,
            earlier=stored.record,
            marks=marks,
            weights_sha256=weights_sha256,
        )
        record.write(self.plan.results, finished)
        if cell.trained and cell.row.drop:
            self._write_cut(planned, network)
        checkpoints.remove_state(planned.folder)
        return finished

    def _marks(self, planned: PlannedCell, stored: StoredScores) -> Marks:
        """Return what the network is; of a training, kept beside its checkpoint from the start."""
        if stored.record is not None and stored.record.marks.code:
            return with_code(stored.record.marks, planned.code)
        marks = recognition.marks_of_cell(planned.cell, training=planned.training)
        if planned.cell.trained:
            recognition.write_begun(planned.folder, planned.fingerprint, marks)
        return marks

    def _fit(self, planned: PlannedCell, run: CellRun) -> TrainOutcome | None:
        """Train, but not again what has failed in this run: rows may share a training."""
        if earlier := self._failed_trainings.get(planned.training_id):
            raise _FailedBefore(earlier)
        try:
            return fit(self._job(planned, run))
        except _FAILURES as error:
            _check_not_stopped(error)
            self._failed_trainings[planned.training_id] = self._diagnosis(planned.cell, error)
            raise

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
        tests = self.plan.tests[scale := planned.cell.scale]
        return TrainJob(
            planned=planned,
            config=self.plan.config,
            train=self.plan.train[scale],
            cache=self.cache,
            curve=tests[0] if tests else None,
            run=run,
            remaining=self.remaining,
        )

    def _network(self, planned: PlannedCell) -> tuple[nn.Module, str]:
        """Return the finished network on the device, branches dropped, and its weights' digest."""
        cell = planned.cell
        network = networks.build(cell.row.model, scale=cell.scale, overrides=cell.row.overrides)
        weights = planned.folder / checkpoints.WEIGHTS_FILE
        sha256 = checkpoints.read_weights(weights, network) if cell.trained else ""
        drop_branches(network, cell.row.drop)
        return network.to(self.plan.config.device), sha256

    def _write_cut(self, planned: PlannedCell, network: nn.Module) -> None:
        """Store the network without the branches that its row drops, beside its record."""
        row, scale = planned.cell.row, planned.cell.scale
        pruned.write(
            record.folder(self.plan.results, planned.record_id) / checkpoints.WEIGHTS_FILE,
            network.state_dict(),
            Pruned(row.model, scale, branches=tuple(row.drop)),
            planned.said(self.plan.config.train.steps),
        )

    def _score(self, network: nn.Module, test: TestSet, scale: int) -> SetScore:
        device = torch.device(self.plan.config.device)
        score = evaluate.score(network, test, scale=scale, device=device)
        log.info("%s: %.2f dB / %.4f", score.set, score.psnr_db, score.ssim)
        return score


def _check_not_stopped(error: BaseException) -> None:
    """Raise an error again that is no failure of a cell: the user stopped the run."""
    if isinstance(error, Interrupted) or leaving():
        raise error

"""Run a plan: train every cell that is not done, score it, and store its record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import nn

from harness.config import settings as config
from harness.config.protocols import DEFAULT
from harness.data.catalogue import TestSet
from harness.data.prepare import Prepared, prepare
from harness.errors import RecordError
from harness.evaluation import evaluate
from harness.evaluation.scoring import Scorer
from harness.experiment import checkpoints
from harness.experiment import fingerprint as identity
from harness.experiment.fit import Job, fit, make_deterministic
from harness.experiment.plan import Cell, Plan
from harness.experiment.recording import final_metrics, make_record
from harness.experiment.tracking import CellRun, Tracker, default_uri
from harness.host.logs import log_file
from harness.host.paths import cache_folder
from harness.host.signals import Interrupted
from harness.models import registry
from harness.models.awms import drop_branches
from harness.records import record as records
from harness.records.record import Record, SetScore
from harness.weights import load

log = logging.getLogger(__name__)

Report = Callable[[Plan, list[Record]], tuple[Path, ...]]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a cell is, before it is run: ``done``, ``to score``, ``at step N``, ``to do``.

    ``shared`` says that the training of an earlier cell gives its weights.
    """

    cell: Cell
    id: str
    state: str
    shared: bool = False

    @property
    def to_train(self) -> bool:
        """Whether its weights are still to be trained, to the end."""
        return self.state.startswith(("to do", "at step"))


def execute(plan: Plan, *, report: Report) -> list[Record]:
    """Run every cell of a plan.

    Args:
        plan: What to run.
        report: Called with the plan and the records so far after every cell; writes the
            tables and returns their files.

    Returns:
        The records, in the order of the cells.

    Raises:
        HarnessError: A cell failed or was stopped; those before it are stored.
    """
    make_deterministic(plan.config)
    session = _Session(plan)
    done: list[Record] = []
    files: tuple[Path, ...] = ()
    with session.ablation_run() as attach:
        for number, cell in enumerate(plan.cells, 1):
            log.info("cell %d of %d: %s", number, len(plan.cells), _describe(cell))
            done.append(session.run(cell))
            files = report(plan, done)
        attach(files)
    return done


def statuses(plan: Plan) -> list[Status]:
    """Return how far each cell is; changes nothing but the cache of prepared images."""
    session = _Session(plan)
    found = []
    to_train: dict[str, bool] = {}
    for cell in plan.cells:
        training = session.trained_id(cell)
        status = Status(cell, session.record_id(cell), session.state(cell))
        # A record without weights gives none: a later row that wants them trains them again.
        earlier = to_train.get(training)
        shared = earlier is not None and (earlier or not status.to_train)
        found.append(replace(status, shared=shared))
        to_train[training] = bool(earlier) or status.to_train
    return found


class _Session:
    """What the cells of one plan share: prepared images, names, the tracker."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.cache = cache_folder(plan.config.data.cache)
        self.prepared: dict[int, Prepared] = {}
        self.scorers: dict[str, Scorer] = {}
        for scale, sets in plan.train.items():
            self.prepared[scale] = prepare(sets, scale, self.cache)
            log.info("training set: %s", self.prepared[scale].describe(plan.config.train.patch))
        tracking = plan.config.tracking
        uri = (tracking.uri or default_uri(plan.results)) if tracking.mlflow else None
        self.tracker = Tracker(uri, plan.results / "results" / "mlflow-artifacts")
        self.parent_run: str | None = None

    @contextmanager
    def ablation_run(self) -> Iterator[Callable[[tuple[Path, ...]], None]]:
        """Keep the MLflow run of the ablation open; gives a function to attach files."""
        artifacts: list[Path] = []
        name = self.plan.ablation.name
        ids = [self.record_id(cell) for cell in self.plan.cells]
        key = f"{name}-{records.digest({'cells': ids})[:12]}"
        self.parent_run = self.tracker.parent(name, key, config.plain(self.plan.config))
        status = "FAILED"
        try:
            yield artifacts.extend
            status = "FINISHED"
        except (KeyboardInterrupt, Interrupted):
            status = "KILLED"
            raise
        finally:
            self.tracker.finish(self.parent_run, status=status, artifacts=tuple(artifacts))

    def trained_id(self, cell: Cell) -> str:
        """Return the id of the trained network, before branches are dropped."""
        if cell.checkpoint:
            return self.scorer(cell).record_id(DEFAULT)
        return f"{cell.name()}-{self.fingerprint(cell)[:12]}"

    def record_id(self, cell: Cell) -> str:
        """Return the id of a cell's record."""
        dropped = cell.row.drop if cell.trained else ()
        drop = f"-drop{'.'.join(map(str, dropped))}" if dropped else ""
        return self.trained_id(cell) + drop

    def fingerprint(self, cell: Cell) -> str:
        return identity.fingerprint(cell, self.plan.config, self._data_sha256(cell))

    def _data_sha256(self, cell: Cell) -> str | None:
        return self.prepared[cell.scale].sha256 if cell.trained else None

    def scorer(self, cell: Cell) -> Scorer:
        """Return what scores a cell whose weights are loaded."""
        key = f"{cell.row.label} x{cell.scale}"
        if key not in self.scorers:
            loaded = load.load(
                cell.row.model,
                scale=cell.scale,
                checkpoint=cell.checkpoint,
                overrides=cell.row.overrides,
                drop=cell.row.drop,
            )
            device = torch.device(self.plan.config.device)
            self.scorers[key] = Scorer(loaded, device=device, results=self.plan.results)
        return self.scorers[key]

    def folder(self, cell: Cell) -> Path:
        """Return where checkpoint and weights of a cell lie."""
        return records.folder(self.plan.results, self.trained_id(cell))

    def state(self, cell: Cell) -> str:
        """Return how far a cell is, in words."""
        record = records.read(self.plan.results, self.record_id(cell))
        if record is not None and not self.missing(cell, record):
            return "done"
        folder = self.folder(cell)
        if not cell.trained or (folder / checkpoints.WEIGHTS_FILE).is_file():
            return "to score"
        begun = checkpoints.read_state(folder, fingerprint=self.fingerprint(cell))
        return f"at step {begun.step:,}" if begun else "to do"

    def missing(self, cell: Cell, record: Record | None) -> list[TestSet]:
        """Return the sets that a record has no score of, or one of other pixels."""
        found = []
        for test in self.plan.tests[cell.scale]:
            score = record.score(test.name) if record else None
            if score is None or score.sha256 != _pixels(test, cell.scale):
                found.append(test)
        return found

    def run(self, cell: Cell) -> Record:
        """Bring one cell to its record, doing only what is not done yet."""
        folder = self.folder(cell)
        with _alone(folder), log_file(folder / "train.log"):
            earlier = records.read(self.plan.results, self.record_id(cell))
            missing = self.missing(cell, earlier)
            if earlier is not None and not missing:
                log.info("done before: %s", earlier.id)
                return earlier
            return self._run(cell, folder, earlier, missing)

    def _run(
        self, cell: Cell, folder: Path, earlier: Record | None, missing: list[TestSet]
    ) -> Record:
        settings = config.plain(self.plan.config) | {"model": cell.row.model, "seed": cell.seed}
        run = self.tracker.cell(cell.name(), self.record_id(cell), settings, self.parent_run)
        status = "FAILED"
        try:
            if cell.checkpoint:
                record = self._score_loaded(cell, missing)
            else:
                record = self._train_and_score(cell, folder, run, earlier, missing)
            path = records.folder(self.plan.results, record.id) / records.FILE_NAME
            weights = (folder / checkpoints.WEIGHTS_FILE,) if cell.trained else ()
            run.finish(final_metrics(record), step=record.steps, artifacts=(path, *weights))
            status = "FINISHED"
            return record
        except (KeyboardInterrupt, Interrupted):
            status = "KILLED"
            raise
        finally:
            if status != "FINISHED":
                run.finish({}, step=0, status=status)

    def _train_and_score(
        self,
        cell: Cell,
        folder: Path,
        run: CellRun,
        earlier: Record | None,
        missing: list[TestSet],
    ) -> Record:
        started = datetime.now(UTC)
        outcome = fit(self._job(cell, folder, run)) if cell.trained else None
        network = self._network(cell, folder)
        record = make_record(
            cell,
            self.plan.config,
            self.prepared[cell.scale] if cell.trained else None,
            record_id=self.record_id(cell),
            network=network,
            scores=[self._score(network, test, cell) for test in missing],
            outcome=outcome,
            started=started,
            earlier=earlier,
        )
        records.write(self.plan.results, record)
        (folder / checkpoints.STATE_FILE).unlink(missing_ok=True)
        return record

    def _score_loaded(self, cell: Cell, missing: list[TestSet]) -> Record:
        scorer = self.scorer(cell)
        for test in missing:
            (score,) = scorer.score(test, (DEFAULT,))
            log.info("%s: %.2f dB / %.4f", score.set, score.psnr_db, score.ssim)
        record = scorer.stored(DEFAULT)
        if record is None:  # it has just been written, or was complete before
            raise RecordError(f"the record '{self.record_id(cell)}' has gone")
        return record

    def _job(self, cell: Cell, folder: Path, run: CellRun) -> Job:
        tests = self.plan.tests[cell.scale]
        return Job(
            cell=cell,
            config=self.plan.config,
            train=self.plan.train[cell.scale],
            cache=self.cache,
            curve=tests[0] if tests else None,
            folder=folder,
            fingerprint=self.fingerprint(cell),
            run=run,
        )

    def _network(self, cell: Cell, folder: Path) -> nn.Module:
        """Return the finished network, branches dropped, on the device."""
        network = registry.get(cell.row.model).build(scale=cell.scale, **cell.row.overrides)
        if cell.trained:
            checkpoints.read_weights(folder / checkpoints.WEIGHTS_FILE, network)
        drop_branches(network, cell.row.drop)
        return network.to(self.plan.config.device)

    def _score(self, network: nn.Module, test: TestSet, cell: Cell) -> SetScore:
        device = torch.device(self.plan.config.device)
        result = evaluate.score(network, test, scale=cell.scale, device=device)
        log.info("%s: %.2f dB / %.4f", result.set, result.psnr_db, result.ssim)
        return result


def _describe(cell: Cell) -> str:
    seed = f", seed {cell.seed}" if cell.trained else ""
    return f"{cell.row.label} ({cell.row.model}) x{cell.scale}{seed}"


@cache
def _pixels(test: TestSet, scale: int) -> str:
    return evaluate.fingerprint(test, scale=scale)


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

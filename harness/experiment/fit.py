"""Train one cell to its weights, in one process or in several, going on where it stopped."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from harness.config.settings import Config
from harness.data.catalogue import TestSet, TrainSet
from harness.data.patches import Patches
from harness.data.prepare import prepare
from harness.data.resident import ResidentPatches
from harness.errors import TrainingError
from harness.evaluation import evaluate
from harness.experiment import batches, checkpoints, compiled
from harness.experiment.remaining import Remaining
from harness.experiment.session import PlannedCell
from harness.experiment.tracking import CellRun
from harness.experiment.trainer import Step, Trainer
from harness.host import leases
from harness.host.device import out_of_memory, use_real_float32
from harness.host.logs import log_to_stderr
from harness.host.process import keep_memory
from harness.host.progress import Progress
from harness.host.signals import Interrupted, StopSignal, leaving
from harness.models.initialise import initialise
from harness.records.readings import Readings
from harness.weights import networks
from harness.weights.torch_file import DamagedError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

log = logging.getLogger(__name__)

_PRECISION = {"fp32": "32-true", "bf16-mixed": "bf16-mixed"}


@dataclass(frozen=True, slots=True)
class TrainJob:
    """All that a training process needs; can be sent to another process.

    Attributes:
        planned: What to train, and the folder of its checkpoint and weights.
        config: Settings with every automatic choice made.
        train: Training set.
        cache: Folder of prepared images.
        curve: Set scored while training, for the curve; None for no curve.
        run: Where to log.
        remaining: The trainings of the plan that are left, this one among them.
    """

    planned: PlannedCell
    config: Config
    train: Sequence[TrainSet]
    cache: Path
    curve: TestSet | None
    run: CellRun
    remaining: Remaining = field(default_factory=lambda: Remaining(()))


@dataclass(frozen=True, slots=True)
class TrainOutcome:
    """How training went.

    Attributes:
        loss: Mean loss of the last steps, in grey levels.
        seconds: Its time.
        readings: The points of its curves.
    """

    loss: float
    seconds: float
    readings: Readings


def fit(job: TrainJob) -> TrainOutcome | None:
    """Train until the weights are stored.

    Returns:
        The outcome; None where the weights were there and nothing else is known.

    Raises:
        Interrupted: The user stopped it; a checkpoint of the last step is stored.
        TrainingError: The loss is not finite.
        CheckpointError: A checkpoint cannot be written or read.
    """
    if not _goes_on(job.planned):
        return None
    fabric = fabric_of(job.config, devices=job.config.devices)
    try:
        if job.config.devices == 1:
            outcome = _outcome(*_work(fabric, job))
        else:
            with StopSignal():  # the processes stop by themselves and store a checkpoint
                # Not as an argument: Fabric takes those apart and stops at a frozen dataclass.
                outcome = _outcome(*fabric.launch(partial(_work, job=job)))
    except ProcessRaisedException as error:
        raise _translated(str(error)) from error
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error):
            raise TrainingError(
                f"not enough memory to train {job.planned.cell.row.label} with train.batch="
                f"{job.config.train.batch} and train.patch={job.config.train.patch}; lower them"
            ) from error
        if found := compiled.failure(error):
            raise found from error
        raise
    job.remaining.trained(job.planned.training_id, outcome.seconds / job.config.train.steps)
    return outcome


def fabric_of(config: Config, *, devices: int) -> Fabric:
    """Return what moves tensors and sets the arithmetic as the settings want it."""
    from lightning_fabric import Fabric  # not at the top: a plan is made without it

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    return Fabric(
        accelerator=config.device,
        devices=devices,
        strategy="auto" if devices == 1 else "ddp_spawn",
        precision=_PRECISION[config.precision],  # type: ignore[arg-type]
    )


def _goes_on(planned: PlannedCell) -> bool:
    """Tell whether there is anything to train, or a state that tells how training went."""
    folder = planned.folder
    if not (folder / checkpoints.WEIGHTS_FILE).is_file():
        return True
    try:
        return checkpoints.read_state(folder, fingerprint=planned.fingerprint) is not None
    except DamagedError as error:
        log.warning("%s; the finished weights are there, and are used", error)
        return False


def _outcome(loss: float, seconds: float, readings: dict[str, Any]) -> TrainOutcome:
    return TrainOutcome(loss, seconds, Readings(**readings))


def _work(fabric: Fabric, job: TrainJob) -> tuple[float, float, dict[str, Any]]:
    """Train in this process; the first of several processes stores the checkpoints.

    Returns:
        The fields of the outcome, all bare for the same reason.
    """
    first = fabric.global_rank == 0
    if first and fabric.world_size > 1:
        log_to_stderr(logging.INFO)
    make_deterministic(job.config)
    keep_memory()
    trainer, patches = _prepare(fabric, job)
    left = job.remaining
    left.begin(job.planned.training_id)
    if first and left.seconds is not None:
        log.info("still to do: %s", left.text())
    progress = Progress(
        job.planned.cell.row.label,
        total=trainer.config.steps,
        done=trainer.done,
        all_total=left.steps_in_all,
        all_done=left.steps_in_all - left.steps,
    )
    try:
        with StopSignal() as stop, _stopping_at_errors(stop):
            for step in trainer.steps(patches, workers=job.config.data.workers):
                progress.advance()
                leases.note(step.number, trainer.config.steps)
                if left.advance() and first:
                    log.info("still to do: %s", left.text())
                if first:
                    _report(job, trainer, step, progress)
                last = step.number == trainer.config.steps
                stopping = _any_process(fabric, stop.requested) and not last
                due = last or stopping or _due(step.number, trainer.config.checkpoint_every)
                if first and due:
                    checkpoints.write_state(job.planned.folder, trainer.state())
                if stopping:
                    raise Interrupted(
                        f"stopped at step {step.number:,} of {trainer.config.steps:,}; "
                        "the same command goes on from there"
                    )
    finally:
        progress.close()
    if first:
        said = job.planned.said(job.config.train.steps)
        checkpoints.write_weights(job.planned.folder, trainer.original, said)
    fabric.barrier()
    return trainer.loss, trainer.seconds, asdict(trainer.curve.readings)


@contextmanager
def _stopping_at_errors(stop: StopSignal) -> Iterator[None]:
    """Let no error hide that the user wants to stop; turn an exit of the network into an error.

    Ctrl-C may itself be the cause of an error: it ends the processes that cut patches, too.
    """
    try:
        yield
    except Interrupted:
        raise
    except (Exception, SystemExit) as error:
        if leaving():
            raise
        if stop.requested:
            raise Interrupted(
                "stopped; the same command goes on from the last checkpoint"
            ) from error
        if isinstance(error, SystemExit):  # of several processes, the others would wait
            raise TrainingError(f"the network ended Python: SystemExit: {error}") from error
        raise


def _prepare(fabric: Fabric, job: TrainJob) -> tuple[Trainer, Patches | ResidentPatches]:
    """Return the network in training, new or as it was stored, and its patches."""
    planned, train = job.planned, job.config.train
    cell = planned.cell
    seed = cell.seed or 0
    prepared = prepare(job.train, cell.scale, job.cache)
    patches = Patches(prepared, patch=train.patch, batch=train.batch, seed=seed)
    torch.manual_seed(seed)
    network = networks.build(cell.row.model, scale=cell.scale, overrides=cell.row.overrides)
    initialise(network, seed=seed)
    resume = checkpoints.read_state(planned.folder, fingerprint=planned.fingerprint)
    if resume is not None:
        log.info("going on from step %d", resume.step)
    trainer = Trainer(network, train, fabric=fabric, fingerprint=planned.fingerprint, resume=resume)
    asked = job.config.data.resident
    return trainer, batches.source(patches, asked=asked, device=fabric.device)


def _report(job: TrainJob, trainer: Trainer, step: Step, progress: Progress) -> None:
    """Show, log and keep a step where it is due: loss and learning rate, PSNR for the curve."""
    train = trainer.config
    last = step.number == train.steps
    if last or _due(step.number, train.log_every):
        loss = trainer.loss
        progress.report(step.number, loss=loss, lr=step.lr)
        progress.say(job.remaining.brief())
        job.run.log(step.number, {"loss": loss, "lr": step.lr})
        trainer.curve.read(step.number, seconds=trainer.seconds, loss=loss, lr=step.lr)
    if job.curve is not None and _due(step.number, train.eval_every) and not last:
        device, scale = trainer.fabric.device, job.planned.cell.scale
        with trainer.paused():
            result = evaluate.score(trainer.original, job.curve, scale=scale, device=device)
        log.info("step %d  %s %.2f dB", step.number, result.set, result.psnr_db)
        job.run.log(step.number, {f"psnr_db.{result.set}": result.psnr_db})
        trainer.curve.score(
            step.number, seconds=trainer.seconds, set_name=result.set, psnr_db=result.psnr_db
        )


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _any_process(fabric: Fabric, requested: bool) -> bool:
    """Whether any process was asked to stop: all must leave at the same step."""
    if fabric.world_size == 1:
        return requested
    flag = torch.tensor(float(requested), device=fabric.device)
    return bool(fabric.all_reduce(flag, reduce_op="max"))


def make_deterministic(config: Config) -> None:
    """Ask PyTorch for the same result every time, and for real float32."""
    torch.set_num_threads(config.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    use_real_float32()


def _translated(trace: str) -> TrainingError | Interrupted:
    """Return the error of a training process as one of ours, without its trace."""
    log.debug("%s", trace)
    lines = trace.strip().splitlines()
    last_frame = max((n for n, line in enumerate(lines) if line.startswith("  ")), default=-1)
    told = lines[last_frame + 1] if last_frame + 1 < len(lines) else lines[-1]
    kind, _, message = told.partition(": ")
    if kind.endswith("Interrupted"):
        return Interrupted(message)
    return TrainingError(message if message and kind.startswith("harness.") else told)

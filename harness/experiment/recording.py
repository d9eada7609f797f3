"""Make the record of a finished cell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from torch import nn

from harness.config import paper, protocols
from harness.config.settings import Config
from harness.data.prepare import Prepared
from harness.efficiency.counting.multi_adds import count
from harness.errors import CheckpointError, HarnessError
from harness.evaluation.marks import with_code
from harness.evaluation.recording import learned_by, provenance
from harness.experiment.fit import TrainOutcome
from harness.experiment.looking import looked_at
from harness.experiment.plan import Cell, Plan
from harness.experiment.session import PlannedCell
from harness.host import environment
from harness.records import record
from harness.records.marks import RECIPE, Marks
from harness.records.means import mean_over_sets
from harness.records.origin import (
    Inputs,
    RecordedData,
    RecordedSettings,
    RecordedTraining,
    TrainingSet,
)
from harness.records.readings import LOSS_WINDOW, Readings
from harness.records.record import Record, SetScore
from harness.weights import networks, parts

log = logging.getLogger(__name__)


def make_record(
    planned: PlannedCell,
    config: Config,
    prepared: Prepared | None,
    *,
    network: nn.Module,
    scores: Sequence[SetScore],
    outcome: TrainOutcome | None,
    started: datetime,
    earlier: Record | None,
    marks: Marks,
    weights_sha256: str,
) -> Record:
    """Return the record of a cell.

    Args:
        planned: What was run.
        config: Settings with every automatic choice made.
        prepared: The training images; None where nothing was trained.
        network: The finished network, branches dropped.
        scores: New scores.
        outcome: How training went, where it was done now.
        started: When the work on the cell began.
        earlier: The record that this one replaces; its scores on other sets are kept.
        marks: Of the network as it is built.
        weights_sha256: Of its trained tensors; empty where nothing was trained.
    """
    cell = planned.cell
    cost = count(network, scale=cell.scale)
    new = {score.set for score in scores}
    kept = [score for score in (earlier.scores if earlier else ()) if score.set not in new]
    users = (cell.row.model, *parts.named(cell.row.overrides).values())
    origin = provenance(config.device, config.threads, started, *users)
    loss, seconds, readings = None, 0.0, Readings()
    if outcome:
        loss, seconds, readings = outcome.loss, outcome.seconds, outcome.readings
    if earlier and not outcome:  # only scored anew: the weights came about as before
        origin = replace(earlier.provenance, scored_at=origin.commit)
        loss, seconds, readings = earlier.loss, earlier.wall_time_s, earlier.readings
    return Record(
        id=planned.record_id,
        fingerprint=planned.fingerprint,
        group=planned.group,
        model=cell.row.model,
        label=cell.label,
        overrides=cell.row.overrides,
        drop=cell.row.drop,
        scale=cell.scale,
        seed=cell.seed,
        steps=config.train.steps if cell.trained else 0,
        profile=config.profile,
        full_budget=not cell.trained or _is_paper_budget(config),
        params=cost.params,
        multi_adds=cost.sure_multi_adds,
        protocol=protocols.DEFAULT.name,
        scores=(*kept, *scores),
        learned=learned_by(network),
        config=_portable(config, prepared),
        data=Inputs(_training_set(prepared, config) if prepared else None),
        provenance=origin,
        wall_time_s=round(seconds, 1),
        loss=loss,
        count_doubts=cost.doubts,
        recipe=RECIPE,
        marks=marks,
        weights_sha256=weights_sha256,
        row=earlier.row if earlier and earlier.row else cell.row.label,
        remarks=(
            *networks.remarks(cell.row.model, network, cell.row.overrides),
            *cost.remarks,
        ),
        readings=readings,
    )


def check_weights(results: Path, planned: PlannedCell, sha256: str) -> None:
    """Refuse weights that are others than those that a record of them was made with.

    Rows that differ only in the branches that they drop have one training, and a record each.

    Args:
        results: Results root.
        planned: The cell.
        sha256: Digest of its trained tensors.

    Raises:
        CheckpointError: They are; the message says what to remove to score these.
        RecordError: A record cannot be read.
    """
    for record_id in dict.fromkeys((planned.record_id, planned.training_id)):
        earlier = record.read(results, record_id)
        if earlier is not None and earlier.weights_sha256 not in ("", sha256):
            where = record.folder(results, record_id) / record.FILE_NAME
            raise CheckpointError(
                f"the weights of '{planned.training_id}' are not those of the record "
                f"'{record_id}': trained anew, or changed; remove '{where}' to score these"
            )


def final_metrics(finished: Record) -> dict[str, float]:
    """Return cost, scores and learned scalars of a record by name, for a tracker."""
    final = {"params": float(finished.params)}
    if finished.multi_adds is not None:
        final["multi_adds_g"] = finished.multi_adds / 1e9
    for score in finished.scores:
        final[f"psnr_db.{score.set}"] = score.psnr_db
        final[f"ssim.{score.set}"] = score.ssim
    by_set = {score.set: score.psnr_db for score in finished.scores}
    if (mean_db := mean_over_sets(by_set, list(by_set))) is not None:
        final["psnr_db_mean"] = mean_db
    learned = asdict(finished.learned)
    for size, weight in learned.pop("alpha").items():
        final[f"alpha.{size}"] = weight
    for name, values in learned.items():
        final |= {f"{name}.{depth}": value for depth, value in enumerate(values)}
    return final


def facts(cell: Cell) -> dict[str, object]:
    """Return what tells a cell from others of its ablation, for the tracker."""
    return {
        "model": cell.row.model,
        "label": cell.row.label,
        "options": cell.row.overrides,
        "drop": list(cell.row.drop),
        "scale": cell.scale,
        "seed": cell.seed,
        "loss_is_mean_over_steps": LOSS_WINDOW,
        "commit": environment.commit()[0] or "unknown",
    }


def _is_paper_budget(config: Config) -> bool:
    """Whether a training was as long as the paper's, on its data (Sec. 4.2)."""
    return config.train.steps >= paper.STEPS and config.data.train == paper.TRAIN_SET


def _training_set(prepared: Prepared, config: Config) -> TrainingSet:
    usable = prepared.usable(config.train.patch)
    return TrainingSet(prepared.name, len(usable), prepared.sha256, prepared.lr_text)


def _portable(config: Config, prepared: Prepared | None) -> RecordedSettings:
    """Return the settings without where things lie on this machine."""
    train_set = prepared.name if prepared else config.data.train
    return RecordedSettings(
        profile=config.profile,
        scale=tuple(config.scale),
        seeds=tuple(config.seed_list),
        rows=tuple(config.rows),
        precision=config.precision,
        device=config.device,
        devices=config.devices,
        threads=config.threads,
        train=RecordedTraining(**asdict(config.train)),
        data=RecordedData(train_set, tuple(config.data.test), config.data.workers),
        until=config.until or None,
        max=config.max if config.until else 0,
    )


def up_to_date(plan: Plan, planned: PlannedCell, done: Record) -> Record:
    """Return the record of a cell that was done before, with what this run adds to it, stored.

    That is the code that it was found by other marks than, and by what rule its row is looked at.
    """
    current = done
    if planned.code and done.marks.code and planned.code not in done.marks.code:
        current = replace(current, marks=with_code(done.marks, planned.code))
    current = looked_at(plan, planned.cell, current)
    if current is done:
        return done
    try:
        record.write(plan.results, current)
    except HarnessError as error:  # the record is there, which is what was asked for
        log.warning("%s", error)
        return done
    return current

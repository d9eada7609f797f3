"""Send to MLflow what it missed while it was gone: from the records, which missed nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.experiment.recording import final_metrics
from harness.experiment.tracking import Tracker
from harness.host.paths import printable
from harness.records import plans, record
from harness.records.plans import StoredPlan
from harness.records.record import Record
from harness.weights.described import WEIGHTS_FILE

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was sent.

    Attributes:
        sent: Ids of the records that MLflow did not have.
        known: How many it had.
    """

    sent: tuple[str, ...]
    known: int


def replay(results: Path, uri: str) -> Replayed:
    """Send every record of a stored plan that MLflow does not have as a finished run.

    A record of several plans, as of a run that was begun with fewer seeds, has one run in MLflow,
    below the ablation's run of the plan that it came with.

    Args:
        results: Results root.
        uri: MLflow tracking URI.

    Raises:
        HarnessError: MLflow cannot be reached, or a record cannot be read.
    """
    tracker = Tracker(uri, results / "results" / "mlflow-artifacts")
    before = tracker.finished()
    sent: list[str] = []
    known: set[str] = set()
    for plan in reversed(plans.load_all(results)):
        records = list(_records(results, plan))
        known |= {one.id for one in records if one.id in before}
        missing = [one for one in records if one.id not in before | set(sent)]
        if missing:
            parent = tracker.parent(plan.ablation, plans.key(plan), {"ablation": plan.ablation})
            for stored in missing:
                _send(results, tracker, stored, parent)
            tracker.finish(parent)
            sent += [one.id for one in missing]
    if tracker.uri is None:
        raise HarnessError(f"MLflow at '{printable(uri)}' does not take what is sent")
    return Replayed(tuple(sent), len(known))


def _records(results: Path, plan: StoredPlan) -> Iterator[Record]:
    for cell in plan.cells:
        if (stored := record.read(results, cell.id)) is not None:
            yield stored


def _send(results: Path, tracker: Tracker, stored: Record, parent: str | None) -> None:
    config: dict[str, Any] = asdict(stored.config) | {
        "model": stored.model,
        "label": stored.row or stored.label,
        "options": stored.overrides,
        "drop": list(stored.drop),
        "scale": stored.scale,
        "seed": stored.seed,
        "commit": stored.provenance.commit or "unknown",
    }
    run = tracker.cell(stored.id.rpartition("-")[0], stored.id, config, parent)
    read = stored.readings
    for step, loss, rate in zip(read.steps, read.losses, read.rates, strict=True):
        run.log(step, {"loss": loss, "lr": rate})
    for step, psnr_db in zip(read.scored_steps, read.psnr_db, strict=True):
        run.log(step, {f"psnr_db.{read.set}": psnr_db})
    folder = record.folder(results, stored.id)
    files = [folder / name for name in (record.FILE_NAME, WEIGHTS_FILE)]
    there = tuple(path for path in files if path.is_file())
    run.finish(final_metrics(stored), step=stored.steps, artifacts=there)

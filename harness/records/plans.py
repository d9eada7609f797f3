"""Plans on disk: what a command was to do, so that any machine can say how far it is."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from harness.errors import RecordError
from harness.host import environment, leases
from harness.host.files import write_atomic
from harness.host.leases import Lease
from harness.host.problems import FormatError
from harness.host.reading import from_json, read_text
from harness.host.writing import json_text
from harness.records import failure, record
from harness.records.failure import Failure

log = logging.getLogger(__name__)

State = Literal["done", "running", "failed", "lost", "missing"]


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """A run of a plan.

    Attributes:
        id: Of the record that it gives.
        training_id: Of the record whose weights it has; its checkpoint and its lease lie there.
        label: Name of its row.
        model: Id of the network, or ``file.py:Class``.
        scale: Upscaling factor.
        seed: Of the training; None where nothing is trained.
        sets: The sets that it is to be scored on.
        steps: Of the training; 0 where nothing is trained.
    """

    id: str
    training_id: str
    label: str
    model: str
    scale: int
    seed: int | None
    sets: tuple[str, ...]
    steps: int


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """What a command was to do.

    Attributes:
        ablation: Name of the ablation.
        time: When it was planned last, in ISO 8601.
        commit: Of the harness; None where it is installed.
        cells: The runs, in their order in one process.
    """

    ablation: str
    time: str
    commit: str | None
    cells: tuple[PlannedRecord, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one run is.

    Attributes:
        cell: The run.
        state: ``done``; ``running`` where somebody keeps up its lease; ``lost`` where that has
            stopped; ``failed``; ``missing`` where nothing of all that is there.
        lease: What the process says that runs it, or did.
        why: Why it failed.
    """

    cell: PlannedRecord
    state: State
    lease: Lease | None = None
    why: str = ""


def folder(results: Path) -> Path:
    """Return where the plans of a results root lie."""
    return results / "results" / "plans"


def key(plan: StoredPlan) -> str:
    """Return what a plan is called: its ablation, and the start of a digest of its runs."""
    return key_of(plan.ablation, [cell.id for cell in plan.cells])


def key_of(ablation: str, ids: Sequence[str]) -> str:
    """Return what the plan of these records is called."""
    return f"{ablation}-{record.digest({'cells': list(ids)})[:12]}"


def write(results: Path, ablation: str, cells: Sequence[PlannedRecord]) -> Path:
    """Store a plan; one of the same runs is replaced. Returns its file.

    Raises:
        HarnessError: It cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    plan = StoredPlan(ablation, now, environment.commit()[0], tuple(cells))
    path = folder(results) / f"{key(plan)}.json"
    write_atomic(path, json_text(dataclasses.asdict(plan)) + "\n")
    return path


def load_all(results: Path) -> list[StoredPlan]:
    """Read every plan below a results root, the latest first; say which cannot be read.

    Of those of one second the largest is first: ``seeds=auto`` plans more with each look.
    """
    found = []
    for path in sorted(folder(results).glob("*.json")):
        try:
            found.append(from_json(StoredPlan, read_text(path)))
        except FormatError as error:
            log.warning("'%s' is passed over: %s", path, error)
    return sorted(found, key=lambda plan: (plan.time, len(plan.cells)), reverse=True)


def standings(results: Path, plan: StoredPlan) -> Iterator[Standing]:
    """Yield how far each run of a plan is; loads no PyTorch and no images.

    Whether a set's images are still those that were scored is not looked at.
    """
    failures = {failed.id: failed for failed in failure.load_all(results)}
    for cell in plan.cells:
        yield _standing(results, cell, failures.get(cell.id))


def _standing(results: Path, cell: PlannedRecord, failed: Failure | None) -> Standing:
    path = record.folder(results, cell.training_id) / leases.FILE_NAME
    lease = leases.read(path)
    if _is_done(results, cell):
        return Standing(cell, "done")
    if lease is not None and not leases.is_lost(path, lease):
        return Standing(cell, "running", lease)
    if failed is not None:
        return Standing(cell, "failed", why=failed.explanation)
    if lease is not None:
        return Standing(cell, "lost", lease)
    return Standing(cell, "missing")


def _is_done(results: Path, cell: PlannedRecord) -> bool:
    try:
        stored = record.read(results, cell.id)
    except RecordError as error:
        log.warning("%s", error)
        return False
    return stored is not None and {score.set for score in stored.scores} >= set(cell.sets)

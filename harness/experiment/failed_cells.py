"""Store that a cell failed, and forget it once the cell is done."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.experiment.plan import Cell
from harness.host import environment
from harness.records import failure
from harness.records.failure import Failure
from harness.records.record import digest

if TYPE_CHECKING:  # it needs PyTorch
    from harness.experiment.diagnosis import Diagnosis

log = logging.getLogger(__name__)


def store(results: Path, cell: Cell, *, cell_id: str, group: str, found: Diagnosis) -> Failure:
    """Store why a cell failed; returns that, also where it cannot be written.

    Args:
        results: Results root.
        cell: The cell.
        cell_id: Id of the record that it would have; empty where that cannot be known, because
            its weights cannot be read.
        group: What comparable trainings have in common; empty where nothing is trained.
        found: What went wrong.
    """
    row = cell.row
    failed = Failure(
        id=cell_id or _unidentified(cell),
        group=group,
        label=row.label,
        model=row.model,
        overrides=row.overrides,
        drop=row.drop,
        scale=cell.scale,
        seed=cell.seed,
        reason=found.reason,
        place=found.place,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=environment.commit()[0],
    )
    try:
        failure.write(results, failed)
    except HarnessError as problem:
        log.warning("%s", problem)
    return failed


def forget(results: Path, cell: Cell, *, cell_id: str, group: str) -> None:
    """Forget that a cell failed, under whatever id: its code may have been mended since."""
    row = cell.row
    own = (row.label, row.model, row.overrides, tuple(row.drop), cell.scale, cell.seed)
    ids = [cell_id, _unidentified(cell)]
    for failed in failure.load_all(results):
        of = (
            failed.label,
            failed.model,
            failed.overrides,
            failed.drop,
            failed.scale,
            failed.seed,
        )
        if of == own and failed.group in ("", group):
            ids.append(failed.id)
    failure.remove(results, ids)


def _unidentified(cell: Cell) -> str:
    """Return the id of the failure of a cell that has no other."""
    row = cell.row
    file = cell.checkpoint.name if cell.checkpoint else ""
    content = {"file": file, "overrides": row.overrides, "drop": list(row.drop)}
    return f"{cell.name()}-unidentified-{digest(content)[:12]}"

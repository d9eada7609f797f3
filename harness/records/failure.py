"""A run that failed: why, and where in the user's code. Never a record."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.host.files import write_atomic
from harness.host.problems import FormatError
from harness.host.reading import from_json, read_text
from harness.host.writing import json_text
from harness.records.record import folder

log = logging.getLogger(__name__)

FILE_NAME = "failure.json"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run has no record, or none that is complete.

    Attributes:
        id: Name of its folder, the id of the record that it would have.
        group: What comparable trainings have in common, as in its record; empty where nothing
            is trained.
        label: Name of its row.
        model: Id of the network, or ``file.py:Class`` for the user's own.
        overrides: Constructor arguments that differ from the registered ones.
        drop: Kernel sizes of AWMS branches removed after training.
        scale: Upscaling factor.
        seed: Of the training; None where nothing is trained.
        reason: What went wrong, in one line.
        place: File, below the user's project, and line of the user's code where it did; empty
            where no code of the user's took part.
        time: When, in ISO 8601.
        commit: Of the harness; None where it is installed.
    """

    id: str
    group: str
    label: str
    model: str
    overrides: dict[str, Any]
    drop: tuple[int, ...]
    scale: int
    seed: int | None
    reason: str
    place: str
    time: str
    commit: str | None

    @property
    def explanation(self) -> str:
        """The reason and the place."""
        return f"{self.reason} ({self.place})" if self.place else self.reason

    @property
    def text(self) -> str:
        """Which run failed, and why, in one line."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.label} x{self.scale}{seed}: {self.explanation}"


def write(results: Path, failure: Failure) -> Path:
    """Store a failure in the place of its run's record; returns its file.

    Raises:
        HarnessError: It cannot be written.
    """
    path = folder(results, failure.id) / FILE_NAME
    write_atomic(path, json_text(dataclasses.asdict(failure)) + "\n")
    return path


def remove(results: Path, ids: Iterable[str]) -> None:
    """Forget that runs failed."""
    for cell_id in ids:
        path = folder(results, cell_id) / FILE_NAME
        path.unlink(missing_ok=True)
        with suppress(OSError):  # it holds more than the failure
            path.parent.rmdir()


def load_all(results: Path) -> list[Failure]:
    """Read every failure below a results root, sorted by id; say which cannot be read."""
    failures = []
    for path in sorted((results / "results" / "runs").glob(f"*/{FILE_NAME}")):
        try:
            failures.append(from_json(Failure, read_text(path)))
        except FormatError as error:
            log.warning("'%s' is passed over: %s", path, error)
    return failures

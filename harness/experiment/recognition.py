"""Find what was trained by a network whose code has changed since, and which has not itself."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.experiment.plan import Cell
from harness.host.files import write_atomic
from harness.host.problems import FormatError
from harness.host.reading import from_json, read_text
from harness.records import record
from harness.records.marks import Marks

log = logging.getLogger(__name__)

FILE_NAME = "network.json"
"""Beside the checkpoint of a training that is not finished: what its network is."""


@dataclass(frozen=True, slots=True)
class BegunTraining:
    """A training that was begun.

    Attributes:
        fingerprint: Of its cell.
        marks: Of its network.
    """

    fingerprint: str
    marks: Marks


def write_begun(folder: Path, fingerprint: str, marks: Marks) -> None:
    """Say beside the checkpoint what the network in training is.

    Raises:
        HarnessError: The file cannot be written.
    """
    text = json.dumps(asdict(BegunTraining(fingerprint, marks)), indent=1)
    write_atomic(folder / FILE_NAME, text + "\n")


def marks_of_cell(cell: Cell, *, training: str) -> Marks:
    """Return what the network of a cell is; it is run for that."""
    from harness.evaluation.marks import marks_of

    row = cell.row
    made = marks_of(row.model, scale=cell.scale, overrides=row.overrides, training=training)
    if made.behaviour is None:
        log.info(
            "%s: not the same twice, or fails in float64: its code alone tells what it is",
            row.label,
        )
    return made


class Recognition:
    """The trainings below a results root, found by what their networks are."""

    def __init__(self, results: Path) -> None:
        """Look below a results root; nothing is read before something is to be found.

        What is there then is known; what others begin later is not.
        """
        self._results = results
        self._said: set[str] = set()
        self._begun: dict[str, defaultdict[str, list[tuple[str, BegunTraining]]]] = {}

    def find(self, cell: Cell, *, code: str, training: str) -> tuple[str, str] | None:
        """Return fingerprint and id of a training that gives the weights of a cell.

        Asked where none has the cell's own code. Trainings with the same settings, options and
        seed are compared by the structure and the behaviour of their networks: the network is
        built and run only where there are any.

        Args:
            cell: The cell.
            code: Digest of its network's code.
            training: Digest of all else that determines its weights.
        """
        own: Marks | None = None
        for training_id, begun in self._with(training, cell.name()):
            if code not in begun.marks.code:
                if begun.marks.behaviour is None:
                    continue
                from harness.evaluation.marks import is_same  # with PyTorch

                own = own or marks_of_cell(cell, training=training)
                if not is_same(own, begun.marks):
                    continue
                if training_id not in self._said:
                    self._said.add(training_id)
                    log.info("code changed, network not: %s", training_id)
            return begun.fingerprint, training_id
        return None

    def _with(self, training: str, name: str) -> list[tuple[str, BegunTraining]]:
        """Return the trainings that differ from a cell in their code only, by their ids."""
        if name not in self._begun:  # once: rows with other options have the same name
            of_name = self._begun[name] = defaultdict(list)
            for folder in sorted((self._results / "results" / "runs").glob(f"{name}-*")):
                if begun := _read(folder):
                    of_name[begun.marks.training].append((folder.name, begun))
        return self._begun[name].get(training, [])


def _read(folder: Path) -> BegunTraining | None:
    """Read what a training is, finished or not; None where nothing says so, or it is damaged."""
    try:
        if (folder / record.FILE_NAME).is_file():
            stored = record.read_again(folder / record.FILE_NAME)
            return None if stored.drop else BegunTraining(stored.fingerprint, stored.marks)
        if (folder / FILE_NAME).is_file():
            return from_json(BegunTraining, read_text(folder / FILE_NAME))
    except (HarnessError, FormatError) as error:
        log.debug("%s: %s", folder.name, error)
    return None

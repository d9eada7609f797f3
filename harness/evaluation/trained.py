"""A network that was trained here, by its record or its file, wherever an ID goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError, suggest
from harness.evaluation import record_names
from harness.models.variant import DROP
from harness.records import record
from harness.records.record import FILE_NAME, Record
from harness.weights import described, naming, sealed
from harness.weights.described import WEIGHTS_FILE

PREFIX = "run:"
"""Before what names a stored record, so that no id is taken for it."""

_DROPPED = re.compile(r"-drop[\d.]+$")


@dataclass(frozen=True, slots=True)
class Trained:
    """A network that was trained here.

    Attributes:
        name: Of the network, with its options behind.
        scale: Upscaling factor.
        weights: Their file.
        label: What it is called in tables.
    """

    name: str
    scale: int
    weights: Path
    label: str


def find(word: str, results: Path, *, scale: int | None = None) -> Trained | None:
    """Return the trained network that a word means; None where it means none.

    Args:
        word: ``run:`` and a name of records, as :func:`harness.evaluation.record_names.matches`
            reads it; a record's file or folder; or a file of weights that says what it is of.
        results: Results root.
        scale: The scale that is meant, where a label is at several; None for all.

    Raises:
        UsageError: It means several records, or one whose weights are not there.
        RecordError: A record cannot be read.
        CheckpointError: A file of weights is damaged.
    """
    path = Path(word)
    if path.suffix == ".safetensors" and path.is_file():
        return _of_file(path)
    is_place = (path / FILE_NAME).is_file() or (path.name == FILE_NAME and path.is_file())
    if not is_place and not word.startswith(PREFIX):
        return None
    name = word if is_place else word.removeprefix(PREFIX)
    found = record_names.matches(name, results, scale=scale)
    if not found:
        raise _nothing(word, name, results)
    if len(found) > 1:
        listed = ", ".join(f"{PREFIX}{one.id}" for one in found[:6])
        raise UsageError(f"'{word}' means {len(found)} records: write one of {listed}")
    folder = path if path.is_dir() else path.parent
    runs = folder.parent if is_place else record.folder(results, found[0].id).parent
    return _of_record(found[0], runs, word)


def _nothing(word: str, name: str, results: Path) -> UsageError:
    """Return the error for a name of no record at the scale that was asked for."""
    if elsewhere := record_names.matches(name, results):
        scales = " and ".join(f"x{one}" for one in sorted({one.scale for one in elsewhere}))
        return UsageError(f"'{word}' was trained for {scales}")
    labels = {stored.row or stored.label for stored in record.load_all(results) if stored.steps}
    return UsageError(f"'{word}' names no record{suggest(name, labels)}")


def _of_record(stored: Record, runs: Path, word: str) -> Trained:
    cut = stored.drop and runs / stored.id / WEIGHTS_FILE
    whole = runs / _DROPPED.sub("", stored.id) / WEIGHTS_FILE
    weights = cut if cut and cut.is_file() else whole
    if stored.data.weights or not stored.steps:
        raise UsageError(f"'{word}' was not trained here: name the network and its weights")
    if not weights.is_file():
        raise UsageError(
            f"the weights of '{word}' are not here: expected '{weights}' (the same `harness run` "
            "trains them again)"
        )
    options: dict[str, Any] = dict(stored.overrides)
    if stored.drop and weights == whole:
        options[DROP] = list(stored.drop)
    label = stored.row or stored.label
    return Trained(naming.joined(stored.model, options), stored.scale, weights, label)


def _of_file(path: Path) -> Trained | None:
    said = described.read(sealed.read_sealed(path).metadata, str(path))
    if said is None:
        return None
    return Trained(naming.joined(said.model, said.options), said.scale, path, said.label)

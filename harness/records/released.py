"""Weights that others released: what they stand for, what papers print of them, our scores.

The facts are in ``results/published/weights.yaml``; the files themselves are never part of
the project.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from harness.config import paper, protocols
from harness.config.protocols import DEFAULT
from harness.errors import RecordError
from harness.host.paths import bundled
from harness.host.problems import FormatError
from harness.host.reading import read_text
from harness.host.yaml_reading import from_yaml
from harness.records import published
from harness.records.record import Record, SetScore
from harness.records.selection import by_time

Training = Literal["authors", "released", "retrained"]

KINDS_TEXT = (
    "authors' weights: those of the paper's table; released weights: by the authors or in a port, "
    "but not those of the table; retrained weights: trained again by others"
)
"""What each kind of weights is, for the notes under tables."""

FILE_NAME = "weights.yaml"
SETS = ("Set5", "Set14", "B100")
SMALL_SETS = ("Set5", "Set14")


@dataclass(frozen=True, slots=True)
class Weights:
    """One released file; the fields are the keys of the list.

    Attributes:
        file: Its name.
        sha256: Of its bytes.
        source: Repository, file and commit it comes from.
        training: ``authors``: the weights of the paper's table; ``released``: by the authors or
            in a port, but not those of the table; ``retrained``: trained again by others.
        model: Id of the network.
        scales: Upscaling factors it was trained for.
        protocol: How the printed numbers were measured.
        label: Row of Table 5 that it stands for; empty where there is none.
        also: Other protocols to score it by: on the small sets; on all sets where a protocol
            gives the network the LR of the default one, so that it is not run again.
        sets: Sets to score by its own protocol and by the default one.
        published: PSNR in dB and SSIM as printed, by scale and set, in place of Table 5's.
        key: Which state dict of the file; empty where it holds one.
        images: Training set, where the authors released weights of several; else empty.
        because: Why our scores are the printed ones or are not; empty where nobody knows.
    """

    file: str
    sha256: str
    source: str
    training: Training
    model: str
    scales: tuple[int, ...]
    protocol: str
    label: str = ""
    also: tuple[str, ...] = ()
    sets: tuple[str, ...] = SETS
    published: dict[int, dict[str, tuple[float, float]]] = field(default_factory=dict)
    because: str = ""
    key: str = ""
    images: str = ""

    @property
    def kind(self) -> str:
        """Whose weights they are, in words."""
        return "authors' weights" if self.training == "authors" else f"{self.training} weights"

    def protocols(self, set_name: str) -> tuple[str, ...]:
        """Return the protocols to score a set by, the paper's own first."""
        if set_name not in self.sets:
            return ()
        free = (name for name in self.also if protocols.get(name).sees_as(DEFAULT))
        others = self.also if set_name in SMALL_SETS else free
        return tuple(dict.fromkeys((self.protocol, DEFAULT.name, *others)))


@cache
def load(folder: Path | None = None) -> tuple[Weights, ...]:
    """Return every released file that is known, in the order of Table 5.

    Args:
        folder: Where the list lies; by default the one shipped with the harness.

    Raises:
        RecordError: The list is broken.
    """
    path = (bundled("published") if folder is None else folder) / FILE_NAME
    try:
        return from_yaml(tuple[Weights, ...], read_text(path))
    except FormatError as error:
        raise RecordError(f"'{path}' is no list of weights: {error}") from error


def by_file() -> dict[str, Weights]:
    """Return every released file that is known, by its name."""
    return {weights.file: weights for weights in load()}


def printed(weights: Weights, scale: int) -> dict[str, tuple[float, float]]:
    """Return PSNR in dB and SSIM that the paper prints, by set.

    Those of the weights' own list go before those of Table 5.

    Raises:
        RecordError: The published values cannot be read.
    """
    values: dict[tuple[str, str], float] = {}
    for cell in published.load(paper.SYSTEMS_TABLE) if weights.label else ():
        if (cell.label, cell.scale) == (weights.label, scale) and cell.value is not None:
            values[cell.set, cell.metric] = float(cell.value)
    of_table = {
        name: (psnr, values[name, "ssim"])
        for (name, metric), psnr in values.items()
        if metric == "psnr_db" and (name, "ssim") in values
    }
    return of_table | weights.published.get(scale, {})


class _Scoring(NamedTuple):
    """By what the records of released weights are told apart."""

    sha256: str
    key: str
    model: str
    scale: int
    protocol: str


class ReleasedScores:
    """The stored scores of released weights, by file, scale, protocol and set."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Take any records; those of networks trained or changed here are passed over.

        Of several records of the same scoring, the last finished is taken.
        """
        self._records: dict[_Scoring, Record] = {}
        for record in by_time(records):
            file = record.data.weights
            if file and not _changed(record):
                scoring = (file.sha256, file.key, record.model, record.scale, record.protocol)
                self._records[_Scoring(*scoring)] = record

    def record(self, weights: Weights, scale: int, protocol: str) -> Record | None:
        """Return the record of a file at one scale by one protocol."""
        file = weights.sha256, weights.key, weights.model
        return self._records.get(_Scoring(*file, scale, protocol))

    def score(self, weights: Weights, scale: int, set_name: str, protocol: str) -> SetScore | None:
        """Return the score on one set, None where it was not scored."""
        record = self.record(weights, scale, protocol)
        return record.score(set_name) if record else None


def _changed(record: Record) -> bool:
    """Tell whether the network was not run as released."""
    return bool(
        record.overrides or record.drop or record.config.self_ensemble or record.config.form
    )

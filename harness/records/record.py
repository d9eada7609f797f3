"""What one run is, trained and scored, and its form on disk.

A run is of one variant at one scale with one seed. Its record holds raw numbers only;
tables, figures and statistics are made from records and from nothing else.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal

from harness.data import naming
from harness.errors import RecordError
from harness.host.declaring import NullIsInfinite
from harness.host.files import write_atomic
from harness.host.problems import FormatError
from harness.host.process import uncollected
from harness.host.progress import over
from harness.host.reading import from_json, read_text
from harness.records.consistency import contradictions
from harness.records.learned import LearnedScalars
from harness.records.marks import Marks
from harness.records.origin import Inputs, Provenance, RecordedSettings
from harness.records.readings import Readings

SCHEMA: Literal[2] = 2
"""Of records written now. Those of schema 1 are read; what they lack has a default."""

FILE_NAME = "record.json"

CIRCUMSTANCES = ("config", "provenance", "marks", "wall_time_s", "readings", "schema")
"""What another machine has otherwise where the same run was done there, too."""

Decibel = Annotated[float, NullIsInfinite()]
"""In dB; infinite where SR equals HR, which is ``null`` in JSON."""

LRSource = Literal["files", "made"]


@dataclass(frozen=True, slots=True)
class ImageScore:
    """Scores of one image, by the protocol of the record.

    Attributes:
        name: Name of the image, without suffix.
        psnr_db: PSNR in dB; infinite where SR equals HR.
        ssim: SSIM, at most 1.
    """

    name: str
    psnr_db: Decibel
    ssim: float


@dataclass(frozen=True, slots=True)
class SetScore:
    """Scores of one benchmark set.

    Attributes:
        set: Name of the set.
        lr: ``files`` where the set's own LR images were used, ``made`` where they were
            made from HR.
        sha256: Digest of the LR and HR pixels that were scored.
        images: One score per image.
        psnr_db: Mean over the images of finite PSNR, in dB; infinite where there are none.
        ssim: Mean over the images.
        lr_from: Folder of the LR images, below that of the set; empty where they were made,
            and in records of before it was kept.
    """

    set: str
    lr: LRSource
    sha256: str
    images: tuple[ImageScore, ...]
    psnr_db: Decibel
    ssim: float
    lr_from: str = ""

    @property
    def lr_text(self) -> str:
        """Where LR comes from, in words."""
        return naming.lr_text(None if self.lr == "made" else self.lr_from)

    @classmethod
    def of(
        cls,
        name: str,
        lr: LRSource,
        sha256: str,
        images: tuple[ImageScore, ...],
        *,
        lr_from: str = "",
    ) -> SetScore:
        """Make the score of a set: the plain mean over its images, at least one."""
        finite = [image.psnr_db for image in images if math.isfinite(image.psnr_db)]
        return cls(
            name,
            lr,
            sha256,
            images,
            psnr_db=fmean(finite) if finite else math.inf,
            ssim=fmean([image.ssim for image in images]),
            lr_from=lr_from,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known about one run.

    Attributes:
        id: Name of its folder: model, scale, seed or protocol, and start of the fingerprint.
        fingerprint: SHA-256 of everything that determines the weights, or the scores of
            weights that were not trained here.
        group: What comparable trainings have in common, as a hash; empty where nothing was
            trained.
        model: Id of the network, or ``file.py:Class`` for the user's own.
        label: Its name in tables.
        overrides: Constructor arguments that differ from the registered ones.
        drop: Kernel sizes of AWMS branches removed after training.
        scale: Upscaling factor.
        seed: Of the training; None where nothing was trained.
        steps: Optimiser steps; 0 where nothing was trained here.
        profile: The budget; empty for scored weights.
        full_budget: Whether the training was as long as the paper's, on its data.
        params: Trainable scalars, branches dropped.
        multi_adds: Multi-Adds executed for a 1280x720 output; None where the count is in doubt.
        protocol: How it was scored.
        scores: One per set.
        learned: Its adaptive weights.
        config: The settings of the run.
        data: What it was trained on, or loaded from.
        provenance: Which code, machine and time it comes from.
        wall_time_s: Seconds of training, or of scoring where nothing was trained.
        loss: Mean L1 loss at the end of the training; None where nothing was trained.
        count_doubts: Why the Multi-Adds are not known; empty where they are.
        recipe: How networks were trained, see :data:`harness.records.marks.RECIPE`; 1 in
            records of before it was kept.
        marks: By what the record is found again; empty in such records.
        weights_sha256: Of the tensors of the trained network, branches still there; empty where
            nothing was trained, and in older records.
        row: Label of the row that it was made for; empty in older records.
        remarks: What else differs between the network and others of its backbone.
        readings: The points of the curves of its training; empty in older records.
        schema: Form of the record: 2 for new ones.
    """

    id: str
    fingerprint: str
    group: str
    model: str
    label: str
    overrides: dict[str, Any]
    drop: tuple[int, ...]
    scale: int
    seed: int | None
    steps: int
    profile: str
    full_budget: bool
    params: int
    multi_adds: int | None
    protocol: str
    scores: tuple[SetScore, ...]
    learned: LearnedScalars
    config: RecordedSettings
    data: Inputs
    provenance: Provenance
    wall_time_s: float
    loss: float | None
    count_doubts: tuple[str, ...] = field(default=(), kw_only=True)
    recipe: int = field(default=1, kw_only=True)
    marks: Marks = field(default_factory=Marks, kw_only=True)
    weights_sha256: str = field(default="", kw_only=True)
    row: str = field(default="", kw_only=True)
    remarks: tuple[str, ...] = field(default=(), kw_only=True)
    readings: Readings = field(default_factory=Readings, kw_only=True)
    schema: Literal[1, 2] = field(default=SCHEMA, kw_only=True)

    def score(self, name: str) -> SetScore | None:
        """Return the score on the set of that name, if it has one."""
        return next((score for score in self.scores if score.set == name), None)

    def to_json(self) -> str:
        """Return the record as JSON text, keys in the order of the fields.

        Raises:
            RecordError: A number is NaN, or infinite where only a finite one can be meant.
        """
        raw = dataclasses.asdict(self)
        for score in raw["scores"]:
            for scored in (score, *score["images"]):
                if scored["psnr_db"] == math.inf:
                    scored["psnr_db"] = None
        try:
            return json.dumps(raw, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        except ValueError as error:
            raise RecordError(f"the record '{self.id}' cannot be stored: {error}") from error

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Record:
        """Read a record back.

        Args:
            text: JSON text.
            source: Where it came from, for the error message.

        Raises:
            RecordError: The text is not JSON, not a record, or contradicts itself.
        """
        try:
            record = from_json(cls, text)
            if problems := tuple(contradictions(record.scores)):
                raise FormatError(*problems)
        except FormatError as error:
            of_schema = (one for one in error.problems if one.place == ("schema",))
            problem = next(of_schema, error)
            raise RecordError(f"'{source}' is not a record: {problem}") from error
        return record


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a mapping, the same whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def folder(results: Path, record_id: str) -> Path:
    """Return the folder of a run: its record, and its checkpoints where there are any."""
    return results / "results" / "runs" / record_id


def write(results: Path, record: Record) -> Path:
    """Store a record; returns its file."""
    path = folder(results, record.id) / FILE_NAME
    write_atomic(path, record.to_json())
    return path


def read(results: Path, record_id: str) -> Record | None:
    """Read the record of that id, or return None where there is none yet.

    Raises:
        RecordError: There is a file, but it cannot be read.
    """
    path = folder(results, record_id) / FILE_NAME
    return read_file(path) if path.is_file() else None


@uncollected()
def load_all(*roots: Path) -> list[Record]:
    """Read every record below results roots, sorted by id; of one that is in several, the first.

    Raises:
        RecordError: A file cannot be read, or two files have one id with other results.
    """
    paths = over([path for root in roots for path in files(root)], "read records")
    found: dict[str, tuple[Record, Path]] = {}
    for path in paths:
        record = read_file(path)
        first, where = found.setdefault(record.id, (record, path))
        if other := differing(first, record, besides=CIRCUMSTANCES):
            text = f"'{where}' and '{path}' are of one run, with other {', '.join(other)}"
            raise RecordError(text)
    return [record for _, (record, _) in sorted(found.items())]


def differing(one: Record, other: Record, *, besides: Collection[str] = ()) -> list[str]:
    """Return the names of the fields in which two records differ, besides some."""
    names = [item.name for item in dataclasses.fields(Record) if item.name not in besides]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


def files(results: Path, *, prefix: str = "") -> list[Path]:
    """Return the file of every record below a results root whose id begins so."""
    return sorted((results / "results" / "runs").glob(f"{prefix}*/{FILE_NAME}"))


def read_file(path: Path) -> Record:
    """Read a record from its file.

    Raises:
        RecordError: It cannot be read.
    """
    try:
        text = read_text(path)
    except FormatError as error:
        raise RecordError(f"'{path}' {error}") from error
    return Record.from_json(text, source=str(path))


def read_again(path: Path) -> Record:
    """Read a record from its file, as :func:`read_file`; where it has not changed since, at once.

    For a plan, which asks for the same records again and again.

    Raises:
        RecordError: It cannot be read.
    """
    try:
        state = path.stat()
    except OSError:
        return read_file(path)  # it will tell
    return _read_as_it_is(path, state.st_ino, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=20_000)
def _read_as_it_is(path: Path, *_: int) -> Record:
    return read_file(path)

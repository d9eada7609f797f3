"""What one trained and scored cell is, and its form on disk.

A cell is one variant at one scale with one seed. Its record holds raw numbers only;
tables, figures and statistics are made from records and from nothing else.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.errors import RecordError
from harness.host.files import write_atomic

SCHEMA = 1
FILE_NAME = "record.json"


@dataclass(frozen=True, slots=True)
class ImageScore:
    """Scores of one image: PSNR in dB and SSIM, by the protocol of the record."""

    name: str
    psnr_db: float
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
    lr: str
    sha256: str
    images: tuple[ImageScore, ...]
    psnr_db: float
    ssim: float
    lr_from: str = ""

    @property
    def lr_text(self) -> str:
        """Where LR comes from, in words."""
        if self.lr == "made":
            return "LR made"
        return f"LR read from {self.lr_from or 'the files of the sets'}"

    @classmethod
    def of(
        cls,
        name: str,
        lr: str,
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
            ssim=fmean(image.ssim for image in images),
            lr_from=lr_from,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known about one cell; see the README for the meaning of each field."""

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
    multi_adds: int
    protocol: str
    scores: tuple[SetScore, ...]
    learned: dict[str, Any]
    config: dict[str, Any]
    data: dict[str, Any]
    provenance: dict[str, Any]
    wall_time_s: float
    loss: float | None
    schema: int = field(default=SCHEMA)

    def score(self, name: str) -> SetScore | None:
        """Return the score on the set of that name, if it has one."""
        return next((score for score in self.scores if score.set == name), None)

    def to_json(self) -> str:
        """Return the record as JSON text, keys in the order of the fields."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Record:
        """Read a record back.

        Args:
            text: JSON text.
            source: Where it came from, for the error message.

        Raises:
            RecordError: The text is not JSON, or not a record of this schema.
        """
        try:
            raw = json.loads(text)
        except ValueError as error:
            raise RecordError(f"'{source}' is not a record: {error}") from error
        if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
            found = raw.get("schema") if isinstance(raw, dict) else None
            raise RecordError(f"'{source}' has record schema {found}, expected {SCHEMA}")
        names = {item.name for item in dataclasses.fields(cls)}
        if missing := sorted(names - raw.keys()):
            raise RecordError(f"'{source}' lacks the field '{missing[0]}'")
        if unknown := sorted(raw.keys() - names):
            raise RecordError(f"'{source}' has the unknown field '{unknown[0]}'")
        try:
            raw["scores"] = tuple(_set_score(score) for score in raw["scores"])
            raw["drop"] = tuple(raw["drop"])
            return cls(**raw)
        except (TypeError, ValueError, KeyError) as error:
            raise RecordError(f"'{source}' is not a record: {error}") from error


def _set_score(raw: dict[str, Any]) -> SetScore:
    images = tuple(ImageScore(**image) for image in raw.pop("images"))
    return SetScore(images=images, **raw)


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a mapping, the same whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def folder(results: Path, record_id: str) -> Path:
    """Return the folder of a cell: its record, and its checkpoints where there are any."""
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


def load_all(results: Path) -> list[Record]:
    """Read every record below a results root, sorted by id.

    Raises:
        RecordError: A file cannot be read.
    """
    files = sorted((results / "results" / "runs").glob(f"*/{FILE_NAME}"))
    return sorted((read_file(path) for path in files), key=lambda record: record.id)


def read_file(path: Path) -> Record:
    """Read a record from its file.

    Raises:
        RecordError: It cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"cannot read '{path}': {error}") from error
    return Record.from_json(text, source=str(path))

"""Records as the page keeps them: provenance, the command, and the scores of each image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from harness.config import paper
from harness.records.record import Record, SetScore
from harness.reports import commands, notes
from harness.reports.commands import Asked
from harness.reports.tables.table import Column, TableCell, format_value

_PSNR = Column("", kind="psnr")
_SSIM = Column("", kind="ssim")
_GIGA = Column("", kind="giga")
_KILO = Column("", kind="kilo")
_COUNT = Column("", kind="count")
_INFINITE = "zzz"


def psnr(value: TableCell) -> str:
    """Return a PSNR in dB as tables print it."""
    return format_value(value, _PSNR)


def ssim(value: TableCell) -> str:
    """Return an SSIM as tables print it."""
    return format_value(value, _SSIM)


def giga(value: TableCell) -> str:
    """Return a count in units of 1e9 as tables print it."""
    return format_value(value, _GIGA)


def kilo(value: TableCell) -> str:
    """Return a count in units of 1e3 as tables print it."""
    return format_value(value, _KILO)


def count(value: int | None) -> str:
    """Return a count as tables print it."""
    return format_value(value, _COUNT)


def of(records: Sequence[Record], asked: Sequence[Asked]) -> dict[str, Any]:
    """Return what the page says of records, as plain values for JSON.

    Sets that many records were scored on are kept once, lists of images' names once for all sets
    that have them, and the texts of facts and the words of commands by their place in a list. A
    score is its set, PSNR, SSIM and its images; of these each has six digits to the base of 36:
    three for hundredths of a dB, ``zzz`` being infinite, and three for ten-thousandths of SSIM
    above -1.

    Args:
        records: Those that a number of the page comes from.
        asked: The ablations of the page, for the commands.
    """
    sets = _Sets()
    texts: dict[str, int] = {}
    return {
        "records": {record.id: _one(record, asked, sets, texts) for record in records},
        "sets": sets.listed,
        "names": list(sets.names),
        "texts": list(texts),
    }


class _Sets:
    """The sets that were scored, each once."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self.names: dict[tuple[str, ...], int] = {}
        self._numbers: dict[tuple[object, ...], int] = {}

    def number(self, score: SetScore) -> int:
        """Return the place of a set in the list; it is added where it is new."""
        names = tuple(image.name for image in score.images)
        key = (score.set, score.sha256, score.lr_text, names)
        if key not in self._numbers:
            self._numbers[key] = len(self.listed)
            content = {"set": score.set, "lr": score.lr_text, "sha256": score.sha256}
            images = self.names.setdefault(names, len(self.names))
            self.listed.append(content | {"images": images})
        return self._numbers[key]


def _one(
    record: Record, asked: Iterable[Asked], sets: _Sets, texts: dict[str, int]
) -> dict[str, Any]:
    def place(text: str) -> int:
        return texts.setdefault(text, len(texts))

    facts = [(name, text) for name, text in _facts(record).items() if text]
    commit, remarks = record.provenance.commit, [*record.remarks, *record.count_doubts]
    return {
        "label": record.row or record.label,
        "facts": [place(text) for fact in facts for text in fact],
        "command": [place(word) for word in commands.of(record, asked).split(" ")],
        **({"commit": place(commit)} if commit else {}),
        **({"remarks": remarks} if remarks else {}),
        "scores": [
            (
                sets.number(score),
                psnr(score.psnr_db),
                ssim(score.ssim),
                "".join(
                    _digits(psnr(image.psnr_db)) + _above_minus_one(ssim(image.ssim))
                    for image in score.images
                ),
            )
            for score in record.scores
        ],
    }


def _digits(printed: str) -> str:
    """Return a printed number without its point, in three digits to the base of 36.

    Example:
        >>> _digits("38.55"), _digits("0.9657"), _digits("inf")
        ('2z3', '7g9', 'zzz')
    """
    digits = printed.replace(".", "").replace(",", "")
    return np.base_repr(int(digits), 36).lower().zfill(3) if digits.isdecimal() else _INFINITE


def _above_minus_one(printed: str) -> str:
    """Return by how much a printed SSIM, which may be negative, is above -1, in three digits."""
    return _digits(str(Decimal(printed) + 1))


def _facts(record: Record) -> Mapping[str, str]:
    """Return what is known of a record, by its name for people."""
    origin, weights = record.provenance, record.data.weights
    options = ", ".join(f"{key}={value}" for key, value in record.overrides.items())
    return {
        "Network": f"{record.label} ({record.model}{f': {options}' if options else ''})",
        "Without branches": ", ".join(f"{size}x{size}" for size in record.drop),
        "Scale": f"x{record.scale}",
        "Seed": "" if record.seed is None else str(record.seed),
        "Training": notes.training_text([record]) if record.group else "",
        "Short budget": _short(record) if record.group and not record.full_budget else "",
        "Weights": f"{weights.file} (SHA-256 {weights.sha256})" if weights and weights.file else "",
        "Loss at the end": f"{record.loss:.3f} grey levels" if record.loss is not None else "",
        "Parameters": count(record.params),
        "Multi-Adds": f"{giga(record.multi_adds)} G" if record.multi_adds is not None else "n/a",
        "Protocol": record.protocol,
        "Commit": notes.commit(record, digits=40),
        "Commit of the user's code": origin.project_commit or "",
        "Device": f"{origin.device}, CPU threads: {origin.threads}",
        "Software": f"awsrn-harness {origin.harness}, PyTorch {origin.torch}, "
        f"Python {origin.python}",
        "Finished": f"{origin.finished}, after {_duration(record.wall_time_s)}",
        "Recipe": str(record.recipe) if record.group else "",
        "Fingerprint": record.fingerprint,
    }


def budget(record: Record) -> str:
    """Return how long a network was trained, and on what; of loaded weights, their file."""
    weights = record.data.weights
    if not record.group:
        return f"weights {weights.file}" if weights and weights.file else "nothing was trained"
    of_paper = "" if record.full_budget else ", a short budget"
    return f"{record.steps:,} steps on {notes.train_name(record)}{of_paper}"


def _short(record: Record) -> str:
    if record.steps >= paper.STEPS:
        return "not the training of the paper (Sec. 4.2)"
    return f"{record.steps:,} of the {paper.STEPS:,} steps of the authors' code"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"

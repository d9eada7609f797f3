"""The numbers of an ablation's tables by name, for the tracker."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from harness.records.record import Record

_OURS, _PAPER = "ours_", "paper_"
_OF_RECORDS = frozenset({"scale", "seeds", "steps"})


def table_metrics(files: Iterable[Path], records: Sequence[Record]) -> dict[str, float]:
    """Return the numbers of the tables that some records stand in.

    Args:
        files: What was written; of it, the CSV files are read.
        records: Of one run, one or several scales.

    Returns:
        ``AWRU/mean_psnr_diff_db`` and so on: row and column; with several scales the row's
        is among them, ``AWRU x2/..``.
    """
    trained = {record.id: record for record in records if record.group}
    several = len({record.scale for record in trained.values()}) > 1
    found: dict[str, float] = {}
    for path in files:
        if path.suffix != ".csv":
            continue
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        here = [trained[name] for row in rows for name in _ids(row) if name in trained]
        if not here:  # of another budget, or of other images
            continue
        for row in rows:
            label = row["label"].replace("/", "_")  # MLflow takes it for a folder
            if several:
                label += f" x{row.get('scale') or here[0].scale}"
            if _ids(row):
                found |= {f"{label}/{key}": value for key, value in _numbers(row)}
    return found


def _ids(row: dict[str, str]) -> list[str]:
    return [name for name in row.get("record_ids", "").split(", ") if name]


def _numbers(row: dict[str, str]) -> Iterator[tuple[str, float]]:
    for key, text in row.items():
        if key in _OF_RECORDS or key.startswith(_PAPER):
            continue
        with suppress(ValueError):
            yield key.removeprefix(_OURS), float(text)

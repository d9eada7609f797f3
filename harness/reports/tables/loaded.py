"""Which record of loaded weights a row of a comparison of systems shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from harness.config.ablation import Row
from harness.config.protocols import DEFAULT
from harness.records import released
from harness.records.belonging import belongs
from harness.records.record import Record
from harness.records.released import ReleasedScores
from harness.records.selection import by_time


def find(
    row: Row, scale: int, records: Sequence[Record], scored: ReleasedScores
) -> tuple[Record, str] | None:
    """Return the record of the first file of a row that was scored, and a name for its source.

    Of several records of a file, the last finished is taken.
    """
    public = released.by_file()
    for name in row.checkpoint:
        if weights := public.get(name):
            if record := scored.record(weights, scale, DEFAULT.name):
                return record, weights.kind
            continue
        for record in reversed(by_time(records)):
            loaded = record.data.weights
            if loaded and belongs(record, row) and _is_file(name, scale, loaded.file):
                return record, f"weights {loaded.file}"
    return None


def _is_file(name: str, scale: int, file: str) -> bool:
    return PurePath(name.replace("{scale}", str(scale))).name == file

"""The stored scores of released weights, looked up by file, scale, protocol and set."""

from __future__ import annotations

from collections.abc import Iterable

from harness.records.record import Record, SetScore
from harness.records.released import Weights


def _changed(record: Record) -> bool:
    """Tell whether the network was not run as released."""
    return bool(record.overrides or record.drop or record.config.get("self_ensemble"))


class Scored:
    """Records of scored weights, by what was scored and how."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Take any records; those of networks trained here are ignored."""
        self._records = {
            (str(record.data["weights"]["sha256"]), record.scale, record.protocol): record
            for record in records
            if "weights" in record.data and not _changed(record)
        }

    def record(self, weights: Weights, scale: int, protocol: str) -> Record | None:
        """Return the record of a file at one scale by one protocol."""
        return self._records.get((weights.sha256, scale, protocol))

    def score(self, weights: Weights, scale: int, set_name: str, protocol: str) -> SetScore | None:
        """Return the score on one set, None where it was not scored."""
        record = self.record(weights, scale, protocol)
        return record.score(set_name) if record else None

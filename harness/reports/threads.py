"""The note under a table of trainings with different numbers of CPU threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.records.record import Record


def note(rows: Mapping[str, Sequence[Record]]) -> str:
    """Return which trainings had how many threads; nothing where all had as many.

    Args:
        rows: The records of each row of a table by its label.
    """
    by_number: dict[int, dict[str, list[str]]] = {}
    for label, records in rows.items():
        for record in records:
            if record.group and record.config.device == "cpu":
                of_number = by_number.setdefault(record.config.threads, {})
                of_number.setdefault(label, []).append(str(record.seed))
    if len(by_number) < 2:
        return ""
    texts = [
        f"{number} ({'; '.join(f'{label} {_seeds(seeds)}' for label, seeds in of.items())})"
        for number, of in sorted(by_number.items())
    ]
    return (
        f"CPU threads: {', '.join(texts)}. Sums are rounded otherwise with another number, and "
        "trainings of one seed go apart; they stand in one table because --merge-threads asks "
        "for it."
    )


def _seeds(seeds: Sequence[str]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"

"""What a table says of rows that were looked at until they were decided, and of unequal seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.config.looks import LOOKS
from harness.reports.tables.fields import Field, RowT
from harness.reports.tables.table import Column, TableCell
from harness.statistics.estimates import Inference
from harness.statistics.looks import ERROR, error_at

_MakeField = Callable[[Column, Callable[[Inference], TableCell]], Field[RowT]]


def fields(field: _MakeField[RowT], prefix: str) -> tuple[Field[RowT], ...]:
    """Return the columns of the looks: after how many seeds, at what level, with what verdict.

    Args:
        field: Makes a field whose cells come from the statistics of a row.
        prefix: What the keys of the columns begin with.
    """
    key = f"{prefix}mean_psnr_diff"
    return (
        field(Column(f"{key}_looks", "Looks\n(seeds)"), _seeds),
        field(Column(f"{key}_level", "Level"), _level),
        field(Column(f"{key}_verdict", "Verdict"), _verdict),
    )


def difference(inferences: Sequence[Inference], label: str | None) -> float | None:
    """Return a row's difference, where it is not that of the means over all trainings.

    That is so where the row or its base has seeds that the other lacks, or that no look saw.
    """
    for row in inferences:
        if row.label == label and row.shared is not None and row.estimate:
            return float(row.estimate.diff)
    return None


def over(inferences: Sequence[Inference]) -> str:
    """Return what the confidence of 95 % is over, where there are looks."""
    rows = [row for row in inferences if row.estimate]
    looked = [row.label for row in rows if row.looked]
    if not looked:
        return ""
    return (
        " over all looks"
        if len(looked) == len(rows)
        else (f" (over all looks for {'; '.join(looked)})")
    )


def notes(inferences: Sequence[Inference]) -> tuple[str, ...]:
    """Return the notes on looks, and on differences over fewer seeds than a row has."""
    looked = [row.looked for row in inferences if row.looked]
    waiting = [row.label for row in inferences if row.waiting]
    fewer = [
        f"{row.label} (the first {row.shared})" for row in inferences if row.unused and row.estimate
    ]
    first, later = (100 * error_at(seeds) for seeds in LOOKS[:2])
    until = ", ".join(dict.fromkeys(f"{one.until:g}" for one in looked))
    texts = [
        f"Looks: seeds=auto; a row was looked at after {', '.join(map(str, LOOKS))} seeds and "
        f"stopped where its interval lay above zero, below zero or within \u00b1{until} dB. Level: "
        f"1 - a, a being {first:g} % at the first look and {later:.2g} % at each other, together "
        f"{100 * ERROR:g} %, whatever the looks have in common. p: over all looks, the smallest of "
        f"p {100 * ERROR:g} % / a."
        if looked
        else "",
        f"Not looked at yet, with fewer than {LOOKS[0]} seeds, of which nothing is decided: "
        f"{'; '.join(waiting)}."
        if waiting
        else "",
        "Differences over the seeds that a row shares with its base, where one of the two has "
        f"more: {'; '.join(fewer)}."
        if fewer
        else "",
    ]
    return tuple(text for text in texts if text)


def _seeds(row: Inference) -> TableCell:
    return ", ".join(map(str, row.looked.seeds)) if row.looked else None


def _level(row: Inference) -> TableCell:
    return f"{100 * row.looked.estimate.level:.2f} %" if row.looked else None


def _verdict(row: Inference) -> TableCell:
    if row.waiting:
        return "no look yet"
    return row.looked.words if row.looked else None

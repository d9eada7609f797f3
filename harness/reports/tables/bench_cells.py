"""Cells of measured values, in the tables of ``harness bench``."""

from __future__ import annotations

from decimal import Decimal

from harness.efficiency.bench.rows import MISSING, BenchRow
from harness.reports.tables.table import TableCell

_DIGITS = 3


def range_text(low: float | None, high: float | None) -> str:
    """Return where a measured value lies, rounded."""
    return MISSING if low is None or high is None else f"{rounded(low):,} to {rounded(high):,}"


def measured_cell(value: float | None) -> TableCell:
    """Return a measured value, rounded."""
    return MISSING if value is None else rounded(value)


def rounded(value: float) -> Decimal:
    """Return a measured value rounded to three significant digits, but never to tens or more."""
    number = Decimal(repr(value))
    places = max(_DIGITS - 1 - number.adjusted(), 0) if number else 0
    return number.quantize(Decimal(1).scaleb(-places))


def threads_text(row: BenchRow) -> str:
    """Return the CPU threads of a row, such as ``1 thread``."""
    return f"{row.threads} thread{'s' if row.threads > 1 else ''}"

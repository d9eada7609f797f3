"""The backends that ran a network, speed beside quality: ``harness bench --backends``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.efficiency.bench.rows import BenchRow
from harness.reports.tables.bench_cells import measured_cell, range_text, threads_text
from harness.reports.tables.fields import Field, columns_of, field, rows_of
from harness.reports.tables.table import Table, TableCell


@dataclass(frozen=True, slots=True)
class _Compared:
    """A row beside the first one of its network."""

    row: BenchRow
    base: BenchRow

    @property
    def times(self) -> float:
        return self.base.p50_ms / self.row.p50_ms

    @property
    def gain_db(self) -> float | None:
        if self.row.psnr_db is None or self.base.psnr_db is None:
            return None
        return self.row.psnr_db - self.base.psnr_db


def to_table(rows: Sequence[BenchRow]) -> Table:
    """Return rows of backends, at least one, as a table."""
    first = rows[0]
    sets = ", ".join(dict.fromkeys(row.psnr_set for row in rows))
    return Table(
        name="backends",
        title=f"Backends on {first.device}, {threads_text(first)}, torch {first.torch}",
        columns=columns_of(_FIELDS),
        rows=rows_of(_FIELDS, [_Compared(row, _base(row, rows)) for row in rows]),
        notes=(
            f"Measured by {first.processes} processes for each backend, which took turns. Of "
            "another run: range in which the median of another run is expected "
            f"({100 * first.confidence:.0f} % confidence).",
            "Times: how many times as fast as the first backend of the same network.",
            f"PSNR: on {sets}, by the protocol awsrn, of the same weights; the difference is that "
            "to the first backend.",
            *(f"{row.label} x{row.scale}: {row.note}." for row in rows if row.note),
        ),
    )


def _base(row: BenchRow, rows: Sequence[BenchRow]) -> BenchRow:
    same = ("model", "scale", "input_px")
    return next(
        other for other in rows if all(getattr(other, key) == getattr(row, key) for key in same)
    )


def _psnr(value: float | None) -> TableCell:
    return "n/a" if value is None else value


_FIELDS: tuple[Field[_Compared], ...] = (
    field("label", "Network", lambda one: one.row.label),
    field("scale", "Scale", lambda one: one.row.scale, "count"),
    field("input_px", "LR (px)", lambda one: one.row.input_px),
    field("backend", "Backend", lambda one: one.row.backend),
    field("p50_ms", "p50\n(ms)", lambda one: measured_cell(one.row.p50_ms), "count"),
    field(
        "p50_of",
        "of another\nrun (ms)",
        lambda one: range_text(one.row.p50_low_ms, one.row.p50_high_ms),
    ),
    field("times", "Times", lambda one: measured_cell(one.times), "count"),
    field(
        "peak_memory_mib",
        "Memory\n(MiB)",
        lambda one: measured_cell(one.row.peak_memory_mib),
        "count",
    ),
    field("psnr_db", "PSNR\n(dB)", lambda one: _psnr(one.row.psnr_db), "diff"),
    field("gain_db", "Difference\n(dB)", lambda one: _psnr(one.gain_db), "diff", signed=True),
)

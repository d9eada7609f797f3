"""The rows of ``harness bench`` as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.efficiency.bench.rows import BenchRow
from harness.reports.tables import backends
from harness.reports.tables.bench_cells import measured_cell, range_text, rounded, threads_text
from harness.reports.tables.fields import Field, columns_of, field, rows_of
from harness.reports.tables.table import Table

_CPU_MEMORY = "peak resident memory above that of Python with PyTorch"
_CUDA_MEMORY = "peak of PyTorch's allocator"
_SHARED_BELOW = 0.9


def build(rows: Sequence[BenchRow]) -> Table:
    """Return rows that were measured together as a table: of networks, or of what runs one."""
    return backends.to_table(rows) if any(row.backend for row in rows) else to_table(rows)


def to_table(rows: Sequence[BenchRow]) -> Table:
    """Return rows that were measured together as a table."""
    first = rows[0]
    return Table(
        name="bench",
        title=f"Latency on {first.device}, {first.dtype}, {first.memory_format}, "
        f"{threads_text(first)}, {_weights(first)}, torch {first.torch}",
        columns=columns_of(_FIELDS),
        rows=rows_of(_FIELDS, rows),
        notes=_notes(rows),
        lead=2,
    )


def _weights(row: BenchRow) -> str:
    return "fused" if row.weights == "fused" else f"weight norms {row.weights}"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


_FIELDS: tuple[Field[BenchRow], ...] = (
    field("label", "Network", lambda row: row.label),
    field("scale", "Scale", lambda row: row.scale, "count"),
    field("input_px", "LR (px)", lambda row: row.input_px),
    field("p10_ms", "p10\n(ms)", lambda row: measured_cell(row.p10_ms), "count"),
    field("p50_ms", "p50\n(ms)", lambda row: measured_cell(row.p50_ms), "count"),
    field("p90_ms", "p90\n(ms)", lambda row: measured_cell(row.p90_ms), "count"),
    field(
        "p50_of", "of another\nrun (ms)", lambda row: range_text(row.p50_low_ms, row.p50_high_ms)
    ),
    field("mpixel_per_s", "Mpixel/s", lambda row: measured_cell(row.mpixel_per_s), "count"),
    field("gmacs_per_s", "GMAC/s", lambda row: measured_cell(row.gmacs_per_s), "count"),
    field(
        "peak_share",
        "Share of\npeak (%)",
        lambda row: measured_cell(_percent(row.peak_share)),
        "count",
    ),
    field(
        "peak_share_of",
        "of another\nrun (%)",
        lambda row: range_text(_percent(row.peak_share_low), _percent(row.peak_share_high)),
    ),
    field(
        "peak_memory_mib", "Memory\n(MiB)", lambda row: measured_cell(row.peak_memory_mib), "count"
    ),
    field("energy_j", "Energy\n(J)", lambda row: measured_cell(row.energy_j), "count"),
)


def _notes(rows: Sequence[BenchRow]) -> tuple[str, ...]:
    """Return the notes under the table."""
    first = rows[0]
    cuda = first.device.startswith("cuda")
    notes = [
        f"Measured by {first.processes} processes for each network, all anew after a warm-up; "
        f"{_repeats(rows)} timed repetitions in all.",
        f"Of another run: range in which the median and the share of another run are expected, "
        f"from the medians of the processes ({100 * first.confidence:.0f} % confidence). Two runs "
        "agree if their ranges overlap; the ranges say nothing about a machine under another load.",
        f"Peak: {rounded(first.peak_gmacs_per_s)} GMAC/s (between processes "
        f"{range_text(first.peak_low_gmacs_per_s, first.peak_high_gmacs_per_s)}), measured in "
        f"between with the same threads and numbers; reached by a {first.peak_by}.",
        f"Memory: {_CUDA_MEMORY if cuda else _CPU_MEMORY}.",
        f"Energy: {', '.join(dict.fromkeys(row.energy_note for row in rows))}.",
    ]
    shared = [row for row in rows if row.cpu_share is not None and row.cpu_share < _SHARED_BELOW]
    notes += [f"{_name(row)}: {_busy(row)}." for row in shared]
    notes += [f"{_name(row)}: {row.note}." for row in rows if row.note]
    return tuple(notes)


def _busy(row: BenchRow) -> str:
    advice = "; fewer --threads may be faster" if row.threads > 1 else ""
    return (
        f"got {100 * (row.cpu_share or 0):.0f} % of the time of its {threads_text(row)}; the rest "
        f"went to other processes or to waiting{advice}"
    )


def _name(row: BenchRow) -> str:
    return f"{row.label} x{row.scale}"


def _repeats(rows: Iterable[BenchRow]) -> str:
    counts = [row.repeats for row in rows]
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least} to {most}"

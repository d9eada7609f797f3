"""One point of the page's plot, what it may be drawn over, and measured latencies for that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.efficiency.bench.rows import BenchRow
from harness.reports.tables.bench_cells import rounded, threads_text

PUBLISHED, RESCORED, OWN = "published", "re-scored", "own"
KINDS = (PUBLISHED, RESCORED, OWN)

MULTI_ADDS, PARAMS = "Multi-Adds (G)", "Parameters (K)"


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One network at one scale.

    Attributes:
        label: Its name.
        kind: One of :data:`KINDS`.
        scale: Upscaling factor.
        psnr: By set, as tables print it, in dB.
        costs: By axis, as tables print it: :data:`MULTI_ADDS`, :data:`PARAMS`, or a latency in ms.
        source: Where the scores stand.
        budget: How it was trained.
        ssim: By set, likewise.
        family: Whether it is of the paper's own networks.
        short: Whether it was trained here for less than the paper's budget.
        records: Ids of its records.
    """

    label: str
    kind: str
    scale: int
    psnr: dict[str, str]
    costs: dict[str, str]
    source: str
    budget: str
    ssim: dict[str, str] = field(default_factory=dict)
    family: bool = False
    short: bool = False
    records: tuple[str, ...] = ()


class Latency:
    """Measured medians, by network and scale, one axis a setup."""

    def __init__(self, rows: Iterable[BenchRow]) -> None:
        """Sort measured rows by network and setup; a setup names all that tells rows apart."""
        self._rows: dict[tuple[str, int], dict[str, str]] = {}
        for row in rows:
            axis = (
                f"Latency (ms): {row.device}, {row.dtype}, {threads_text(row)}, "
                f"{row.memory_format}, {row.weights}, to {row.output_px}, by "
                f"{row.backend or 'PyTorch'}, torch {row.torch}"
            )
            self._rows.setdefault((row.model, row.scale), {})[axis] = str(rounded(row.p50_ms))
        self.axes = tuple(dict.fromkeys(axis for of in self._rows.values() for axis in of))

    def of(self, model: str, scale: int) -> dict[str, str]:
        """Return the medians of a network by axis, in ms."""
        return self._rows.get((model, scale), {})

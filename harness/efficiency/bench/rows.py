"""Measured rows on disk: one CSV file per device, number type and PyTorch version."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Literal

from harness.errors import RecordError
from harness.host.files import write_atomic
from harness.host.problems import FormatError
from harness.host.reading import from_csv, read_text

MISSING = "n/a"

WeightsForm = Literal["folded", "as built", "fused", "by backend"]


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One network, measured; the fields are the columns of the files and keys of the JSON form.

    Attributes:
        model: Id of the network.
        label: Its name in tables.
        backend: What ran it; empty where PyTorch did, as the other columns say.
        scale: Upscaling factor.
        input_px: Size of the LR image, such as ``320x180``.
        output_px: Size of the SR image.
        device: Kind and model of the device.
        dtype: ``fp32`` or ``bf16``.
        memory_format: ``contiguous`` or ``channels_last``.
        threads: CPU threads within an operator.
        weights: ``folded``: weight norms are part of the kernels; ``as built``; ``fused``: all
            that merges is merged; or what the backend makes of them.
        weight_norms_folded: How many were folded.
        torch: Version of PyTorch.
        commit: Commit of the code, ``+changes`` where files differed from it.
        processes: Processes that measured it.
        repeats: Timed repetitions of all processes.
        first_ms: The first, cold run: median over the processes.
        p10_ms: Tenth percentile of the repetitions, each process weighing the same.
        p50_ms: Median.
        p90_ms: Ninetieth percentile.
        p50_low_ms: Where the median may lie in another run: lower end.
        p50_high_ms: Upper end.
        confidence: Of that interval, 0..1.
        mpixel_per_s: SR pixels per second at the median, in units of 1e6.
        multi_adds: What the network executes on this image.
        gmacs_per_s: Multi-Adds per second at the median, in units of 1e9.
        peak_gmacs_per_s: The machine's rate on its best work, with the same numbers and
            threads: median over the processes that measured it.
        peak_low_gmacs_per_s: The least of them.
        peak_high_gmacs_per_s: The most.
        peak_by: What the best work was.
        peak_share: The network's rate as a share of the peak.
        peak_share_low: Where that may lie in another run: lower end.
        peak_share_high: Upper end.
        cpu_share: CPU time the process got, as a share of its threads' time.
        peak_memory_mib: CPU: resident memory above that of Python with PyTorch; CUDA:
            PyTorch's allocator.
        energy_j: Joules of one run.
        energy_note: What they belong to, or why there are none.
        psnr_set: Set on which its output was scored, by the paper's protocol; empty for none.
        psnr_db: PSNR on it in dB.
        note: Anything unusual.
        date: End of the measurement, UTC.
    """

    model: str
    label: str
    backend: str
    scale: int
    input_px: str
    output_px: str
    device: str
    dtype: str
    memory_format: Literal["contiguous", "channels_last"]
    threads: int
    weights: WeightsForm
    weight_norms_folded: int
    torch: str
    commit: str
    processes: int
    repeats: int
    first_ms: float
    p10_ms: float
    p50_ms: float
    p90_ms: float
    p50_low_ms: float
    p50_high_ms: float
    confidence: float
    mpixel_per_s: float
    multi_adds: int | None
    gmacs_per_s: float | None
    peak_gmacs_per_s: float
    peak_low_gmacs_per_s: float
    peak_high_gmacs_per_s: float
    peak_by: str
    peak_share: float | None
    peak_share_low: float | None
    peak_share_high: float | None
    cpu_share: float | None
    peak_memory_mib: float | None
    energy_j: float | None
    energy_note: str
    psnr_set: str
    psnr_db: float | None
    note: str
    date: str


@dataclass(frozen=True, slots=True)
class Written:
    """A row, the file it stands in now, and the row that it replaced there, if any."""

    row: BenchRow
    path: Path
    replaced: BenchRow | None

    def agrees(self) -> bool | None:
        """Tell whether the medians of both rows can be the same: whether their intervals meet."""
        old = self.replaced
        if old is None:
            return None
        return self.row.p50_low_ms <= old.p50_high_ms and old.p50_low_ms <= self.row.p50_high_ms


COLUMNS = tuple(field.name for field in fields(BenchRow))
_key = attrgetter("model", "scale", "input_px", "memory_format", "threads", "weights", "backend")


def to_csv(rows: Iterable[BenchRow]) -> str:
    """Return rows as CSV; what is not known is ``n/a``."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = asdict(row).values()
        writer.writerow(MISSING if value is None else str(value) for value in values)
    return out.getvalue()


def write(rows: Sequence[BenchRow], folder: Path) -> list[Written]:
    """Add rows to the files they belong to; a row of the same network and setup is replaced.

    Args:
        rows: What was measured.
        folder: Where the files are, or will be.

    Raises:
        RecordError: A file of that name is there and holds something else.
        HarnessError: A file cannot be written.
    """
    tables: dict[Path, dict[tuple[object, ...], BenchRow]] = {}
    written = []
    for row in rows:
        path = folder / file_name(row)
        if path not in tables:
            tables[path] = {_key(old): old for old in _read(path)}
        written.append(Written(row, path, tables[path].get(_key(row))))
        tables[path][_key(row)] = row
    for path, table in tables.items():
        write_atomic(path, to_csv(table.values()))
    return written


def read_all(folder: Path) -> list[BenchRow]:
    """Return the rows of all files of a folder, none where there is no such folder.

    Raises:
        RecordError: A file is not one of measured rows.
    """
    return [row for path in sorted(folder.glob("*.csv")) for row in _read(path)]


def file_name(row: BenchRow) -> str:
    """Return the name of the file that a row belongs to."""
    device = re.sub(r"[^a-z0-9]+", "-", row.device.lower()).strip("-")
    return f"{device}_{row.dtype}_torch-{row.torch}.csv"


def _read(path: Path) -> list[BenchRow]:
    """Return the rows of a file, none where there is no such file."""
    if not path.exists():
        return []
    try:
        return [row for _, row in from_csv(BenchRow, read_text(path), missing=MISSING)]
    except FormatError as error:
        problem = error.problems[0]
        raise RecordError(
            f"{path}:{problem.line or 1}: not a file of this version of harness bench "
            f"({problem}); move it away"
        ) from error

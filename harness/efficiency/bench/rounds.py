"""Measure networks side by side, each in processes of its own, and make their rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, median_low
from typing import Any

import torch

from harness.efficiency.bench import process
from harness.efficiency.bench.latency import Effort, summarise
from harness.efficiency.bench.peak import Peak
from harness.efficiency.bench.process import Job, Setup, Target
from harness.efficiency.bench.rows import BenchRow, WeightsForm
from harness.efficiency.bench.worker import Measured
from harness.errors import HarnessError
from harness.host import environment
from harness.host.progress import over

log = logging.getLogger(__name__)

_PEAK_EVERY = 2  # rounds

Run = Callable[[Job], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BenchCandidate:
    """A network to be measured.

    Attributes:
        target: The network and its image.
        label: Its name in tables.
        multi_adds: What it executes on the image, None where that cannot be counted.
        note: Why not, or nothing.
        backend: What runs it, in words, where backends are compared.
        setup: How it is run; None as all are.
        quality: Name of a set and its PSNR on it in dB, where that was scored.
    """

    target: Target
    label: str
    multi_adds: int | None
    note: str = ""
    backend: str = ""
    setup: Setup | None = None
    quality: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows of what could be measured, and one line for each network that could not."""

    rows: tuple[BenchRow, ...]
    failures: tuple[str, ...]


def measure(
    candidates: Sequence[BenchCandidate],
    setup: Setup,
    effort: Effort,
    *,
    processes: int,
    run: Run = process.run,
) -> Outcome:
    """Measure networks in rounds: in each round, one new process for every network.

    So whatever slows the machine down for a while falls on all of them, and the spread
    between the processes of a network shows how far another run may lie from this one.
    The machine's peak is measured in the same way, in every second round.

    Args:
        candidates: The networks.
        setup: How they are run.
        effort: How long each process measures.
        processes: Rounds.
        run: Runs a job in a process of its own.

    Raises:
        HarnessError: The machine's peak cannot be measured.
    """
    measurements: dict[BenchCandidate, list[Measured]] = {candidate: [] for candidate in candidates}
    failures: dict[BenchCandidate, str] = {}
    peaks: list[Peak] = []
    turns = [(number, candidate) for number in range(1, processes + 1) for candidate in candidates]
    for number, candidate in over(turns, "measure"):
        if len(failures) == len(measurements):
            break
        if number % _PEAK_EVERY == 1 and candidate is candidates[0]:
            peaks.append(Peak(**run(Job(setup, effort))))
        if candidate in failures:
            continue
        try:
            measured = Measured(**run(Job(candidate.setup or setup, effort, candidate.target)))
        except HarnessError as error:
            failures[candidate] = str(error)
            continue
        measurements[candidate].append(measured)
        log.info("%s", _progress(candidate, measured, number, processes))
    peaks.sort(key=lambda peak: peak.gmacs_per_s)
    rows = [
        _row(candidate, candidate.setup or setup, measured, peaks)
        for candidate, measured in measurements.items()
        if candidate not in failures
    ]
    return Outcome(tuple(rows), tuple(failures.values()))


def _progress(candidate: BenchCandidate, measured: Measured, number: int, processes: int) -> str:
    return (
        f"process {number} of {processes}: {candidate.target.model} x{candidate.target.scale}"
        f"{candidate.backend and f' by {candidate.backend}'}, "
        f"{1e3 * median_low(measured.times_s):.4g} ms ({len(measured.times_s)} repetitions)"
    )


def _row(
    candidate: BenchCandidate, setup: Setup, processes: Sequence[Measured], peaks: Sequence[Peak]
) -> BenchRow:
    """Make the row of one network from its processes' measurements and the sorted peaks."""
    target, first = candidate.target, processes[0]
    times = summarise([measured.times_s for measured in processes])
    peak, low, high = peaks[(len(peaks) - 1) // 2], peaks[0], peaks[-1]
    out_px = [target.scale * side for side in target.lr_px]

    def rate(seconds: float, of: Peak | None = None) -> float | None:
        if candidate.multi_adds is None or candidate.backend:  # whose numbers are its own affair
            return None
        return _short(candidate.multi_adds / seconds / 1e9 / (of.gmacs_per_s if of else 1))

    name, changed = environment.commit()
    return BenchRow(
        model=target.model,
        label=candidate.label,
        backend=candidate.backend,
        scale=target.scale,
        input_px="{}x{}".format(*target.lr_px),
        output_px="{}x{}".format(*out_px),
        device=first.device,
        dtype=setup.dtype,
        memory_format="channels_last" if setup.channels_last else "contiguous",
        threads=first.threads,
        weights=_weights(setup),
        weight_norms_folded=first.folded,
        torch=torch.__version__,
        commit=f"{name or 'unknown'}{'+changes' if changed else ''}",
        processes=times.processes,
        repeats=times.repeats,
        first_ms=_short(1e3 * median_low(measured.first_s for measured in processes)),
        p10_ms=_short(1e3 * times.p10),
        p50_ms=_short(1e3 * times.p50),
        p90_ms=_short(1e3 * times.p90),
        p50_low_ms=_short(1e3 * times.median.low),
        p50_high_ms=_short(1e3 * times.median.high),
        confidence=_short(times.median.confidence),
        mpixel_per_s=_short(out_px[0] * out_px[1] / times.p50 / 1e6),
        multi_adds=candidate.multi_adds,
        gmacs_per_s=rate(times.p50),
        peak_gmacs_per_s=_short(peak.gmacs_per_s),
        peak_low_gmacs_per_s=_short(low.gmacs_per_s),
        peak_high_gmacs_per_s=_short(high.gmacs_per_s),
        peak_by=peak.by,
        peak_share=rate(times.p50, peak),
        peak_share_low=rate(times.median.high, high),
        peak_share_high=rate(times.median.low, low),
        cpu_share=_short_mean(measured.cpu_share for measured in processes),
        peak_memory_mib=_short_max(measured.peak_memory_mib for measured in processes),
        energy_j=_joules(processes),
        energy_note=first.energy_note,
        psnr_set=candidate.quality[0] if candidate.quality else "",
        psnr_db=candidate.quality[1] if candidate.quality else None,
        note=candidate.note,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _weights(setup: Setup) -> WeightsForm:
    if setup.backend:
        return "by backend"
    if setup.fused:
        return "fused"
    return "as built" if setup.as_built else "folded"


def _joules(processes: Sequence[Measured]) -> float | None:
    """Return the energy of one run of the network."""
    used = [measured.joules for measured in processes if measured.joules is not None]
    if len(used) < len(processes):
        return None
    return _short(sum(used) / sum(len(measured.times_s) for measured in processes))


def _short_mean(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return _short(fmean(measured)) if measured else None


def _short_max(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return _short(max(measured)) if measured else None


def _short(value: float) -> float:
    """Round a measured value to six significant digits."""
    return float(f"{value:.6g}")

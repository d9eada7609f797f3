"""Time a step: warm-up, repetitions, percentiles, and the interval of the median."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from statistics import median_low

import numpy as np

Clock = Callable[[], float]

CONFIDENCE = 0.95
"""The confidence that intervals of a median should have, where there are repetitions enough."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long one process goes on measuring.

    Attributes:
        repeats: Fewest timed repetitions, if ``max_s`` leaves time for them.
        min_s: Shortest timed section in seconds.
        max_s: No repetition begins after so many seconds of the timed section.
        precision: Measuring ends when the interval of the median reaches no further than
            this share of the median from it.
        warmup_s: Seconds of untimed runs; at least one.
    """

    repeats: int = 10
    min_s: float = 1.0
    max_s: float = 5.0
    precision: float = 0.01
    warmup_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a median lies.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        confidence: Probability that such an interval holds the median, 0..1.
    """

    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a latency; seconds.

    Attributes:
        processes: How many processes measured it.
        repeats: Timed repetitions, all processes together.
        p10: Tenth percentile, each process weighing the same.
        p50: Median.
        p90: Ninetieth percentile.
        median: Where the median lies, repeated in other processes.
    """

    processes: int
    repeats: int
    p10: float
    p50: float
    p90: float
    median: Interval


def warm_up(step: Callable[[], None], effort: Effort, *, clock: Clock = time.perf_counter) -> float:
    """Run a step untimed until it is warm; return how long the first, cold run took.

    Args:
        step: Returns when its work is done: it must wait for the device.
        effort: For how long.
        clock: Seconds.
    """
    start = clock()
    step()
    first = clock() - start
    while clock() - start < effort.warmup_s:
        step()
    return first


def repeat(
    step: Callable[[], None], effort: Effort, *, clock: Clock = time.perf_counter
) -> list[float]:
    """Time a step until its median is known well enough, or the time is up.

    Args:
        step: Returns when its work is done: it must wait for the device.
        effort: When to stop.
        clock: Seconds.

    Returns:
        Seconds of each repetition, in order; at least one.
    """
    times: list[float] = []
    begin, look_at = clock(), effort.repeats
    while True:
        start = clock()
        step()
        end = clock()
        times.append(end - start)
        if end - begin >= effort.max_s:
            return times
        if len(times) >= look_at and end - begin >= effort.min_s:
            if _known(times, effort.precision):
                return times
            look_at = len(times) * 5 // 4 + 1  # looking takes time, too


def _known(times: Sequence[float], precision: float) -> bool:
    interval, median = median_interval(times), median_low(times)
    reach = max(interval.high - median, median - interval.low)
    return interval.confidence >= CONFIDENCE and reach <= precision * median


def median_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval:
    """Return an interval of the median between two order statistics, free of assumptions.

    The k-th smallest and k-th largest of n independent values enclose the median of their
    distribution, whatever it is, with probability ``1 - 2 P(B < k)``, B binomial (n, 1/2).

    Args:
        values: At least one.
        confidence: Least probability; the whole range and its probability are returned
            where n is too small for it (below 6 values for 95 %).
    """
    ordered, count = sorted(values), len(values)
    allowed = int(Fraction(1 - confidence) * 2**count) // 2
    rank, ways, below = 1, 1, 1  # of the 2^count outcomes, those with fewer than `rank` hits
    while 2 * rank < count:
        ways = ways * (count - rank + 1) // rank
        if below + ways > allowed:
            break
        rank, below = rank + 1, below + ways
    reached = float(1 - Fraction(2 * below, 2**count))
    return Interval(ordered[rank - 1], ordered[count - rank], reached)


def summarise(processes: Sequence[Sequence[float]]) -> Summary:
    """Summarise the repetitions of several processes that measured the same.

    Repetitions within a process share its memory layout and the load of that moment, so
    their spread says too little about another run. The interval given is that of the
    process medians, widened to hold that of all repetitions; with one process, the latter.

    Args:
        processes: Seconds of the repetitions of each process; none is empty.
    """
    times = [seconds for process in processes for seconds in process]
    common = lcm(*map(len, processes))
    weights = [common // len(process) for process in processes for _ in process]
    p10, p50, p90 = np.percentile(times, [10, 50, 90], weights=weights, method="inverted_cdf")
    median = within = median_interval(times)
    if len(processes) > 1:
        between = median_interval([median_low(process) for process in processes])
        median = Interval(
            min(between.low, within.low), max(between.high, within.high), between.confidence
        )
    return Summary(len(processes), len(times), float(p10), float(p50), float(p90), median)

"""Warm-up, repetitions until the median is known, and what is said of it."""

import random
import time
from functools import partial
from itertools import pairwise
from statistics import median_low

import numpy as np
import pytest
from scipy.stats import binom

from harness.efficiency.bench.latency import (
    Effort,
    Interval,
    median_interval,
    repeat,
    summarise,
    warm_up,
)


class Task:
    """Takes the times given, one after the other, then the last one, on a clock of its own."""

    def __init__(self, *times_s):
        self.times_s = times_s
        self.now = 0.0
        self.runs = 0

    def __call__(self):
        self.now += self.times_s[min(self.runs, len(self.times_s) - 1)]
        self.runs += 1

    def clock(self):
        return self.now


def timed(task, **effort):
    return repeat(task, Effort(**effort), clock=task.clock)


def test_the_first_run_is_told_and_not_timed():
    task = Task(3.0, 0.1)
    assert warm_up(task, Effort(warmup_s=0.5), clock=task.clock) == 3.0
    assert task.runs == 1
    assert timed(task, repeats=6, min_s=0) == pytest.approx([0.1] * 6)


def test_warming_up_takes_its_time():
    task = Task(0.125)
    warm_up(task, Effort(warmup_s=0.5), clock=task.clock)
    assert task.runs == 4


def test_equal_times_are_known_after_the_fewest_repetitions():
    assert len(timed(Task(0.125), repeats=10, min_s=0)) == 10


def test_five_repetitions_are_too_few_for_95_percent():
    assert len(timed(Task(0.125), repeats=2, min_s=0)) >= 6


def test_the_shortest_section_is_kept():
    assert sum(timed(Task(0.125), repeats=10, min_s=4)) >= 4


def test_scattered_times_take_more_repetitions_than_close_ones():
    random.seed(0)
    scattered = Task(*(random.uniform(0.01, 0.02) for _ in range(10_000)))
    close = Task(*(random.uniform(0.0100, 0.0105) for _ in range(10_000)))
    many, few = (timed(task, repeats=10, min_s=0, max_s=90) for task in (scattered, close))
    assert len(many) > 3 * len(few)
    for times in (many, few):
        known = median_interval(times)
        assert known.confidence >= 0.95
        assert known.high <= 1.01 * median_low(times)
        assert known.low >= 0.99 * median_low(times)


def test_no_repetition_begins_after_the_longest_section():
    alternating = Task(*[1.0, 2.0] * 100)
    assert timed(alternating, repeats=10, max_s=5) == [1.0, 2.0, 1.0, 2.0]
    assert timed(Task(60.0), repeats=10, max_s=5) == [60.0]


def test_a_longer_sleep_takes_longer_in_proportion():
    effort = Effort(repeats=5, min_s=0, max_s=0.2, warmup_s=0)
    short, long = (median_low(repeat(partial(time.sleep, s), effort)) for s in (0.03, 0.06))
    assert 0.03 <= short < long
    assert long / short == pytest.approx(2, rel=0.4)


@pytest.mark.parametrize("count", [6, 9, 10, 15, 100, 1001, 9000])
def test_the_interval_is_the_narrowest_that_the_binomial_distribution_allows(count):
    known = median_interval(range(1, count + 1))
    rank = known.low
    assert known.high == count + 1 - rank
    assert known.confidence == pytest.approx(1 - 2 * binom.cdf(rank - 1, count, 0.5), abs=1e-9)
    assert known.confidence >= 0.95 > 1 - 2 * binom.cdf(rank, count, 0.5)


@pytest.mark.parametrize(("count", "confidence"), [(1, 0), (2, 0.5), (3, 0.75), (5, 0.9375)])
def test_few_values_give_their_range_and_its_lower_confidence(count, confidence):
    assert median_interval(range(count)) == Interval(0, count - 1, confidence)


def test_the_interval_holds_the_median_as_often_as_it_says():
    draw = np.random.default_rng(0)
    for count in (6, 25):
        known = [median_interval(list(draw.exponential(size=count))) for _ in range(2000)]
        held = sum(one.low <= np.log(2) <= one.high for one in known) / len(known)
        assert held == pytest.approx(known[0].confidence, abs=0.015)


def test_percentiles_are_numpy_s_where_all_processes_weigh_the_same():
    times = np.random.default_rng(1).gamma(3, size=(6, 20))
    found = summarise(times.tolist())
    expected = np.percentile(times, [10, 50, 90], method="inverted_cdf")
    assert [found.p10, found.p50, found.p90] == expected.tolist()
    assert (found.processes, found.repeats) == (6, 120)


def test_a_process_with_more_repetitions_does_not_weigh_more():
    found = summarise([[5.0] * 1000, [1.0], [2.0]])
    assert found.p50 == 2.0


def test_the_interval_of_several_processes_is_that_of_their_medians():
    blocks = [[1.0, 1.1, 1.2], [1.3, 1.4, 1.5], [1.0, 1.2, 9.0]]
    assert summarise(blocks).median.confidence == 0.75
    drifting = [[level + 0.001 * step for step in range(50)] for level in (1, 2, 3, 4, 5, 6)]
    found = summarise(drifting)
    assert found.median == Interval(1.024, 6.024, 0.96875)


def test_one_process_gives_the_interval_of_its_repetitions():
    times = [1.0 + 0.01 * step for step in range(30)]
    assert summarise([times]).median == median_interval(times)


def test_the_median_lies_in_its_interval():
    draw = random.Random(2)
    for _ in range(300):
        blocks = [
            [draw.choice([1.0, 2.0, 3.0, 5.0]) for _ in range(draw.randint(1, 5))]
            for _ in range(draw.randint(1, 7))
        ]
        found = summarise(blocks)
        assert found.median.low <= found.p50 <= found.median.high
        assert all(one <= other for one, other in pairwise([found.p10, found.p50, found.p90]))


def test_runs_on_a_machine_that_wanders_agree_nearly_always():
    """Processes differ by 10 %, repetitions in one by 1 %; six processes a run."""
    draw = np.random.default_rng(3)

    def run():
        levels = draw.normal(1, 0.1, size=6)
        return summarise([draw.normal(level, 0.01, size=20).tolist() for level in levels]).median

    pairs = [(run(), run()) for _ in range(300)]
    apart = sum(one.high < other.low or other.high < one.low for one, other in pairs)
    assert apart <= 6

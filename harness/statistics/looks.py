"""Looking at a difference again and again, and stopping when enough is known.

With ``seeds=auto`` a row is looked at after 3, 4, 5, 6, 8, 10 and 12 seeds. At each look stands the
two-way interval of :mod:`harness.statistics.random_effects` of all trainings so far, at the level
1 - a_k. The errors a_k are fixed here, before anything is trained, and sum to 5 %: so the chance
that an interval of any look misses the truth is at most 5 %, by Bonferroni's inequality, whatever
the looks have in common and for whatever reason a row was stopped. That is error spending (Lan and
DeMets, Biometrika 70, 1983) of repeated confidence intervals (Jennison and Turnbull, J. R. Stat.
Soc. B 51, 1989) without the joint distribution of the looks, which with two sources of variance is
not known. Three fifths of the error are spent at the first look, where a stop saves most.

A row stops when its interval lies above zero, below zero, or wholly inside +-``until``. Since a_k
depends on the number of seeds alone, another ``until`` or a larger ``max`` later costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.config.looks import LOOKS
from harness.statistics.differences import Differences, Metric, Runs, common_seeds

if TYPE_CHECKING:
    from harness.statistics.random_effects import Estimate

ERROR = 0.05
"""The chance that an interval of any look misses the truth, at most."""

_FIRST = 0.6  # the share of it that the first look has

Verdict = Literal["above zero", "below zero", "within", "not decided"]


def error_at(seeds: int) -> float:
    """Return a_k, the error that is spent at the look after so many seeds.

    Example:
        >>> sum(error_at(seeds) for seeds in (3, 4, 5, 6, 8, 10, 12))
        0.05
    """
    if seeds not in LOOKS:
        raise ValueError(f"there is no look after {seeds} seeds")
    first, *others = LOOKS
    return ERROR * (_FIRST if seeds == first else (1 - _FIRST) / len(others))


@dataclass(frozen=True, slots=True)
class Looked:
    """What the looks at a row say, up to the one that decided or the last there was.

    Attributes:
        seeds: After how many seeds it was looked at.
        estimate: The difference at the last look, with its interval.
        p: The p-value over all looks: the smallest of p * 5 % / a_k, at most 1.
        verdict: What the last interval says.
        until: Half the width within which a difference counts as none, in dB.
    """

    seeds: tuple[int, ...]
    estimate: Estimate
    p: float
    verdict: Verdict
    until: float

    @property
    def decided(self) -> bool:
        """Whether the row stopped."""
        return self.verdict != "not decided"

    @property
    def words(self) -> str:
        """The verdict in words."""
        return f"within \u00b1{self.until:g} dB" if self.verdict == "within" else self.verdict


def verdict(estimate: Estimate, until: float) -> Verdict:
    """Return what an interval says."""
    low, high = float(estimate.low), float(estimate.high)
    if low > 0:
        return "above zero"
    if high < 0:
        return "below zero"
    return "within" if -until < low and high < until else "not decided"


def look(row: Runs, base: Runs, sets: Sequence[str], until: float) -> Looked | None:
    """Look at a row after each number of seeds that it shares with its base, until it is decided.

    Only the first seeds count, by their numbers: what was trained beyond a look, for another row's
    sake or before, changes nothing that the look saw. So an interrupted run comes to the same.

    Returns:
        What the looks say; None before the first look, and where there are no finite scores on the
        same images.
    """
    done: list[tuple[int, Estimate]] = []
    said: Verdict = "not decided"
    for seeds in reached(row, base):
        if (found := estimate_at(row, base, sets, seeds, "psnr_db")) is None:
            return None
        done.append((seeds, found))
        said = verdict(found, until)
        if said != "not decided":
            break
    if not done:
        return None
    taken = tuple(seeds for seeds, _ in done)
    return Looked(taken, done[-1][1], p_over(done), said, until)


def reached(row: Runs, base: Runs) -> tuple[int, ...]:
    """Return the looks that two rows have the seeds for."""
    return tuple(seeds for seeds in LOOKS if seeds <= len(common_seeds(row, base)))


def first_seeds(row: Runs, base: Runs, seeds: int) -> tuple[Runs, Runs]:
    """Return the trainings of two rows with the first so many seeds that they share."""
    shared = common_seeds(row, base)[:seeds]
    return row.of_seeds(shared), base.of_seeds(shared)


def estimate_at(
    row: Runs, base: Runs, sets: Sequence[str], seeds: int, metric: Metric
) -> Estimate | None:
    """Return the difference at one look, with its interval at the level of that look."""
    differences = Differences.of(*first_seeds(row, base, seeds), sets, metric)
    return differences.estimate(level=1 - error_at(seeds)) if differences else None


def p_over(looked: Iterable[tuple[int, Estimate]]) -> float:
    """Return the p-value over looks, each by its number of seeds with its estimate."""
    return min(1.0, *(float(one.p) * ERROR / error_at(seeds) for seeds, one in looked))

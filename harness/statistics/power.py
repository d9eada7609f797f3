"""How many seeds a difference needs to be found, and what no number of seeds finds.

The power is that of the two-way interval (:mod:`harness.statistics.random_effects`): the chance
that it lacks zero where the true difference is ``effect``, by the noncentral t distribution, with
the degrees of freedom that the interval has at the true variances. Simulated with 10,000
experiments where seeds dominate, where images do and where both count, it is within 3 points of
what is found (tests/statistics/test_power.py).

From a pilot the variances are known roughly. The number of seeds for the variances as estimated
reaches the power in fewer than half of all pilots, where seeds dominate; that for their upper 80 %
limit (:meth:`harness.statistics.components.Components.upper`) reaches it in 80 of 100, within 3
points, where one source dominates or the images are many. Where seeds and a set of 5 images count
alike it is on the safe side, with 85 to 90; at the edge, where even infinitely many seeds reach the
power only just, it was 77.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np
from scipy.special import nctdtr, stdtrit

from harness.statistics.components import Components
from harness.statistics.random_effects import Array, Estimate, combined

FEWEST = 3
"""Seeds that are planned at least: of two, the spread is as good as unknown."""

MOST = 10_000
"""Seeds that are looked at."""

_FAR = 1e3
"""Standard errors beyond which a difference is always found."""

ASSURANCE = 0.8
"""In which share of pilots the number of seeds for the upper limit reaches the power."""


def expected(components: Components, seeds: float) -> Estimate:
    """Return the interval as it is at the true variances, around a difference of zero."""
    zero = np.zeros(np.shape(components.training))
    rows, images = components.parts(seeds)
    return combined([zero], rows, images)


def half_width(components: Components, seeds: float) -> Array:
    """Return half the width of the interval; of infinitely many seeds, what images leave."""
    found = expected(components, seeds)
    return found.half_width if found.over != "nothing" else np.zeros_like(found.diff)


def power(components: Components, effect: float, seeds: float) -> Array:
    """Return how often a difference is found, in 0..1.

    Args:
        components: The variances, in the squared unit of the effect.
        effect: The true difference, above zero.
        seeds: Trainings a row, 2 or more, or infinite.
    """
    found = expected(components, seeds)
    error = np.nan_to_num(found.error)
    size = np.divide(effect, error, out=np.full_like(error, inf), where=error > 0)
    critical = stdtrit(found.df, (1 + found.level) / 2)
    shift = np.minimum(size, _FAR)
    # Where a tail is too small for the series, it gives NaN: the other side holds everything.
    above = np.nan_to_num(1 - nctdtr(found.df, shift, critical), nan=1.0)
    below = np.nan_to_num(nctdtr(found.df, shift, -critical), nan=0.0)
    return np.asarray(np.minimum(above + below, 1))


def seeds_needed(components: Components, effect: float, wanted: float) -> float | None:
    """Return how many seeds reach a power, three or more.

    Returns:
        Their number; infinite where more than :data:`MOST` are needed; None where no number of
        seeds is enough, because the images alone leave too much.
    """
    return _least(lambda seeds: float(power(components, effect, seeds)) >= wanted)


def seeds_assured(components: Components, effect: float, wanted: float) -> float | None:
    """Return how many seeds reach a power in 80 of 100 pilots; otherwise as seeds_needed."""
    return _least(
        lambda seeds: float(power(components.upper(seeds, ASSURANCE), effect, seeds)) >= wanted
    )


def _least(enough: Callable[[float], bool]) -> float | None:
    """Return the least number that is enough, by halving what it may be."""
    if not enough(inf):
        return None
    if not enough(MOST):
        return inf
    low, high = FEWEST - 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high

"""Does one network hold a claim against another? Shown, refuted, or not to be told.

A claim is on the true difference in mean PSNR over new trainings and new images, by the ends of the
two-way interval: at 95 % each end is a one-sided bound of 97.5 %, which is how non-inferiority is
judged in trials (CONSORT extension, Piaggio et al., JAMA 308, 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Literal

from harness.statistics import components, power
from harness.statistics.differences import Differences, Runs, common_seeds
from harness.statistics.estimates import Inference

if TYPE_CHECKING:
    from collections.abc import Sequence

Claim = Literal["non-inferiority", "improvement", "regression"]
Outcome = Literal["shown", "cannot tell", "refuted"]

_POWER = 0.8


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be said of a claim.

    Attributes:
        claim: The claim.
        margin: Its margin, in dB.
        outcome: Whether it holds.
        low: The lower end of the interval, in dB; None where there is none.
        high: The upper end.
        diff: The difference, in dB.
        seeds: Trainings of the new network that it is of.
        reason: Why it cannot be told, or what the interval says.
        needed: Seeds that would tell with a power of 80 % if difference and spread were as
            estimated; None where no number would, or it is not known, as with looks.
    """

    claim: Claim
    margin: float
    outcome: Outcome
    low: float | None
    high: float | None
    diff: float | None
    seeds: int
    reason: str
    needed: int | None = None


def border(claim: Claim, margin: float) -> float:
    """Return the true difference at which a claim begins to hold, in dB."""
    return margin if claim == "improvement" else -margin


def outcome(low: float, high: float, claim: Claim, margin: float) -> Outcome:
    """Return what an interval says of a claim.

    ``non-inferiority``: the new network is not worse by the margin. ``improvement``: it is better
    by more than the margin. ``regression``: it is worse by more than the margin.

    Example:
        >>> outcome(-0.004, 0.02, "non-inferiority", 0.01)
        'shown'
        >>> outcome(-0.004, 0.02, "improvement", 0.01)
        'cannot tell'
    """
    at = border(claim, margin)
    above, below = low > at, high < at
    if claim == "regression":
        above, below = below, above
    return "shown" if above else "refuted" if below else "cannot tell"


def judge(
    found: Inference,
    new: Runs,
    old: Runs,
    sets: Sequence[str],
    *,
    claim: Claim,
    margin: float,
    images_only: bool = False,
) -> Judged:
    """Judge a claim.

    Args:
        found: The statistics of the new network beside the old one.
        new: Trainings of the new network.
        old: Those of the old one.
        sets: The sets that the mean runs over.
        claim: The claim.
        margin: Its margin, in dB, 0 or more.
        images_only: Whether the claim is of these very weights, so that one training is enough.
    """
    number = found.shared or len(new.seeds)
    if found.estimate is None:
        why = (
            "no look was reached, with fewer than 3 seeds"
            if found.waiting
            else "there are no finite scores on the same images"
        )
        return Judged(claim, margin, "cannot tell", None, None, None, number, why)
    diff, low, high = (
        float(value) for value in (found.estimate.diff, found.estimate.low, found.estimate.high)
    )
    if found.partial and not images_only:
        why = "one training says nothing of other seeds"
        return Judged(claim, margin, "cannot tell", low, high, diff, number, why)
    said = outcome(low, high, claim, margin)
    level = 100 * found.estimate.level
    why = f"the {level:g} % interval is [{low:+.4f}, {high:+.4f}] dB"
    if said != "cannot tell" or found.partial:
        return Judged(claim, margin, said, low, high, diff, number, why)
    if found.looked:
        more = "its looks have levels of their own, so further seeds are seeds=auto's to choose"
        return Judged(claim, margin, said, low, high, diff, number, f"{why}; {more}")
    needed, more = _needed(new, old, sets, abs(diff - border(claim, margin)))
    return Judged(claim, margin, said, low, high, diff, number, f"{why}; {more}", needed)


def _needed(new: Runs, old: Runs, sets: Sequence[str], distance: float) -> tuple[int | None, str]:
    """Return how many seeds would tell, and that in words."""
    seeds = common_seeds(new, old)
    if len(seeds) < 2:
        return None, "how many seeds would tell is not known, as the two share fewer than two"
    differences = Differences.of(new.of_seeds(seeds), old.of_seeds(seeds), sets, "psnr_db")
    if differences is None or distance == 0:
        return None, "no number of seeds would tell"
    number = power.seeds_needed(components.of_sample(differences.samples[0]), distance, _POWER)
    if number is None or isinf(number):
        return None, "no number of seeds would tell, if difference and spread are as estimated"
    return int(number), (
        f"about {int(number)} seeds would tell (power {_POWER:g}), if difference and spread are "
        "as estimated"
    )

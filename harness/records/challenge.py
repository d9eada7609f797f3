"""How the NTIRE challenge on efficient SR scores networks: results/published/ntire.yaml."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cache
from math import exp, inf, isclose

from harness.errors import RecordError, UsageError
from harness.host.paths import bundled
from harness.host.problems import FormatError
from harness.host.reading import read_text
from harness.host.yaml_reading import from_yaml

FILE_NAME = "ntire.yaml"

SCALE = 4
"""The challenge's only upscaling factor."""

LR_PX = (256, 256)
"""Width and height of the LR image for which the challenge counts FLOPs, in pixels."""


@dataclass(frozen=True, slots=True)
class Triple:
    """One number each for runtime, FLOPs and parameters: their weights, or ratios to the base."""

    runtime: float
    flops: float
    params: float


@dataclass(frozen=True, slots=True)
class Challenge:
    """The rules of a year; the fields are the keys of the list.

    Attributes:
        year: Of the challenge.
        base: Id of the network whose figures all others are divided by.
        weights: Of the three parts of the score.
        gpu: On which the challenge measures runtime.
        source: Where that is published.
    """

    year: int
    base: str
    weights: Triple
    gpu: str
    source: str


def score(ratios: Triple, weights: Triple) -> float:
    """Return the final score, lower being better; the base has ``exp(2)``, 7.3891.

    It is the weighted sum of ``exp(2 * ratio)``: step 3 and 4 of the ranking in the READMEs
    that ``ntire.yaml`` names. The exponential grows fast: a network that takes twice as long
    as the base has more than seven times its part of the score.

    Args:
        ratios: Runtime, FLOPs and parameters, each divided by those of the base.
        weights: Of the year.

    Returns:
        The score; infinite where a ratio is so large (above 354) that no float holds it.
    """
    try:
        return (
            weights.runtime * exp(2 * ratios.runtime)
            + weights.flops * exp(2 * ratios.flops)
            + weights.params * exp(2 * ratios.params)
        )
    except OverflowError:
        return inf


def of_year(year: int) -> Challenge:
    """Return the rules of a year.

    Raises:
        UsageError: They are not listed.
        RecordError: The list is broken.
    """
    known = {challenge.year: challenge for challenge in _load()}
    if year not in known:
        years = ", ".join(map(str, known))
        raise UsageError(f"--ntire {year}: there are no rules of that year (known: {years})")
    return known[year]


@cache
def _load() -> tuple[Challenge, ...]:
    path = bundled("published") / FILE_NAME
    try:
        listed = from_yaml(tuple[Challenge, ...], read_text(path))
    except FormatError as error:
        raise RecordError(f"'{path}' is no list of challenges: {error}") from error
    for challenge in listed:
        if not isclose(sum(astuple(challenge.weights)), 1):
            raise RecordError(f"'{path}': the weights of {challenge.year} do not add up to 1")
    return listed

"""What scores that are stored cannot be: doublets, and means that do not follow from the images."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness.host.problems import Problem

if TYPE_CHECKING:
    from harness.records.record import SetScore

_TOLERANCE = 1e-9


def contradictions(scores: tuple[SetScore, ...]) -> Iterable[Problem]:
    """Return where scores cannot be right: doublets, and means that do not follow."""
    for name in _doublets([score.set for score in scores]):
        yield Problem(("scores",), f"there are two scores of the set '{name}'")
    for number, score in enumerate(scores):
        place = ("scores", number)
        if not score.images:
            yield Problem((*place, "images"), "expected at least one")
            continue
        for name in _doublets([image.name for image in score.images]):
            yield Problem((*place, "images"), f"there are two images '{name}'")
        mean = _mean(score)
        if mean is None or not _equal(score.psnr_db, mean.psnr_db):
            yield Problem((*place, "psnr_db"), "is not the mean over the images")
        if mean is None or not _equal(score.ssim, mean.ssim):
            yield Problem((*place, "ssim"), "is not the mean over the images")


def _doublets(names: Sequence[str]) -> list[str]:
    if len(set(names)) == len(names):  # almost always, and quicker than counting
        return []
    return [name for name, count in Counter(names).items() if count > 1]


def _mean(score: SetScore) -> SetScore | None:
    """Return the score as it follows from the images, None where their sum is beyond floats."""
    try:
        return type(score).of(score.set, score.lr, score.sha256, score.images)
    except OverflowError:
        return None


def _equal(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=_TOLERANCE)

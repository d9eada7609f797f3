"""Means of scores: over trainings, and over the sets that all of the trainings share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf, isinf
from statistics import fmean

from harness.records.record import SetScore


def mean_scores(trainings: Sequence[Iterable[SetScore]]) -> dict[str, tuple[float, float]]:
    """Return the mean over trainings of (PSNR in dB, SSIM), for each set that all of them have.

    Args:
        trainings: The scores of each training, one a set.
    """
    by_set = _by_set(trainings)
    return {
        name: (fmean(score.psnr_db for score in scores), fmean(score.ssim for score in scores))
        for name, scores in by_set.items()
        if len(scores) == len(trainings)
    }


def mean_over_sets(psnr_db: Mapping[str, float], sets: Sequence[str]) -> float | None:
    """Return the plain mean of the PSNR of sets, in dB: every set counts the same.

    Args:
        psnr_db: PSNR by set.
        sets: The sets to take the mean over.

    Returns:
        The mean; None where a set has no PSNR, or there are no sets.
    """
    if not sets or any(name not in psnr_db for name in sets):
        return None
    return fmean(psnr_db[name] for name in sets)


def shared_sets(trainings: Sequence[Iterable[SetScore]]) -> dict[str, bool]:
    """Return the sets that all trainings were scored on, and whether on the same images.

    Args:
        trainings: The scores of each training, one a set.
    """
    return {
        name: all(same_images(score, scores[0]) for score in scores)
        for name, scores in _by_set(trainings).items()
        if len(scores) == len(trainings)
    }


def incomparable_sets(trainings: Sequence[Iterable[SetScore]], sets: Sequence[str]) -> list[str]:
    """Return the sets on which differences of mean PSNR say nothing.

    A mean leaves out the images of infinite PSNR, where SR equals HR: means that leave out
    different ones, or all, do not compare.

    Args:
        trainings: The scores of each training, one a set.
        sets: The sets to look at.
    """
    by_set = _by_set(trainings)
    return [
        name
        for name in sets
        if len({_infinite(score) for score in by_set[name]}) > 1
        or any(isinf(score.psnr_db) for score in by_set[name])
    ]


def _infinite(score: SetScore) -> frozenset[str]:
    return frozenset([image.name for image in score.images if image.psnr_db == inf])


def same_images(score: SetScore, other: SetScore) -> bool:
    """Tell whether two scores of a set are of the same pixels, with LR from the same place."""
    return (score.sha256, score.lr) == (other.sha256, other.lr)


def _by_set(trainings: Iterable[Iterable[SetScore]]) -> dict[str, list[SetScore]]:
    scores: defaultdict[str, list[SetScore]] = defaultdict(list)
    for training in trainings:
        for score in training:
            scores[score.set].append(score)
    return scores

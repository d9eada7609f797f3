"""Means over trainings and over sets, worked out by hand."""

import pytest

from harness.records.means import (
    incomparable_sets,
    mean_over_sets,
    mean_scores,
    same_images,
    shared_sets,
)
from harness.records.record import ImageScore, SetScore


def score(name, psnr_db=30.0, ssim=0.9, *, pixels="p", lr="files"):
    return SetScore(name, lr, pixels, (), psnr_db, ssim)


def test_means_are_over_trainings_and_only_of_sets_that_all_of_them_have():
    first = [score("Set5", 30.0, 0.8), score("Set14", 20.0)]
    second = [score("Set5", 33.0, 0.9)]
    means = mean_scores([first, second])
    assert list(means) == ["Set5"]
    assert means["Set5"] == pytest.approx((31.5, 0.85))


def test_every_set_counts_the_same_in_a_mean_over_sets():
    psnr_db = {"Set5": 38.0, "B100": 32.0, "Set14": 33.5}
    assert mean_over_sets(psnr_db, ["Set5", "B100"]) == pytest.approx(35.0)
    assert mean_over_sets(psnr_db, tuple(psnr_db)) == pytest.approx(103.5 / 3)


@pytest.mark.parametrize("sets", [(), ("Urban100",), ("Set5", "Urban100")])
def test_there_is_no_mean_over_sets_that_were_not_scored(sets):
    assert mean_over_sets({"Set5": 38.0}, sets) is None


def test_shared_sets_are_told_apart_by_their_images():
    first = [score("Set5"), score("Set14"), score("B100")]
    second = [score("Set14", pixels="others"), score("Set5", psnr_db=31.0)]
    assert shared_sets([first, second]) == {"Set5": True, "Set14": False}


@pytest.mark.parametrize(
    ("changes", "same"), [({}, True), ({"pixels": "q"}, False), ({"lr": "made"}, False)]
)
def test_images_are_the_same_where_pixels_and_the_origin_of_lr_are(changes, same):
    assert same_images(score("Set5"), score("Set5", psnr_db=10.0, **changes)) is same


INF = float("inf")


def of_images(name, *psnr_db):
    images = tuple(ImageScore(f"i{n}", value, 0.9) for n, value in enumerate(psnr_db))
    return SetScore.of(name, "files", "p", images)


@pytest.mark.parametrize(
    ("first", "second", "compare"),
    [
        ((30.0, 31.0), (32.0, 33.0), True),
        ((INF, 31.0), (INF, 33.0), True),
        ((INF, 31.0), (32.0, 33.0), False),
        ((INF, 31.0), (32.0, INF), False),
        ((INF, INF), (INF, INF), False),
    ],
)
def test_means_that_leave_out_different_images_or_all_do_not_compare(first, second, compare):
    trainings = [[of_images("a", *first), of_images("b", 30.0)], [of_images("a", *second)]]
    assert incomparable_sets(trainings, ["a"]) == ([] if compare else ["a"])
    assert incomparable_sets(trainings, ["b"]) == []

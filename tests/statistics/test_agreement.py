"""The sign test over images, by hand and by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.statistics.agreement import Agreement, of_trainings


@pytest.mark.parametrize("images", [1, 5, 19])
def test_when_all_images_lose_p_is_twice_the_chance_of_as_many_heads(images: int) -> None:
    assert Agreement(0, images, 3, unanimous=True).p == pytest.approx(2 * 0.5**images)
    assert Agreement(images, 0, 3, unanimous=True).p == pytest.approx(2 * 0.5**images)


@pytest.mark.parametrize(("better", "worse"), [(3, 16), (9, 10), (7, 7), (40, 79), (12, 1), (0, 0)])
def test_p_is_that_of_the_binomial_test(better: int, worse: int) -> None:
    oracle = stats.binomtest(better, better + worse).pvalue if better + worse else 1
    assert Agreement(better, worse, 3, unanimous=False).p == pytest.approx(oracle)


def test_images_count_by_their_mean_over_trainings_in_all_sets() -> None:
    """Means of the differences: -1, +0.5 and 0 in one set, +2 in the other."""
    base = [np.zeros((2, 3)), np.zeros((2, 1))]
    row = [np.array([[-3.0, 2, 1], [1, -1, -1]]), np.array([[1.0], [3]])]
    found = of_trainings(row, base, paired=True)
    assert (found.better, found.worse, found.trainings) == (2, 1, 2)
    assert not found.unanimous


def test_one_training_that_disagrees_on_one_image_is_no_unanimity() -> None:
    base, row = [np.zeros((3, 4))], [np.full((3, 4), -0.5)]
    assert of_trainings(row, base, paired=True).unanimous
    row[0][2, 1] = 0.001
    found = of_trainings(row, base, paired=True)
    assert found.worse == 4
    assert not found.unanimous
    row[0][2, 1] = 0
    assert not of_trainings(row, base, paired=True).unanimous


def test_rows_of_different_seeds_are_compared_each_with_each() -> None:
    """Seed by seed the row gains, but its worst training is below the base's best."""
    base, row = [np.array([[1.0], [5.0]])], [np.array([[2.0], [6.0]])]
    assert of_trainings(row, base, paired=True).unanimous
    apart = of_trainings(row, base, paired=False)
    assert (apart.trainings, apart.unanimous) == (4, False)


@pytest.mark.parametrize("shift", [-9.0, -0.5, 0.0, 0.4, 9.0])
def test_each_with_each_is_what_all_pairs_made_one_by_one_give(shift: float) -> None:
    chance = np.random.default_rng(0)
    row = [chance.normal(shift, size=(4, 6)), chance.normal(shift, size=(4, 3))]
    base = [chance.normal(size=(3, 6)), chance.normal(size=(3, 3))]
    pairs = [
        [
            a - b
            for ours, theirs in zip(row, base, strict=True)
            for a, b in zip(ours[i], theirs[j], strict=True)
        ]
        for i in range(4)
        for j in range(3)
    ]
    found = of_trainings(row, base, paired=False)
    means = np.mean(pairs, axis=0)
    assert (found.better, found.worse) == ((means > 0).sum(), (means < 0).sum())
    assert found.trainings == len(pairs)
    assert found.unanimous == (np.all(np.array(pairs) > 0) or np.all(np.array(pairs) < 0))

"""The bootstrap is repeatable, right for many images, and too short for few seeds."""

from __future__ import annotations

import numpy as np
import pytest

from harness.statistics.bootstrap import interval


def test_the_bootstrap_of_3_seeds_covers_too_little() -> None:
    """Effects of seeds and of images, and a residual, each with a spread of 1."""
    held = []
    draw = np.random.default_rng(0)
    for _ in range(300):
        seeds, images, rest = (draw.standard_normal(size) for size in ((3, 1), (1, 14), (3, 14)))
        values = seeds + images + rest
        low, high = interval([values], replicates=1000)
        held.append(low <= 0 <= high)
    assert 0.70 <= np.mean(held) <= 0.88


def test_the_bootstrap_over_many_images_nears_the_normal_interval() -> None:
    values = np.random.default_rng(5).normal(1.0, 2.0, size=(1, 400))
    low, high = interval([values])
    error = values.std() / 20
    assert (low, high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.03
    )


def test_the_bootstrap_is_the_same_every_time() -> None:
    values = np.random.default_rng(6).normal(size=(3, 14))
    assert interval([values]) == interval([values.copy()])


def test_the_bootstrap_is_of_the_mean_over_sets() -> None:
    """Sets without any spread: their means are 1 and 3 whatever is drawn."""
    assert interval([np.full((2, 3), 1.0), np.full((2, 5), 3.0)]) == pytest.approx((2.0, 2.0))

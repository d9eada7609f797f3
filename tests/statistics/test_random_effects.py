"""Intervals hold the truth as often as they say, and agree with textbooks where those apply."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.statistics.random_effects import Estimate, estimate, holm, unrelated

SIMULATIONS = 1000

# Spread over seeds, over images, and of the residual, as standard deviations.
SPREADS = [
    (0.0, 0.0, 1.0),
    (1.0, 0.0, 0.0),
    (0.0, 1.0, 0.0),
    (1.0, 0.0, 1.0),
    (0.0, 1.0, 1.0),
    (1.0, 1.0, 0.0),
    (1.0, 1.0, 1.0),
    (1.0, 3.0, 1.0),
    (1.0, 10.0, 1.0),
    (3.0, 1.0, 1.0),
    (10.0, 1.0, 1.0),
    (0.3, 1.0, 1.0),
    (0.1, 1.0, 0.3),
    (1.0, 0.3, 3.0),
]


def simulated(
    spreads: tuple[float, float, float],
    seeds: int,
    images: tuple[int, ...],
    *,
    truth: float = 0.0,
    seed: int = 0,
    simulations: int = SIMULATIONS,
) -> list[np.ndarray]:
    """Return differences, ``(simulations, seeds, images)`` for each set, by the model."""
    draw = np.random.default_rng([seed, seeds, *images, *(int(100 * each) for each in spreads)])
    of_seed, of_image, rest = spreads
    shared = of_seed * draw.standard_normal((simulations, seeds, 1))
    return [
        truth
        + shared
        + of_image * draw.standard_normal((simulations, 1, number))
        + rest * draw.standard_normal((simulations, seeds, number))
        for number in images
    ]


def coverage(found: Estimate, truth: float) -> float:
    return float(np.mean((found.low <= truth) & (truth <= found.high)))


def same(found: Estimate, test: object) -> None:
    """Compare with one of scipy's t tests."""
    interval = test.confidence_interval()  # type: ignore[attr-defined]
    assert float(found.low) == pytest.approx(interval.low)
    assert float(found.high) == pytest.approx(interval.high)
    assert float(found.p) == pytest.approx(test.pvalue)  # type: ignore[attr-defined]
    assert float(found.df) == pytest.approx(test.df, rel=1e-6)  # type: ignore[attr-defined]


@pytest.mark.parametrize("images", [(5,), (14,), (100,), (5, 14, 100)], ids=str)
@pytest.mark.parametrize("spreads", SPREADS, ids=str)
def test_intervals_of_3_seeds_hold_the_truth_in_92_to_98_of_100_cases(
    spreads: tuple[float, float, float], images: tuple[int, ...]
) -> None:
    found = estimate(simulated(spreads, 3, images, truth=0.05))
    assert 0.92 <= coverage(found, 0.05) <= 0.98


@pytest.mark.parametrize("spreads", SPREADS, ids=str)
def test_so_do_those_of_5_seeds(spreads: tuple[float, float, float]) -> None:
    assert 0.92 <= coverage(estimate(simulated(spreads, 5, (14, 100))), 0.0) <= 0.98


@pytest.mark.parametrize("spreads", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0, 1.0)], ids=str)
def test_so_do_those_of_rows_with_different_seeds(spreads: tuple[float, float, float]) -> None:
    of_seed, of_image, rest = spreads
    row = simulated((of_seed, of_image, rest), 3, (14,), truth=0.3, seed=1)
    base = simulated((of_seed / 3, 0, rest), 4, (14,), seed=2)
    assert 0.92 <= coverage(estimate(row, [-values for values in base]), 0.3) <= 0.98


def test_sums_of_squares_by_hand() -> None:
    # Means over images 2, 4, over seeds 1.5, 3, 4.5; residuals 0.5, 0, -0.5 and their negatives.
    # MS_s = 6, MS_i = 4.5, MS_e = 0.5: variance of the mean (6 + 4.5 - 0.5) / 6.
    found = estimate([np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])])
    assert float(found.diff) == pytest.approx(3)
    assert float(found.error) == pytest.approx(np.sqrt(10 / 6))
    # Parts of 6/10 with 1 degree of freedom and 4/10 with 2.
    satterthwaite = stats.t.ppf(0.975, 1 / (0.36 / 1 + 0.16 / 2))
    cochran = 0.6 * stats.t.ppf(0.975, 1) + 0.4 * stats.t.ppf(0.975, 2)
    assert float(found.half_width / found.error) == pytest.approx((satterthwaite + cochran) / 2)


def test_sets_count_alike_whatever_their_size() -> None:
    # One seed: means 2 and 10; variance (1/3 + 4/2) / 4.
    found = estimate([np.array([[1.0, 2.0, 3.0]]), np.array([[8.0, 12.0]])])
    assert float(found.diff) == pytest.approx(6)
    assert float(found.error) == pytest.approx(np.sqrt((1 / 3 + 8 / 2) / 4))


def test_without_a_spread_of_images_it_is_the_t_test_over_seeds() -> None:
    of_seeds = np.array([0.3, -0.1, 0.25, 0.4])
    found = estimate([np.repeat(of_seeds[:, None], 14, axis=1)])
    same(found, stats.ttest_1samp(of_seeds, 0))


def test_without_a_spread_of_seeds_it_is_the_t_test_over_images() -> None:
    of_images = np.array([0.3, -0.1, 0.25, 0.4, 0.2])
    found = estimate([np.repeat(of_images[None], 3, axis=0)])
    same(found, stats.ttest_1samp(of_images, 0))


def test_one_seed_gives_an_interval_over_images_alone_and_says_so() -> None:
    of_images = np.array([0.3, -0.1, 0.25, 0.4, 0.2])
    found = estimate([of_images[None]])
    assert found.over == "images"
    same(found, stats.ttest_1samp(of_images, 0))


def test_one_seed_of_one_row_leaves_the_spread_of_seeds_unknown() -> None:
    row, base = np.array([[1.0, 2.0, 4.0]]), np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 2.0]])
    found = estimate([row], [-base])
    assert found.over == "images"
    same(found, stats.ttest_rel(row[0], base.mean(axis=0)))


def test_one_image_gives_an_interval_over_seeds_alone_and_says_so() -> None:
    of_seeds = np.array([0.3, -0.1, 0.25])
    found = estimate([of_seeds[:, None]])
    assert found.over == "seeds"
    same(found, stats.ttest_1samp(of_seeds, 0))


def test_one_image_and_one_seed_say_nothing() -> None:
    found = estimate([np.array([[0.3]])])
    assert found.over == "nothing"
    assert np.isnan(found.low)
    assert np.isnan(found.p)


def test_different_seeds_over_one_image_are_welchs_case() -> None:
    row, base = np.array([1.0, 1.4, 1.9]), np.array([0.2, 0.9, 0.5, 0.4])
    found = estimate([row[:, None]], [-base[:, None]])
    expected = stats.ttest_ind(row, base, equal_var=False)
    assert float(found.diff / found.error) == pytest.approx(expected.statistic)
    assert 2 < float(found.df) < expected.df  # Welch's are too many where they are few


def test_identical_values_have_no_spread() -> None:
    found = estimate([np.zeros((3, 5))])
    assert (float(found.low), float(found.high), float(found.p)) == (0, 0, 1)
    found = estimate([np.full((3, 5), 0.25)])
    assert (float(found.low), float(found.high), float(found.p)) == (0.25, 0.25, 0)


def test_p_is_below_5_percent_just_where_the_interval_lacks_zero() -> None:
    found = estimate(simulated((0.5, 1.0, 1.0), 3, (5, 14), truth=1.0))
    lacks_zero = (found.low > 0) | (found.high < 0)
    assert 100 < lacks_zero.sum() < 900
    np.testing.assert_array_equal(found.p < 0.05, lacks_zero)


def test_a_detectable_difference_is_found_in_80_of_100_cases() -> None:
    # Seeds alone matter: the estimate is the mean of 3 with known spread 1.
    error = 1 / np.sqrt(3)
    size = Estimate(np.zeros(()), np.array(error), np.array(2.0), "seeds").detectable
    found = estimate(simulated((1.0, 0.0, 0.0), 3, (5,), truth=float(size), simulations=4000))
    assert np.mean(found.p < 0.05) == pytest.approx(0.80, abs=0.02)


def test_the_range_of_what_is_detectable_is_that_of_the_spread_by_chi_square() -> None:
    """With 2 degrees of freedom a variance lies between 2/7.378 and 2/0.0506 of its estimate."""
    found = Estimate(np.zeros(()), np.array(0.5), np.array(2.0), "seeds")
    low, high = (float(end / found.detectable) for end in found.detectable_range)
    assert (low, high) == pytest.approx(((2 / 7.378) ** 0.5, (2 / 0.0506) ** 0.5), rel=1e-3)
    oracle = np.sqrt(2 / stats.chi2.ppf([0.975, 0.025], 2))
    assert (low, high) == pytest.approx(tuple(oracle))


@pytest.mark.parametrize("images", [(14,), (5, 14, 100)], ids=str)
@pytest.mark.parametrize("spreads", [(1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1.0, 3.0, 1.0)], ids=str)
def test_that_range_holds_the_true_spread(
    spreads: tuple[float, float, float], images: tuple[int, ...]
) -> None:
    of_seed, of_image, rest = spreads
    of_images = sum(of_image**2 / n + rest**2 / (3 * n) for n in images) / len(images) ** 2
    truth = np.sqrt(of_seed**2 / 3 + of_images)
    found = estimate(simulated(spreads, 3, images))
    low, high = (found.error * end / found.detectable for end in found.detectable_range)
    assert 0.91 <= np.mean((low <= truth) & (truth <= high)) <= 1


def test_the_median_power_at_the_point_value_is_68_percent() -> None:
    """With 2 degrees of freedom the median of the variance's estimate is 0.693 of its truth."""
    size = Estimate(np.zeros(()), np.array(np.log(2) ** 0.5), np.array(2.0), "seeds").detectable
    critical = stats.t.ppf(0.975, 2)
    power = stats.nct.sf(critical, 2, size) + stats.nct.cdf(-critical, 2, size)
    assert power == pytest.approx(0.68, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "held"),
    [("exponential", 0.87), ("lognormal", 0.83)],
    ids=["exponential", "lognormal"],
)
def test_intervals_of_3_skewed_seeds_hold_the_truth_in_82_to_89_of_100_cases(
    shape: str, held: float
) -> None:
    """Images and residuals have 0.3 of the scale of the seeds, whose mean is zero."""
    draw = np.random.default_rng(9)
    skewed = {
        "exponential": draw.exponential(size=(20_000, 3, 1)) - 1,
        "lognormal": draw.lognormal(size=(20_000, 3, 1)) - np.exp(0.5),
    }[shape]
    values = (
        skewed
        + 0.3 * draw.standard_normal((20_000, 1, 14))
        + 0.3 * draw.standard_normal((20_000, 3, 14))
    )
    assert coverage(estimate([values]), 0) == pytest.approx(held, abs=0.015)


def test_common_seeds_narrow_the_interval_by_what_rows_share() -> None:
    draw = np.random.default_rng(4)
    shared = draw.normal(size=(3, 1)) + np.zeros((3, 14))
    base, row = (shared + 0.05 * draw.normal(size=(3, 14)) for _ in range(2))
    paired, apart = estimate([row - base]), unrelated([row], [base])
    assert float(paired.diff) == pytest.approx(float(apart.diff))
    assert float(apart.half_width) > 5 * float(paired.half_width)
    seeds = (row.mean(axis=1).var(ddof=1) + base.mean(axis=1).var(ddof=1)) / 3
    assert float(apart.error) == pytest.approx(np.sqrt(seeds), rel=0.01)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]).size == 0


def test_samples_of_different_images_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in their images"):
        estimate([np.zeros((3, 5))], [np.zeros((3, 6))])
    with pytest.raises(ValueError, match="nothing to estimate"):
        estimate()

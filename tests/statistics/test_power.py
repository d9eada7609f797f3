"""Planned seeds find what they are planned for, as often as planned: simulated, and by scipy."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from scipy import stats

from harness.statistics import components, power
from harness.statistics.components import Components
from harness.statistics.random_effects import estimate

EXPERIMENTS = 10_000

# Standard deviations of seeds, images, residual; images of each set.
DESIGNS = {
    "seeds dominate": ((1.0, 0.1, 0.3), (14, 30)),
    "images dominate": ((0.2, 3.0, 0.3), (5, 14)),
    "both": ((1.0, 2.0, 1.0), (14, 30)),
}


def known(spreads: tuple[float, float, float], images: tuple[int, ...]) -> Components:
    """Return the true variances; what a training's mean has of the residual by hand."""
    of_seed, of_image, rest = spreads
    share = sum(rest**2 / number for number in images) / len(images) ** 2
    each = len(images)
    return Components(
        training=np.array(of_seed**2 + share),
        images=each * (np.array(of_image**2),),
        residual=each * (np.array(rest**2),),
        numbers=images,
        trainings=3,
    )


def drawn(
    spreads: tuple[float, float, float],
    images: tuple[int, ...],
    *,
    seeds: int,
    truth: float = 0.0,
    number: int = EXPERIMENTS,
) -> list[np.ndarray]:
    """Return differences of many experiments, ``(number, seeds, images)`` for each set."""
    draw = np.random.default_rng([seeds, *images])
    of_seed, of_image, rest = spreads
    shared = truth + of_seed * draw.standard_normal((number, seeds, 1))
    return [
        shared
        + of_image * draw.standard_normal((number, 1, count))
        + rest * draw.standard_normal((number, seeds, count))
        for count in images
    ]


def effect_for(variances: Components, seeds: int, wanted: float) -> float:
    """Return the difference that so many seeds find so often."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        found = float(power.power(variances, middle, seeds)) >= wanted
        low, high = (low, middle) if found else (middle, high)
    return high


@pytest.mark.parametrize("wanted", [0.8, 0.9])
@pytest.mark.parametrize("design", DESIGNS)
def test_the_planned_power_is_found_within_3_points(design: str, wanted: float) -> None:
    spreads, images = DESIGNS[design]
    variances = known(spreads, images)
    effect = effect_for(variances, 6, wanted)
    assert power.seeds_needed(variances, effect, wanted) == 6
    found = estimate(drawn(spreads, images, seeds=6, truth=effect))
    assert np.mean(found.p < 0.05) == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize(
    ("spreads", "images", "seeds"),
    [
        ((1.0, 0.1, 0.3), (14, 30), 20),
        ((1.0, 1.8, 1.0), (30, 100), 20),
        ((0.3, 2.2, 0.3), (5, 14, 100), 20),
    ],
    ids=["seeds dominate", "both", "images dominate"],
)
def test_the_assured_seeds_are_enough_in_80_of_100_pilots_within_3_points(
    spreads: tuple[float, float, float], images: tuple[int, ...], seeds: int
) -> None:
    """They are enough just where one seed fewer is said not to be: power grows with seeds."""
    variances = known(spreads, images)
    effect = effect_for(variances, seeds, 0.8)
    pilots = components.of_sample(drawn(spreads, images, seeds=3))
    fewer = seeds - 1
    assured = pilots.upper(fewer, power.ASSURANCE)
    assert np.mean(power.power(assured, effect, fewer) < 0.8) == pytest.approx(0.8, abs=0.03)
    as_estimated = np.mean(power.power(pilots, effect, fewer) < 0.8)
    assert as_estimated < 0.55, "the seeds for the spread as estimated are too few in about half"


def test_where_a_set_has_few_images_and_seeds_count_as_much_more_pilots_get_enough() -> None:
    """Graybill and Wang's limit is on the safe side there; the README of ablations/ says so."""
    spreads, images = (1.0, 2.0, 1.0), (5, 14)
    variances = known(spreads, images)
    effect = effect_for(variances, 8, 0.8)
    pilots = components.of_sample(drawn(spreads, images, seeds=3)).upper(7, power.ASSURANCE)
    assert 0.8 <= np.mean(power.power(pilots, effect, 7) < 0.8) <= 0.91


def test_with_one_source_it_is_the_power_of_the_t_test() -> None:
    """No spread of images: noncentral t with seeds - 1 degrees of freedom."""
    variances = replace(known((1.0, 0.0, 0.0), (14,)), images=(np.array(0.0),))
    critical, shift = stats.t.ppf(0.975, 4), 1.7 * 5**0.5
    oracle = stats.nct.sf(critical, 4, shift) + stats.nct.cdf(-critical, 4, shift)
    assert float(power.power(variances, 1.7, 5)) == pytest.approx(oracle, rel=1e-9)
    assert float(power.power(variances, 500.0, 5)) == 1


def test_the_upper_limit_of_one_source_is_that_of_chi_square() -> None:
    variances = replace(known((1.0, 0.0, 0.0), (14,)), images=(np.array(0.0),))
    upper = variances.upper(4, 0.8)
    assert float(upper.training) == pytest.approx(2 / stats.chi2.ppf(0.2, 2))


def test_the_upper_limit_of_two_sources_by_hand() -> None:
    """Parts 1/4 and 1/4 with 2 and 15 degrees of freedom; the excesses add as squares."""
    variances = known((1.0, 2.0, 0.0), (16,))
    excesses = [(df / stats.chi2.ppf(0.2, df) - 1) / 4 for df in (2, 15)]
    upper = variances.upper(4, 0.8)
    total = float(upper.training) / 4 + float(upper.images[0]) / 16
    assert total == pytest.approx(0.5 + sum(excess**2 for excess in excesses) ** 0.5)


def test_no_number_of_seeds_is_enough_where_the_images_leave_more() -> None:
    """The half-width of infinitely many seeds is that of the t test over 5 images."""
    variances = known((1.0, 2.0, 0.5), (5,))
    width = stats.t.ppf(0.975, 4) * 2 / 5**0.5
    assert float(power.half_width(variances, inf)) == pytest.approx(width)
    assert power.seeds_needed(variances, 0.9 * width, 0.8) is None
    assert power.seeds_assured(variances, 0.9 * width, 0.8) is None
    assert power.seeds_needed(variances, 3 * width, 0.8) is not None


def test_more_seeds_than_are_looked_at_are_no_number() -> None:
    variances = replace(known((1.0, 0.0, 0.0), (14,)), images=(np.array(0.0),))
    assert power.seeds_needed(variances, 0.001, 0.8) == inf


def test_components_of_a_table_by_hand() -> None:
    """Mean squares 6, 4.5 and 0.5 of two seeds and three images, as in test_random_effects."""
    found = components.of_sample([np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])])
    assert float(found.training) == pytest.approx(6 / 3)
    assert float(found.residual[0]) == pytest.approx(0.5)
    assert float(found.images[0]) == pytest.approx((4.5 - 0.5) / 2)
    assert float(found.seeds) == pytest.approx((6 - 0.5) / 3)
    sd, low, high = (float(end) for end in found.seeds_sd())
    assert sd == pytest.approx((5.5 / 3) ** 0.5)
    limits = 2.0 / stats.chi2.ppf([0.975, 0.025], 1) - 0.5 / 3
    assert (low, high) == pytest.approx(tuple(limits**0.5))


def test_the_components_are_those_that_were_drawn() -> None:
    drawn_values = drawn((1.0, 2.0, 0.5), (14, 30), seeds=4, number=4000)
    found = components.of_sample(drawn_values)
    for sd, truth in (
        (found.seeds, 1.0),
        (np.mean(found.images, axis=0), 4.0),
        (np.mean(found.residual, axis=0), 0.25),
    ):
        assert float(np.mean(sd)) == pytest.approx(truth, rel=0.05)
    for limits, truth in ((found.seeds_sd(), 1.0), (found.images_sd(), 2.0)):
        held = (limits[1] <= truth) & (truth <= limits[2])
        assert 0.92 <= float(np.mean(held)) <= 0.98


def test_one_training_has_no_components() -> None:
    with pytest.raises(ValueError, match="one training a row"):
        components.of_sample([np.zeros((1, 5))])

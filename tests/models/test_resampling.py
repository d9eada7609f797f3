"""Bicubic weights against hand arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from harness.models.resampling import contributions, cubic

HALF = [-3, -9, 29, 111, 111, 29, -9, -3]  # of 256: the kernel at odd quarters, halved


@pytest.mark.parametrize(
    ("x", "value"),
    [
        (Fraction(0), Fraction(1)),
        (Fraction(1, 4), Fraction(111, 128)),
        (Fraction(-3, 4), Fraction(29, 128)),
        (Fraction(1), Fraction(0)),
        (Fraction(5, 4), Fraction(-9, 128)),
        (Fraction(-7, 4), Fraction(-3, 128)),
        (Fraction(2), Fraction(0)),
        (Fraction(3), Fraction(0)),
    ],
)
def test_kernel_has_a_of_minus_one_half(x: Fraction, value: Fraction) -> None:
    assert cubic(x) == value


def test_halving_widens_the_kernel_to_eight_taps() -> None:
    indices, weights, denominator = contributions(16, 8, Fraction(1, 2))
    np.testing.assert_array_equal(weights / denominator, np.tile(np.array(HALF) / 256, (8, 1)))
    np.testing.assert_array_equal(indices[3], range(3, 11))


def test_doubling_alternates_between_two_phases() -> None:
    indices, weights, denominator = contributions(8, 16, Fraction(2))
    quarters = np.array([-3, 29, 111, -9]) / 128
    np.testing.assert_array_equal(weights[6] / denominator, quarters)
    np.testing.assert_array_equal(weights[7] / denominator, quarters[::-1])
    np.testing.assert_array_equal(indices[6], [1, 2, 3, 4])
    np.testing.assert_array_equal(indices[7], [2, 3, 4, 5])


@pytest.mark.parametrize(
    ("boundary", "first", "last"),
    [
        ("symmetric", [2, 1, 0, 0, 1, 2, 3, 4], [3, 4, 5, 6, 7, 7, 6, 5]),
        ("replicate", [0, 0, 0, 0, 1, 2, 3, 4], [3, 4, 5, 6, 7, 7, 7, 7]),
    ],
)
def test_boundary_decides_what_lies_beyond_the_ends(
    boundary: str, first: list[int], last: list[int]
) -> None:
    indices = contributions(8, 4, Fraction(1, 2), boundary=boundary).indices  # type: ignore[arg-type]
    np.testing.assert_array_equal(indices[0], first)
    np.testing.assert_array_equal(indices[3], last)


def test_symmetric_boundary_mirrors_again_where_the_row_is_shorter_than_the_kernel() -> None:
    indices = contributions(2, 1, Fraction(1, 2)).indices
    np.testing.assert_array_equal(indices[0], [1, 1, 0, 0, 1, 1, 0, 0])


def test_one_sample_feeds_every_tap() -> None:
    assert not contributions(1, 8, Fraction(8)).indices.any()


@pytest.mark.parametrize("ratio", ["1/2", "1/3", "1/4", "1/8", "2/3", "3/4", "2", "3", "4", "5/2"])
def test_weights_of_every_output_sum_to_one(ratio: str) -> None:
    scale = Fraction(ratio)
    taps = contributions(30, int(30 * scale), scale)
    assert (taps.weights.sum(axis=1) == taps.denominator).all()


def test_a_third_is_exact_and_never_ties() -> None:
    taps = contributions(9, 3, Fraction(1, 3))
    assert taps.denominator == 81
    np.testing.assert_array_equal(
        taps.weights[1],
        [-1, -2, 0, 9, 21, 27, 21, 9, 0, -2, -1],  # hand: kernel at thirds, over 3
    )


@pytest.mark.parametrize(("length", "scale"), [(0, Fraction(2)), (4, Fraction(-1, 2))])
def test_impossible_sizes_are_refused(length: int, scale: Fraction) -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        contributions(length, 4, scale)


def test_unknown_boundary_is_refused() -> None:
    with pytest.raises(ValueError, match="symmetric or replicate, not 'wrap'"):
        contributions(4, 2, Fraction(1, 2), boundary="wrap")  # type: ignore[arg-type]

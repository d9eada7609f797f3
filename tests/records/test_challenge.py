"""The challenge's formula on rows that its repositories publish, by hand."""

import pytest

from harness.errors import UsageError
from harness.records import challenge
from harness.records.challenge import Triple

# Runtime in ms, FLOPs in G, parameters in M: rows of results.txt of Amazingren/NTIRE2026_ESR.
SPAN = (7.74, 9.83, 0.151)
PDS = (6.70, 9.25, 0.142)
SPANV2 = (5.24, 1.59, 0.139)
SPANV2_WHOLE = (5.24, 9.11, 0.139)  # with the convolutions that its listed FLOPs leave out


def ratios(row, base):
    return Triple(*(own / of_base for own, of_base in zip(row, base, strict=True)))


@pytest.mark.parametrize(
    ("row", "by_hand"),
    [
        (SPAN, 7.3891),  # its README gives this of the base
        # 0.8 * 5.6478 + 0.1 * 6.5666 + 0.1 * 6.5587
        (PDS, 5.8308),
        # 0.8 * 3.8729 + 0.1 * 1.3820 + 0.1 * 6.3032
        (SPANV2, 3.8668),
        # 0.8 * 3.8729 + 0.1 * 6.3822 + 0.1 * 6.3032
        (SPANV2_WHOLE, 4.3668),
    ],
)
def test_rows_of_2026(row, by_hand):
    weights = challenge.of_year(2026).weights
    assert challenge.score(ratios(row, SPAN), weights) == pytest.approx(by_hand, abs=2e-4)


@pytest.mark.parametrize(
    ("parts", "by_hand"),
    [
        ((1, 1, 1), 7.3891),  # RLFN's own row in the README of NTIRE2024_ESR
        ((0.5, 1, 1), 4.1195),  # 0.7 * 2.71828 + 0.3 * 7.38906
        ((0.25, 0.5, 1), 2.6702),  # 0.7 * 1.64872 + 0.15 * 2.71828 + 0.15 * 7.38906
    ],
)
def test_the_weights_of_2024(parts, by_hand):
    weights = challenge.of_year(2024).weights
    assert challenge.score(Triple(*parts), weights) == pytest.approx(by_hand, abs=1e-4)


def test_a_ratio_beyond_all_floats_is_infinite():
    weights = challenge.of_year(2024).weights
    assert challenge.score(Triple(1, 1, 400), weights) == float("inf")


def test_a_year_without_rules_is_refused():
    with pytest.raises(UsageError, match=r"--ntire 2025: .*known: 2024, 2026"):
        challenge.of_year(2025)

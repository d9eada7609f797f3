"""Ranks, Friedman's test and Nemenyi's critical difference, by printed tables and by hand."""

import numpy as np
import pytest
from scipy import stats

from harness.config.ablation import load
from harness.errors import UsageError
from harness.records.selection import ComparedRow, Comparison
from harness.reports.figures import critical_difference
from harness.statistics import ranks
from harness.statistics.ranks import Ranks

# Rank 1, 2, 3, 4, 5 on all images but one, where the first two change places.
VALUES = np.array([[9, 9, 9, 8], [8, 8, 8, 9], [3, 3, 3, 3], [2, 2, 2, 2], [1, 1, 1, 1]], float)


@pytest.mark.parametrize(("rows", "q"), [(5, 2.728), (8, 3.031), (10, 3.164)])
def test_the_critical_difference_is_demsars(rows, q):
    """Table 5a of Demsar (2006), critical values of the two-tailed Nemenyi test at 0.05."""
    values = np.random.default_rng(0).normal(size=(rows, 14))
    found = ranks.of_values([str(i) for i in range(rows)], values, ["own"])
    assert found.critical == pytest.approx(q * (rows * (rows + 1) / (6 * 14)) ** 0.5, abs=0.002)


def test_mean_ranks_are_in_order_and_friedmans_p_is_scipys():
    found = ranks.of_values(["b", "a", "c", "d", "e"], VALUES, ["own"])
    assert found.labels == ("b", "a", "c", "d", "e")
    assert found.means == (1.25, 1.75, 3, 4, 5)
    assert found.p == pytest.approx(stats.friedmanchisquare(*VALUES).pvalue)
    turned = ranks.of_values(["e", "d", "c", "a", "b"], VALUES[::-1], ["own"])
    assert turned.labels == found.labels


def test_ties_share_their_ranks_and_rows_that_are_the_same_do_not_differ():
    found = ranks.of_values(list("abcde"), np.full((5, 3), np.inf), ["own"])
    assert (found.means, found.p) == (5 * (3.0,), 1.0)


@pytest.mark.parametrize(
    ("critical", "cliques"),
    [(0.4, ()), (0.6, ((0, 1),)), (1.3, ((0, 1), (1, 2), (2, 3), (3, 4))), (9, ((0, 4),))],
)
def test_cliques_are_the_largest_runs_that_do_not_differ(critical, cliques):
    assert Ranks(tuple("abcde"), (1.25, 1.75, 3, 4, 5), 4, ("own",), 0.0, critical).cliques == (
        cliques
    )


def test_it_is_not_made_of_fewer_than_five_rows():
    row = ComparedRow("a")
    with pytest.raises(UsageError, match="expected 5 rows that were trained alike or more, not 0"):
        ranks.of_comparison(Comparison("g", 2, (row,), row, None, ("own",)))
    with pytest.raises(UsageError, match="'awru': expected 5 rows"):
        critical_difference.of_ablation(load("awru"), [])

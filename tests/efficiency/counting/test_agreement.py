"""Verdicts on printed counts: digits decide, and misprints are worked out."""

from decimal import Decimal

import pytest

from harness.efficiency.counting.agreement import judge
from harness.efficiency.counting.counted import CountedNetwork
from harness.models import registry


def verdict(model, scale, metric, printed):
    return judge(
        CountedNetwork(model, registry.get(model).build, scale=scale), metric, Decimal(printed)
    )


@pytest.mark.parametrize(
    ("printed", "status"),
    [("52.7", "exact"), ("53", "exact"), ("52.70", "exact"), ("52.701", "exact"), ("52.8", "open")],
)
def test_the_printed_digits_decide(printed, status):
    assert verdict("srcnn", 2, "multi_adds_g", printed).status == status


def test_an_explanation_needs_the_digits_too():
    assert verdict("vdsr", 2, "params_k", "664").status == "open"  # no truncation is known there
    assert verdict("awsrn_m", 2, "params_k", "1063").status == "explained"
    assert verdict("awsrn_m", 2, "params_k", "1062").status == "open"
    assert verdict("fsrcnn", 8, "multi_adds_g", "4.7").status == "open"


def test_an_open_cell_says_how_far_off_it_is():
    why = verdict("falsr_a", 2, "multi_adds_g", "234.7").why
    assert why == "the released network: +0.13 %"


def test_the_nearest_rule_is_not_sold_as_an_explanation():
    ours = verdict("srdensenet", 4, "multi_adds_g", "389.1")  # what that rule gives
    assert ours.status == "open"


def test_a_stand_in_stays_open_even_where_its_totals_agree():
    assert verdict("moremnas_a", 2, "params_k", "1039").status == "open"


def test_a_rule_is_explained_in_words():
    assert "no biases" in verdict("drcn", 2, "params_k", "1774").why
    assert "rounded twice" in verdict("memnet", 2, "multi_adds_g", "2662.4").why

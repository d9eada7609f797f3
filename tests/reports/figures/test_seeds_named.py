"""Where rows have different numbers of seeds, no figure gives all of them the most."""

from dataclasses import replace

import pytest

from harness.config.ablation import load
from harness.records.readings import Readings
from harness.records.record import load_all
from harness.reports.figures import critical_difference, curves, differences, power_curve
from harness.reports.tables import planning
from tests.shipped import EARLIER


@pytest.fixture(scope="module")
def stored():
    """Three seeds of 1,500 steps a row; two of the WDSR with the multi-scale reconstruction."""
    return [
        one
        for one in load_all(EARLIER)
        if one.steps in (0, 1500) and (one.model, one.seed) != ("wdsr_awms", 2)
    ]


def test_differences_of_fewer_are_named(stored):
    (shown,) = differences.of_ablations([load("awms")], stored)
    assert "; seeds 0, 1, 2; of 2 alone: WDSR w/ AWMS \u2212 WDSR." in shown.note
    (shown,) = differences.of_ablations([load("awru")], stored)
    assert "seeds 0, 1, 2." in shown.note


def test_the_pilots_of_a_plan_are_from_the_least_to_the_most(stored):
    def text(name):
        (plan,) = planning.plans(load(name), stored, effect=0.03, wanted=0.8)
        return " ".join(" ".join(one.get_text() for one in power_curve.draw(plan).texts).split())

    assert "as in the pilot of 2 to 3 seeds" in text("awms")
    assert "as in the pilot of 3 seeds" in text("awru")


def test_the_seeds_of_ranked_rows_are_those_of_each(stored):
    (shown,) = critical_difference.of_ablation(load("branches"), stored)
    assert "WDSR w/ AWMS 0, 1;" in f"{shown.seeds};"
    assert "AWSRN-B w/ AWMS 0, 1, 2;" in f"{shown.seeds};"


def test_the_seeds_of_curves_are_those_of_each_row(stored):
    readings = Readings(steps=(1, 2), seconds=(1.0, 2.0), losses=(2.0, 1.0), rates=(0.1, 0.1))
    read = [replace(one, readings=readings) for one in stored if one.group]
    (shown,) = curves.of_ablation(load("awms"), read)
    assert "means over seeds WDSR 0, 1, 2; WDSR w/ AWMS 0, 1; AWSRN-B" in curves.caption(shown)

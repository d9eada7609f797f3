"""What several trainings say about a row, worked out by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from harness.records.record import ImageScore, Record, SetScore
from harness.records.selection import ComparedRow
from harness.statistics.estimates import Runs, of_entries, of_runs

RECORD = Path(__file__).parents[1] / "files" / "record.json"


def scores(psnr_db, *, name="Set5", images=("a", "b", "c")):
    """The score of one training on one set."""
    image_scores = tuple(ImageScore(*pair, 0.9) for pair in zip(images, psnr_db, strict=True))
    return {name: SetScore.of(name, "files", "pixels", image_scores)}


def runs(label, *trainings, seeds=None, learned=True):
    return Runs(label, tuple(seeds or range(len(trainings))), tuple(trainings), learned=learned)


BASE = runs("base", scores([30, 31, 35]), scores([31, 32, 36]))
BETTER = runs("better", scores([31, 31.5, 36]), scores([31.7, 33.1, 36.9]))


def by_label(*rows, base="base", sets=("Set5",)):
    return {inference.label: inference for inference in of_runs(rows, base, sets)}


def test_spread_is_that_of_the_means_of_the_trainings():
    """Means of the base: 32 and 33, so the spread is 1 / sqrt(2)."""
    inference = by_label(BASE, BETTER)["base"]
    assert inference.spread_db == pytest.approx(0.5**0.5)
    assert (inference.seeds, inference.is_base, inference.estimate) == (2, True, None)
    assert inference.mark is None


def test_a_difference_of_paired_rows_is_the_mean_of_the_differences():
    """Differences: 1, 0.5, 1 and 0.7, 1.1, 0.9; their mean is 5.2 / 6."""
    inference = by_label(BASE, BETTER)["better"]
    assert float(inference.estimate.diff) == pytest.approx(5.2 / 6)
    assert inference.paired
    assert not inference.partial
    assert inference.estimate.over == "seeds and images"
    assert inference.unrelated_db is not None


def test_rows_of_other_seeds_are_not_paired():
    other = runs("other", *BETTER.scores, seeds=(5, 6))
    inference = by_label(BASE, other)["other"]
    assert not inference.paired
    assert float(inference.estimate.diff) == pytest.approx(5.2 / 6)
    assert inference.unrelated_db is None


def test_one_training_a_row_gives_the_interval_of_a_paired_t_test_over_images():
    base, row = runs("base", scores([30, 31, 35])), runs("row", scores([31, 31.5, 36.2]))
    inference = by_label(base, row)["row"]
    oracle = stats.ttest_rel([31, 31.5, 36.2], [30, 31, 35]).confidence_interval(0.95)
    ends = float(inference.estimate.low), float(inference.estimate.high)
    assert ends == pytest.approx((oracle.low, oracle.high))
    assert inference.partial
    assert inference.spread_db is None
    assert inference.mark.startswith("\u2020")


def test_a_network_without_weights_is_paired_with_every_training():
    """Bicubic has 29, 30, 33 on all seeds: differences of means are 32 and 33 minus 92 / 3."""
    bicubic = runs("bicubic", scores([29, 30, 33]), seeds=(None,), learned=False)
    inference = by_label(bicubic, BASE, base="bicubic")["base"]
    assert float(inference.estimate.diff) == pytest.approx(32.5 - 92 / 3)
    assert inference.paired
    assert inference.unrelated_db is None


def test_scores_of_other_images_have_no_interval():
    other = runs("other", *(scores([30, 31, 35], images=("a", "b", "x")) for _ in range(2)))
    assert by_label(BASE, other)["other"].estimate is None


def test_p_values_are_corrected_for_the_rows_that_are_tested():
    """By Holm's rule the smaller of two is doubled, the larger at least as large."""
    worse = runs("worse", scores([30.1, 30.9, 35.2]), scores([31.1, 32.3, 35.7]))
    rows = by_label(BASE, BETTER, worse)
    p = {label: float(rows[label].estimate.p) for label in ("better", "worse")}
    first, second = sorted(p, key=lambda label: p[label])
    assert rows[first].p_corrected == pytest.approx(min(2 * p[first], 1))
    assert rows[second].p_corrected == pytest.approx(max(p[second], rows[first].p_corrected))
    assert rows["base"].p_corrected is None


def test_each_row_may_have_a_base_of_its_own():
    third = runs("third", scores([32, 32.5, 37]), scores([32.7, 34.1, 37.9]))
    bases = {"base": "base", "better": "base", "third": "better"}
    rows = by_label(BASE, BETTER, third, base=bases)
    assert float(rows["third"].estimate.diff) == pytest.approx(1)
    assert rows["third"].mark is None


def test_infinite_scores_have_neither_spread_nor_interval():
    perfect = runs("perfect", scores([float("inf")] * 3), scores([31, 32, 36]))
    inference = by_label(BASE, perfect)["perfect"]
    assert inference.spread_db is None
    assert inference.estimate is None


@pytest.mark.parametrize("trainings", [1, 2])
def test_an_ablation_has_statistics_as_soon_as_a_row_has_two_trainings(trainings):
    """Spread of 32 and 33: 1 / sqrt(2)."""
    record = Record.from_json(RECORD.read_text(encoding="utf-8"), source="record.json")
    records = [
        replace(record, seed=seed, scores=tuple(training.values()))
        for seed, training in enumerate(BASE.scores)
    ]
    row = ComparedRow("base", tuple(records[:trainings]))
    spreads = [inference.spread_db for inference in of_entries([row], row, ["Set5"])]
    assert spreads == ([] if trainings == 1 else [pytest.approx(0.5**0.5)])

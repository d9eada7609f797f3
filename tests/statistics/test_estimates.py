"""What several trainings say about a row, worked out by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from harness.config.ablation import Pair
from harness.records.record import ImageScore, Record, SetScore
from harness.records.selection import ComparedRow
from harness.statistics.differences import Runs
from harness.statistics.estimates import mark_of, of_entries, of_runs

RECORD = Path(__file__).parents[1] / "files" / "record.json"


def scores(psnr_db, *, name="Set5", images=("a", "b", "c"), ssim=None):
    """The score of one training on one set."""
    ssims = ssim or [0.9] * len(images)
    image_scores = tuple(ImageScore(*values) for values in zip(images, psnr_db, ssims, strict=True))
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


def test_ssim_gets_the_interval_of_its_own_differences():
    """Of one training a row: the paired t test over images."""
    base = runs("base", scores([30, 31, 35], ssim=[0.90, 0.92, 0.95]))
    row = runs("row", scores([30, 31, 35.1], ssim=[0.91, 0.935, 0.958]))
    inference = by_label(base, row)["row"]
    oracle = stats.ttest_rel([0.91, 0.935, 0.958], [0.90, 0.92, 0.95])
    interval = oracle.confidence_interval(0.95)
    ends = float(inference.ssim.low), float(inference.ssim.high)
    assert ends == pytest.approx((interval.low, interval.high))
    assert inference.ssim_p_corrected == pytest.approx(oracle.pvalue)
    assert mark_of(inference.ssim) == "\u2020"
    assert "n.s." in inference.mark


def test_p_values_of_ssim_are_corrected_among_themselves():
    base = runs("base", scores([30, 31, 35], ssim=[0.90, 0.92, 0.95]))
    first = runs("first", scores([30, 31, 35.1], ssim=[0.91, 0.935, 0.958]))
    second = runs("second", scores([30, 31, 35.1], ssim=[0.91, 0.94, 0.94]))
    rows = by_label(base, first, second)
    assert rows["first"].ssim_p_corrected == pytest.approx(2 * float(rows["first"].ssim.p))
    assert rows["second"].ssim_p_corrected == pytest.approx(float(rows["second"].ssim.p))


def test_pairs_come_after_the_rows_and_p_is_corrected_for_both():
    """Third to better is 1 dB everywhere: p is 0, and 0 it stays; the rows are second and third."""
    third = runs("third", scores([32, 32.5, 37]), scores([32.7, 34.1, 37.9]))
    pair = Pair(row="third", base="better", shows="the rest")
    found = of_runs((BASE, BETTER, third), "base", ("Set5",), [pair])
    assert [inference.pair for inference in found] == [None, None, None, pair]
    assert found[3].label == "third to better"
    assert float(found[3].estimate.diff) == pytest.approx(1)
    assert not found[3].is_base
    alone = by_label(BASE, BETTER, third)
    smaller = min(("better", "third"), key=lambda label: float(alone[label].estimate.p))
    three = {inference.label: inference.p_corrected for inference in found}
    assert float(found[3].estimate.p) < float(alone[smaller].estimate.p)
    assert three[smaller] == pytest.approx(2 * float(alone[smaller].estimate.p))


def test_a_pair_that_has_not_been_run_is_left_out():
    found = of_runs(
        (BASE, BETTER, runs("later")), "base", ("Set5",), [Pair(row="later", base="better")]
    )
    assert all(inference.pair is None for inference in found)


def test_a_loss_of_all_images_in_all_trainings_is_marked_beside_n_s():
    """Losses of 1, 4 and 0.1 dB on every image: three seeds do not exclude zero."""
    losses = (1, 4, 0.1)
    base = runs("base", *(scores([30, 31, 35]) for _ in losses))
    row = runs("row", *(scores([30 - by, 31 - by, 35 - by]) for by in losses))
    inference = by_label(base, row)["row"]
    assert inference.mark == "n.s. \u2021"
    assert (inference.agreement.better, inference.agreement.worse) == (0, 3)
    mixed = runs("row", *row.scores[:2], scores([30.1, 30.9, 34.9]))
    assert by_label(base, mixed)["row"].mark == "n.s."


def constant(label, *gains, seeds=None, until=None):
    """Trainings whose images are all the base's 30, 31, 35 dB and a gain, one a training."""
    found = runs(label, *(scores([30 + one, 31 + one, 35 + one]) for one in gains), seeds=seeds)
    return replace(found, until=until)


def test_rows_of_unequal_stops_are_compared_over_the_seeds_that_they_share():
    """The base went on to 6 seeds for another row's sake: gains 0.5, 0.1 and 0.3 over 3 seeds."""
    base = constant("base", 0.0, 0.2, -0.1, 5.0, 6.0, 7.0)
    row = constant("row", 0.5, 0.3, 0.2)
    inference = by_label(base, row)["row"]
    oracle = stats.ttest_1samp([0.5, 0.1, 0.3], 0)
    interval = oracle.confidence_interval()
    ends = float(inference.estimate.low), float(inference.estimate.high)
    assert ends == pytest.approx((interval.low, interval.high))
    assert (inference.paired, inference.shared, inference.unused) == (True, 3, True)


def test_a_row_that_was_looked_at_has_the_interval_of_its_last_look():
    """Three seeds at 97 %, whatever the base has more; p is weighted by the error of the look."""
    base = constant("base", 0.0, 0.2, -0.1, 5.0)
    row = constant("row", 0.5, 0.3, 0.2, until=0.01)
    inference = by_label(base, row)["row"]
    oracle = stats.ttest_1samp([0.5, 0.1, 0.3], 0)
    interval = oracle.confidence_interval(0.97)
    ends = float(inference.estimate.low), float(inference.estimate.high)
    assert ends == pytest.approx((interval.low, interval.high))
    assert inference.looked.seeds == (3,)
    assert inference.p == inference.p_corrected == pytest.approx(oracle.pvalue * 5 / 3)
    assert inference.ssim.level == pytest.approx(0.97)
    assert inference.bootstrap_db is None


def test_before_the_first_look_a_row_has_no_interval():
    inference = by_label(constant("base", 0.0, 0.2), constant("row", 0.5, 0.3, until=0.01))["row"]
    assert (inference.estimate, inference.p, inference.waiting) == (None, None, True)

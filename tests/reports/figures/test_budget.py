"""Differences over budgets: the intervals of made records by scipy, and what is refused."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from scipy import stats

from harness.config.ablation import load
from harness.errors import UsageError
from harness.records import conditions
from harness.records.record import ImageScore, SetScore, write
from harness.reports.figures import budget, style
from harness.reports.figures.sheet import Sheet
from harness.reports.tables import budget as table
from harness.reports.tables.render import to_markdown

AWRU = load("awru")
GAINS = {625: (0.01, 0.02, 0.06), 2500: (0.03, 0.04, 0.05)}  # by steps, of the seeds, in dB
LONG = (0.02, 0.03, 0.07)  # of the images, after 10,000 steps of one seed


def scores(*psnr_db, name="Set5", images="pixels"):
    listed = tuple(ImageScore(f"image{n}", value, 0.9) for n, value in enumerate(psnr_db))
    return SetScore.of(name, "made", images, listed)


@pytest.fixture
def make(trained):
    """Make the record of a training whose group is that of its conditions."""

    def of(model, seed, steps, *own, kind="Some CPU", patch=48):
        record = trained(model, seed, steps=steps, scores=own, readings=False)
        train = replace(record.config.train, steps=steps, patch=patch)
        record = replace(
            record,
            id=f"{model}-s{seed}-{steps}-{patch}",
            config=replace(record.config, train=train),
            provenance=replace(record.provenance, device=f"cpu ({kind})"),
        )
        known = conditions.of_record(record)
        assert known is not None
        return replace(record, group=conditions.group(known))

    return of


@pytest.fixture
def stored(make):
    """Two budgets of three seeds, whose images all gain alike; one of a seed, whose do not."""
    base = (30.0, 31.0, 33.0)
    found = []
    for steps, gains in GAINS.items():
        for seed, gain in enumerate(gains):
            found.append(make("wdsr_basic", seed, steps, scores(*base)))
            better = scores(*(value + gain for value in base))
            found.append(make("wdsr_awru", seed, steps, better))
    found.append(make("wdsr_basic", 0, 10_000, scores(*base)))
    better = scores(*(value + gain for value, gain in zip(base, LONG, strict=True)))
    return [*found, make("wdsr_awru", 0, 10_000, better)]


@pytest.fixture
def shown(stored):
    ((name, one),) = budget.of_ablations([AWRU], stored)
    assert name == "budget_awru_x2_T291"
    return one


def test_intervals_are_those_of_students_t(shown):
    """Images that gain alike add nothing: what is left is the t of the seeds, or of the images."""
    assert shown.pairs.keys() == {"AWRU to Basic RU"}
    wanted = [(steps, GAINS[steps], "seeds and images") for steps in GAINS]
    wanted.append((10_000, LONG, "images"))
    for point, (steps, gains, over) in zip(shown.points, wanted, strict=True):
        by_hand = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
        estimate = point.found.estimate
        assert (point.steps, estimate.over) == (steps, over)
        assert float(estimate.diff) == pytest.approx(sum(gains) / 3)
        ends = (float(estimate.low), float(estimate.high))
        assert ends == pytest.approx(tuple(by_hand), rel=1e-6)
    assert [point.seeds for point in shown.points] == ["0, 1, 2", "0, 1, 2", "0"]


@pytest.mark.parametrize("sheet", [Sheet(), Sheet(width_in=3.3)], ids=str)
def test_what_is_of_one_seed_is_hollow_and_said(shown, sheet, uncut):
    with style.styled("budget"):
        figure = budget.draw(shown, sheet)
        uncut(figure)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    fills = [to_hex(line.get_markerfacecolor()) for line in axes.lines if line.get_marker() == "o"]
    assert [fill == "#ffffff" for fill in fills] == [False, False, True]
    (note,) = (text.get_text().replace("\n", " ") for text in figure.texts)
    assert "Hollow (10,000 steps): one training a row" in note
    assert "625, 2,500, 10,000 steps" in note
    assert "cpu (Some CPU)" in note
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["625", "2,500", "10,000"]


def test_the_bars_are_the_intervals(shown):
    with style.styled("budget"):
        axes = budget.draw(shown).axes[0]
    drawn = [bar for bar in axes.collections if isinstance(bar, LineCollection)]
    bars = [segment for bar in drawn for segment in bar.get_segments()]
    for bar, point in zip(bars, shown.points, strict=True):
        (x, low), (_, high) = bar
        assert x == pytest.approx(point.steps)
        estimate = point.found.estimate
        assert (low, high) == pytest.approx((float(estimate.low), float(estimate.high)))


def test_other_settings_are_another_figure(stored, make):
    others = [
        make(model, 0, steps, scores(30.0, 31.0, 33.0), patch=24)
        for model in ("wdsr_basic", "wdsr_wru")
        for steps in (625, 2500)
    ]
    found = budget.of_ablations([AWRU], [*stored, *others])
    patches = {
        pair: {record.config.train.patch for record in one.records}
        for _, one in found
        for pair in one.pairs
    }
    assert patches == {"AWRU to Basic RU": {48}, "wRU to Basic RU": {24}}
    assert len({name for name, _ in found}) == 2
    ((_, chosen),) = budget.of_ablations([AWRU], [*stored, *others], ["wRU to Basic RU"])
    assert chosen.pairs.keys() == {"wRU to Basic RU"}


def test_kinds_of_devices_are_told_at_each_budget(stored):
    moved = [
        replace(one, provenance=replace(one.provenance, device="cpu (Other CPU)"))
        if (one.steps, one.seed, one.model) == (625, 0, "wdsr_basic")
        else one
        for one in stored
    ]
    ((name, one),) = budget.of_ablations([AWRU], moved)
    text = to_markdown(table.build(name, one))
    assert "625 steps: Kinds of devices: seed 0 on cpu (" in text
    assert "2,500 steps: Kinds" not in text


def test_a_set_that_is_not_the_same_at_all_budgets_is_left_out_and_named(stored):
    more = [
        replace(one, scores=(*one.scores, scores(20.0, name="Set14", images=str(one.steps))))
        for one in stored
    ]
    ((name, one),) = budget.of_ablations([AWRU], more)
    assert one.points[0].sets == ("Set5",)
    assert "left out, not scored alike: Set14" in to_markdown(table.build(name, one))


def test_one_budget_is_refused(stored):
    with pytest.raises(UsageError, match=r"two numbers of steps .*: 625 steps \(x2\)"):
        budget.of_ablations([AWRU], [one for one in stored if one.steps == 625])
    with pytest.raises(UsageError, match=r"trained were: none"):
        budget.of_ablations([AWRU], [])


def test_what_nobody_can_tell_alike_is_refused(stored):
    """Records of before all conditions were kept may differ in more than their steps."""
    earlier = [replace(one, group=f"group{one.steps}") for one in stored]
    with pytest.raises(UsageError, match="recorded before all settings were"):
        budget.of_ablations([AWRU], earlier)


def test_the_command_writes_figure_and_numbers(stored, tmp_path, invoke):
    """Of two results roots: short trainings lie apart from those of the tables."""
    short = tmp_path / "short"
    for one in stored:
        write(short if one.steps == 625 else tmp_path, one)
    result = invoke(*("figures", "budget", "ablation=awru", "--results", tmp_path, "--also", short))
    assert result.exit_code == 0, result.output
    files = {Path(line).suffix: Path(line) for line in result.stdout.split()}
    assert files.keys() == {".svg", ".pdf", ".png", ".csv", ".md", ".tex"}
    rows = list(csv.DictReader(files[".csv"].read_text("utf-8").splitlines()))
    assert [(row["steps"], row["seeds"], row["over"]) for row in rows] == [
        ("625", "0, 1, 2", "seeds and images"),
        ("2500", "0, 1, 2", "seeds and images"),
        ("10000", "0", "images"),
    ]
    assert [float(row["mean_psnr_diff_db"]) for row in rows] == pytest.approx([0.03, 0.04, 0.04])
    assert "| AWRU | Basic RU | 625 | 0, 1, 2 | +0.030 |" in files[".md"].read_text("utf-8")
    wrong = invoke("figures", "budget", "awru", "--pair", "AWRU to Basic", "--results", tmp_path)
    assert wrong.exit_code == 2
    assert "AWRU to Basic RU" in wrong.stderr

"""Networks of an ablation beside the published ones: which, where, and how they are marked."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from harness.config import ablation
from harness.errors import HarnessError, UsageError
from harness.records import record as records
from harness.reports.figures import own_pareto, pareto, style
from harness.reports.figures.sheet import Sheet

MINE = ablation.parse(
    "rows: [{label: CARN, model: wdsr_basic}, {label: weighted, model: wdsr_awru}]",
    default_name="mine",
)


def own(figure):
    return {point.label: point for point in figure.points if point.own}


def test_published_networks_stand_there_as_in_figure_1(trained):
    (figure,) = own_pareto.of_ablation(MINE, [trained(multi_adds=10**9)])
    published = [point for point in figure.points if not point.own]
    assert tuple(published) == pareto.points()[0]
    assert {point.label: point.psnr_db for point in published}["AWSRN"] == Decimal("38.11")
    assert own(figure).keys() == {"CARN (own)"}  # there is a published CARN


def test_published_rows_that_the_file_chooses_stand_there_alone(trained):
    chosen = dataclasses.replace(MINE, published=("AWSRN-M", "IMDN", "FALSR-A"))
    (figure,) = own_pareto.of_ablation(chosen, [trained(multi_adds=10**9)])
    assert [point.label for point in figure.points] == ["AWSRN-M", "IMDN", "FALSR-A", "CARN"]
    (at_x3,) = own_pareto.of_ablation(chosen, [trained(multi_adds=10**9, scale=3)])
    assert [point.label for point in at_x3.points] == ["AWSRN-M", "IMDN", "CARN"]
    assert "Not published on Set5 at x3: FALSR-A." in at_x3.remarks


def test_younger_networks_may_be_chosen(trained):
    chosen = dataclasses.replace(MINE, published=("SAFMN", "SMFANet+ (DIV2K)", "SRFormer-light"))
    (figure,) = own_pareto.of_ablation(chosen, [trained(multi_adds=10**9)])
    points = {point.label: point for point in figure.points if not point.own}
    assert points.keys() == {"SAFMN", "SMFANet+ (DIV2K)"}
    assert points["SMFANet+ (DIV2K)"].psnr_db == Decimal("38.18")
    assert points["SMFANet+ (DIV2K)"].executed == 101_143_987_200
    assert figure.unknown == ("SRFormer-light",)


def test_own_ones_are_means_over_seeds_of_the_longest_training(trained):
    stored = [
        trained("wdsr_awru", 0, psnr_db=31.0, multi_adds=5),
        trained("wdsr_awru", 1, psnr_db=33.0, multi_adds=5),
        trained("wdsr_awru", 0, psnr_db=40.0, steps=100, group="other"),
    ]
    (figure,) = own_pareto.of_ablation(MINE, stored)
    point = own(figure)["weighted"]
    assert (point.psnr_db, point.range_db, point.by_rule) == (32.0, (31.0, 33.0), 5)
    assert point.short
    assert "weighted: 300 steps on T291, a short budget (of 1,000,000 on DIV2K)" in " ".join(
        figure.remarks
    )


def test_a_training_of_the_papers_length_is_not_marked(trained):
    stored = [trained("wdsr_awru", full_budget=True, multi_adds=5)]
    (figure,) = own_pareto.of_ablation(MINE, stored)
    assert own(figure)["weighted"].kind == "own"
    assert "short" not in " ".join(figure.remarks)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"multi_adds": None}, "weighted (its Multi-Adds are in doubt)"),
        ({"multi_adds": 0}, "weighted (it has no Multi-Adds)"),
        ({"set_name": "Set14", "multi_adds": 5}, "weighted (not scored on Set5)"),
    ],
)
def test_rows_without_a_point_are_named(trained, caplog, change, why):
    stored = [trained(multi_adds=5), trained("wdsr_awru", **change)]
    (figure,) = own_pareto.of_ablation(MINE, stored)
    assert own(figure).keys() == {"CARN (own)"}
    assert why in " ".join(figure.remarks)
    assert why in caplog.text


def test_sets_of_which_nothing_is_published_show_ones_own_alone(trained):
    stored = [trained(set_name="mine", multi_adds=5)]
    (figure,) = own_pareto.of_ablation(MINE, stored)
    assert (figure.set, [point.label for point in figure.points]) == ("mine", ["CARN"])
    assert "Nothing is published of mine at x2." in figure.remarks


def test_nothing_scored_and_unknown_sets_are_told(trained):
    with pytest.raises(HarnessError, match="no row of the ablation 'mine' was scored"):
        own_pareto.of_ablation(MINE, [trained("awsrn")])
    with pytest.raises(UsageError, match="did you mean 'Set5'"):
        own_pareto.of_ablation(MINE, [trained(multi_adds=5)], set_name="Set6")


@pytest.mark.parametrize("width", [None, 3.3])
@pytest.mark.parametrize("note", [True, False])
def test_marks_and_texts(trained, uncut, width, note):
    stored = [
        trained(multi_adds=300 * 10**9, psnr_db=36.0),
        trained("wdsr_awru", multi_adds=310 * 10**9, psnr_db=37.9, full_budget=True),
    ]
    (figure,) = own_pareto.of_ablation(MINE, stored)
    with style.styled("test"):
        drawn = own_pareto.draw(figure, Sheet(width, note))
        uncut(drawn)
        (axes,) = drawn.axes
        names = [text.get_text() for text in axes.texts]
        boxes = [text.get_window_extent() for text in axes.texts]
    assert sorted(names) == sorted(point.label for point in figure.points)
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    filled, hollow = axes.collections[2:4]
    assert np.asarray(filled.get_offsets()).tolist() == [[310, 37.9]]
    assert np.asarray(hollow.get_offsets()).tolist() == [[300, 36.0]]
    assert np.asarray(hollow.get_facecolor())[0, :3].tolist() == [1, 1, 1]


def test_from_the_command_line(trained, tmp_path, invoke):
    records.write(tmp_path, trained("wdsr_awru", multi_adds=5))
    (tmp_path / "mine.yaml").write_text("rows: [{label: plain, model: wdsr_awru}]")
    named = f"ablation={tmp_path / 'mine.yaml'}"
    done = invoke("figures", "pareto", named, "--results", tmp_path, "--width", "3.3in")
    assert done.exit_code == 0, done.output
    names = [f"pareto_mine_x2.{form}" for form in style.FORMS]
    assert done.stdout.split() == [str(tmp_path / "reports" / name) for name in names]

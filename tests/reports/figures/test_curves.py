"""Curves of an ablation: what is drawn, what is named as passed over."""

import numpy as np
import pytest

from harness.config import ablation
from harness.errors import HarnessError
from harness.records import record as records
from harness.reports.figures import curves, style
from harness.reports.figures.curves import Points
from harness.reports.figures.sheet import Sheet

MINE = ablation.parse(
    "rows: [{label: plain, model: wdsr_basic}, {label: weighted, model: wdsr_awru}]",
    default_name="mine",
)


def points(steps, seconds, values):
    return Points(*(np.array(column, float) for column in (steps, seconds, values)))


def test_a_line_is_the_mean_with_the_range_of_the_seeds():
    slow = points([100, 200], [20, 40], [4, 2])
    fast = points([100, 200], [10, 20], [8, 2])
    over_steps = curves.line([slow, fast], over_time=False)
    assert over_steps.x.tolist() == [100, 200]
    assert over_steps.mean.tolist() == [6, 2]
    assert over_steps.low.tolist() == [4, 2]
    assert over_steps.high.tolist() == [8, 2]
    assert curves.line([slow, fast], over_time=True).x.tolist() == [15, 30]


def test_seeds_that_were_read_at_other_steps_are_compared_where_both_were():
    often = points([50, 100, 150, 200], [1, 2, 3, 4], [9, 8, 7, 6])
    late = points([100, 200], [2, 4], [6, 4])
    drawn = curves.line([often, late], over_time=False)
    assert drawn.x.tolist() == [100, 150, 200]
    assert drawn.low.tolist() == [6, 5, 4]  # straight from 6 to 4


def test_the_score_of_the_finished_network_is_the_last_point(trained):
    drawn = curves.scores(trained(psnr_db=31.0), "Set5")
    assert drawn.steps.tolist() == [150, 300]
    assert drawn.values.tolist() == [29.0, 31.0]
    assert drawn.seconds.tolist() == [15.0, 30.0]


def test_comparable_trainings_stand_in_one_figure_and_others_in_another(trained):
    stored = [
        trained(),
        trained("wdsr_awru", 1),
        trained(group="other", steps=600),
        trained("awsrn"),
    ]
    found = curves.of_ablation(MINE, stored)
    assert [one.name for one in found] == [
        "curves_mine_x2_T291_300steps",
        "curves_mine_x2_T291_600steps",
    ]
    assert [row.label for row in found[0].rows if row.records] == ["plain", "weighted"]
    assert "Not trained yet: weighted" in found[1].passed_over[0]


def test_bicubic_is_not_missed(trained):
    rows = "rows: [{model: bicubic}, {label: plain, model: wdsr_basic}]"
    (found,) = curves.of_ablation(ablation.parse(rows, default_name="mine"), [trained()])
    assert found.passed_over == ()


def test_records_without_readings_are_named(trained, caplog):
    stored = [trained(), trained(seed=1, readings=False), trained("wdsr_awru", readings=False)]
    (found,) = curves.of_ablation(MINE, stored)
    assert [(row.label, [one.seed for one in row.records]) for row in found.rows] == [
        ("plain", [0])
    ]
    assert "without readings: plain (seed 1); weighted (seed 0)" in found.passed_over[0]
    assert "weighted (seed 0)" in caplog.text
    assert "weighted (seed 0)" in curves.caption(found)


@pytest.mark.parametrize(("count", "why"), [(0, "none was run"), (1, "before readings were kept")])
def test_nothing_to_draw_is_an_error(trained, count, why):
    with pytest.raises(HarnessError, match=why):
        curves.of_ablation(MINE, [trained(readings=False)] * count)


@pytest.mark.parametrize("width", [None, 3.3, 2.5])
@pytest.mark.parametrize("note", [True, False])
def test_lines_bands_and_texts(trained, uncut, width, note):
    stored = [trained(model, seed) for model in ("wdsr_basic", "wdsr_awru") for seed in (0, 1)]
    (found,) = curves.of_ablation(MINE, stored)
    with style.styled("test"):
        figure = curves.draw(found, Sheet(width, note))
        uncut(figure)
    assert figure.get_figwidth() == (width or 6.4)
    assert len(figure.axes) == 4
    for axes in figure.axes:
        assert len(axes.lines) == 2
        assert len(axes.collections) == (2 if axes in figure.axes[:2] else 0)  # PSNR is alike
    assert figure.axes[0].lines[0].get_ydata().tolist() == [30.5, 20.5, 10.5]
    assert {line.get_linestyle() for line in figure.axes[0].lines} == {"-", "--"}
    assert bool(figure.texts) == note


def test_from_the_command_line(trained, tmp_path, invoke):
    records.write(tmp_path, trained())
    (tmp_path / "mine.yaml").write_text("rows: [{label: plain, model: wdsr_basic}]")
    named = f"ablation={tmp_path / 'mine.yaml'}"
    done = invoke("figures", "curves", named, "--results", tmp_path, "--width", "84mm", "--no-note")
    assert done.exit_code == 0, done.output
    names = [f"curves_mine_x2_T291_300steps.{form}" for form in style.FORMS]
    assert done.stdout.split() == [str(tmp_path / "reports" / name) for name in names]
    svg = (tmp_path / "reports" / names[0]).read_text()
    assert f'width="{84 / 25.4 * 72:.5f}'[:12] in svg


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("curves", "ablaton=awru"), "expected ablation=NAME"),
        (("curves", "ablation=awruu"), "did you mean 'awru'"),
        (("curves", "ablation=awru", "--width", "3.3"), "such as 3.3in"),
        (("curves", "ablation=awru", "--width", "1in"), "expected 2.5in to 20in"),
        (("--width", "3in", "curves", "ablation=awru"), "behind the command"),
    ],
)
def test_what_is_typed_wrongly_is_told(tmp_path, invoke, arguments, message):
    done = invoke("figures", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr

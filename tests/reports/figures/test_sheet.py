"""Widths of figures, and that nothing is cut at the width of a paper's column."""

import dataclasses

import numpy as np
import pytest

from harness.errors import UsageError
from harness.records.learned import LearnedScalars
from harness.reports.figures import crop_figure, learned_weights, pareto, style
from harness.reports.figures.crops import NetworkResult, View
from harness.reports.figures.sheet import Sheet, parse_width


@pytest.mark.parametrize(
    ("text", "inches"),
    [("3.3in", 3.3), ("84mm", 84 / 25.4), ("8.4 cm", 8.4 / 2.54), ("240pt", 240 / 72.27)],
)
def test_widths_have_units(text, inches):
    assert parse_width(text) == pytest.approx(inches)


@pytest.mark.parametrize("text", ["3.3", "in", "-3in", "3,3in", "nanin", "1e1in", "2in", "21in"])
def test_other_widths_are_refused(text):
    with pytest.raises(UsageError, match="width"):
        parse_width(text)


@pytest.mark.parametrize("note", [True, False])
@pytest.mark.parametrize("width", [3.3, 5.0])
def test_figure_1_fits(uncut, width, note):
    with style.styled("test"):
        figure = pareto.draw(*pareto.points(), Sheet(width, note))
        uncut(figure)
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        spots = figure.axes[0].transData.transform(
            np.concatenate([np.asarray(one.get_offsets()) for one in figure.axes[0].collections])
        )
        page = figure.bbox.width
    assert page == pytest.approx(width * 72)
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    assert not any(box.contains(x, y) for x, y in spots for box in boxes)
    assert bool(figure.texts) == note


@pytest.mark.parametrize("note", [True, False])
@pytest.mark.parametrize("width", [3.3, 5.0])
def test_figure_4_fits(trained, uncut, width, note):
    values = LearnedScalars((0.951, 1.2), (0.9, 1.1), (0.95,), (1.0,), {3: 0.25, 5: 0.75})
    run = dataclasses.replace(trained("awsrn"), learned=values)
    with style.styled("test"):
        figure = learned_weights.draw(learned_weights.Learned("x", (run,)), Sheet(width, note))
        uncut(figure)
        labels = [axes.yaxis.label.get_window_extent() for axes in figure.axes]
        panels = [axes.bbox for axes in figure.axes]
    assert not any(label.overlaps(panel) for label in labels if label.width for panel in panels)


@pytest.mark.parametrize("note", [True, False])
@pytest.mark.parametrize("width", [None, 3.3])
def test_details_fit(uncut, width, note):
    image = np.zeros((40, 60, 3), np.uint8)
    names = ("HR", "Bicubic", "a name of a network that is long", "b")
    results = tuple(NetworkResult(name, image, "w.pth", 31.25, 0.9123) for name in names)
    view = View("an image", (1, 2, 20, 20), results)
    with style.styled("test"):
        figure = crop_figure.draw([view, view], scale=2, sheet=Sheet(width, note))
        uncut(figure)
        texts = [
            text.get_window_extent()
            for axes in figure.axes
            for text in (axes.xaxis.label, *axes.texts)
            if text.get_text()
        ]
        panels = [axes.bbox for axes in figure.axes]
    assert not any(a.overlaps(b) for n, a in enumerate(texts) for b in texts[:n])
    assert not any(text.overlaps(panel) for text in texts for panel in panels)


def test_texts_are_in_the_font_that_is_asked_for():
    with style.in_font("DejaVu Serif"), style.styled("test"):
        figure = pareto.draw(*pareto.points(), Sheet(3.3))
        assert figure.axes[0].xaxis.label.get_fontname() == "DejaVu Serif"
    with style.styled("test"):
        figure = pareto.draw(*pareto.points(), Sheet(3.3))
        assert figure.axes[0].xaxis.label.get_fontname() == "DejaVu Sans"


def test_a_font_that_is_not_there_is_refused_with_the_nearest():
    with (
        pytest.raises(UsageError, match="did you mean 'DejaVu Serif'"),
        style.in_font("Deja Serif"),
    ):
        pass

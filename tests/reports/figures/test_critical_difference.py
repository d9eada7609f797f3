"""The critical-difference picture of the stored branches: ten rows on 19 images."""

from pathlib import Path

import numpy as np
import pytest

from harness.config.ablation import load
from harness.records.record import load_all
from harness.reports.figures import critical_difference, style
from harness.reports.figures.sheet import Sheet
from tests.shipped import STEPS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def shown():
    (found,) = critical_difference.of_ablation(load("branches"), load_all(ROOT))
    return found


def test_the_ranks_are_those_of_the_records(shown):
    """Ranked anew: the mean rank of the best row, within images of the mean over its seeds."""
    stored = [one for one in load_all(ROOT) if one.steps == STEPS]
    networks = {(one.model, one.drop) for one in stored if one.model in ("wdsr_awms", "awsrn")}
    means = {
        key: np.mean(
            [
                [image.psnr_db for score in one.scores[:2] for image in score.images]
                for one in stored
                if (one.model, one.drop) == key
            ],
            axis=0,
        )
        for key in networks
    }
    assert len(means) == len(shown.ranks.labels) == 10
    ranks = {
        key: np.mean([1 + sum(other[i] > one[i] for other in means.values()) for i in range(19)])
        for key, one in means.items()
    }
    labels = {("awsrn", ()): "AWSRN-B w/ AWMS", ("wdsr_awms", ()): "WDSR w/ AWMS"}
    best = min(ranks, key=ranks.__getitem__)
    assert shown.ranks.labels[0] == labels[best]
    assert shown.ranks.means[0] == pytest.approx(float(ranks[best]))


@pytest.mark.parametrize("sheet", [Sheet(), Sheet(width_in=3.3), Sheet(note=False)], ids=str)
def test_every_row_and_the_test_are_named(shown, sheet):
    with style.styled("ranks"):
        figure = critical_difference.draw(shown, sheet)
        figure.canvas.draw()
    texts = [text.get_text() for text in (*figure.axes[0].texts, *figure.texts)]
    for label in shown.ranks.labels:
        assert any(label in text for text in texts)
    assert any("Nemenyi" in text for text in texts) == sheet.note
    for text in (*figure.axes[0].texts, *figure.texts):
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y0 >= 0


def test_the_command_writes_it_three_times(tmp_path, invoke):
    (tmp_path / "results").symlink_to(ROOT / "results")
    result = invoke("figures", "ranks", "branches", "--results", tmp_path)
    assert result.exit_code == 0, result.output
    endings = sorted(Path(line).suffix for line in result.stdout.split())
    assert endings == [".pdf", ".png", ".svg"]
    result = invoke("figures", "ranks", "awru", "--results", tmp_path)
    assert result.exit_code == 2
    assert "expected 5 rows that were trained alike or more, and there are 3" in result.stderr

"""Figure 1: published scores over our counts, the same bytes wherever it is drawn."""

import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.reports.figures import pareto

ROOT = Path(__file__).parents[3]
FORMS = ("svg", "pdf", "png")

DRAW = """
import sys
from pathlib import Path
from harness.reports.figures import pareto
pareto.write(Path(sys.argv[1]))
print({"torch", "mlflow", "pandas", "matplotlib.pyplot"} & set(sys.modules))
"""


@pytest.fixture(scope="module")
def points():
    shown, unknown = pareto.points()
    assert unknown == ("MoreMNAS-A",)
    return {point.label: point for point in shown}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    assert pareto.write(folder) == tuple(folder / f"figure1.{form}" for form in FORMS)
    return folder


def test_scores_are_the_paper_s_and_counts_are_ours(points):
    assert len(points) == 19
    assert points["AWSRN"].psnr_db == Decimal("38.11")
    assert points["AWSRN"].by_rule == 320_548_147_200
    assert points["FSRCNN"].psnr_db == Decimal("37.00")
    assert points["FSRCNN"].executed == 2_871_705_600


def test_caption_says_whose_numbers_they_are_and_where_ours_differ(points):
    text = pareto.caption(list(points.values()), ["MoreMNAS-A"])
    assert text.startswith("PSNR: as published (Table 5 of the paper), not ours. Multi-Adds: ours")
    assert "in brackets: MemNet 2,662.35 (2,662.4), FALSR-A 235.00 (234.7)." in text
    assert "FSRCNN 2.87 (6.0), LapSRN 94.10 (29.9)" in text
    assert "AWSRN" not in text
    assert text.endswith("unknown: MoreMNAS-A.")


def test_caption_says_nothing_of_what_does_not_occur(points):
    text = pareto.caption([points["AWSRN"], points["CARN"]])
    assert text.count(":") == 2


def test_every_network_is_named_once(points):
    figure = pareto.draw(list(points.values()))
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.texts]
    assert sorted(labels) == sorted(points)
    stars, circles, rings = (len(np.asarray(series.get_offsets())) for series in axes.collections)
    assert (stars, circles, rings) == (4, 15, 6)
    assert axes.get_xscale() == "log"


def test_labels_cover_neither_each_other_nor_points(points):
    figure = pareto.draw(list(points.values()))
    (axes,) = figure.axes
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    spots = np.concatenate([np.asarray(series.get_offsets()) for series in axes.collections])
    for x, y in axes.transData.transform(spots):
        assert not any(box.contains(x, y) for box in boxes)


def test_marks_are_told_apart_without_colour(points):
    figure = pareto.draw(list(points.values()))
    stars, circles, _ = figure.axes[0].collections
    corners = [len(np.asarray(series.get_paths()[0].vertices)) for series in (stars, circles)]
    assert corners[0] != corners[1]
    light = [np.asarray(series.get_facecolor())[0, :3].mean() for series in (stars, circles)]
    assert light[1] - light[0] > 0.4


def test_fonts_are_within_the_files(drawn):
    assert b"<text" not in (drawn / "figure1.svg").read_bytes()
    pdf = (drawn / "figure1.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    with Image.open(drawn / "figure1.png") as image:
        assert image.size == (1280, 980)


def test_no_text_is_larger_than_8_points(drawn):
    sizes = re.findall(rb"/F\S* (\S+) Tf", (drawn / "figure1.pdf").read_bytes())
    assert max(map(float, sizes)) == 8


def test_files_name_no_time_and_no_program(drawn):
    for form in FORMS:
        content = (drawn / f"figure1.{form}").read_bytes()
        assert b"CreationDate" not in content
        assert b"<dc:date>" not in content
        assert b"Matplotlib" not in content


def test_the_same_bytes_in_another_process_whatever_its_settings(drawn, tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nlines.linewidth: 5\n")
    surroundings = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", DRAW, tmp_path / "again"],
        env=surroundings | {"PYTHONPATH": str(ROOT), "MATPLOTLIBRC": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "set()"
    for form in FORMS:
        name = f"figure1.{form}"
        assert (tmp_path / "again" / name).read_bytes() == (drawn / name).read_bytes(), form


def test_the_command_names_its_files(tmp_path, invoke):
    result = invoke("figures", "--results", tmp_path)
    assert result.exit_code == 0, result.output
    expected = [str(tmp_path / "reports" / f"figure1.{form}") for form in FORMS]
    assert result.stdout.split() == expected

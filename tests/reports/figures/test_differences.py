"""The figure of differences: its numbers are those of the tables and of the paper."""

import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from harness.config.ablation import load
from harness.errors import UsageError
from harness.records.record import load_all
from harness.reports.figures import differences, style
from harness.reports.figures.sheet import Sheet
from tests.shipped import STEPS

ROOT = Path(__file__).parents[3]
NAMES = ("awru", "lfb", "awms")


@pytest.fixture(scope="module")
def shown():
    (found,) = differences.of_ablations([load(name) for name in NAMES], load_all(ROOT))
    return found


def test_differences_are_those_of_the_tables(shown):
    """Each row of each table stands there once, also where two tables have the same networks."""
    rows = {(row.row, row.base): row for row in shown.rows}
    of_tables = 0
    for name in NAMES:
        path = ROOT / "reports" / f"{shown.name.replace('differences', name)}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                if not line["ours_mean_psnr_diff_low_db"]:
                    continue
                of_tables += 1
                label = line["label"], line["base"]
                if label == ("AWSRN-B", "WDSR"):
                    label = "AWSRN-B", "baseline"  # Table 2 has the same two networks
                row = rows[label]
                for value, key in ((row.db, ""), (row.low_db, "low_"), (row.high_db, "high_")):
                    assert value == pytest.approx(float(line[f"ours_mean_psnr_diff_{key}db"]))
    path = ROOT / "reports" / f"{shown.name.replace('differences', 'lfb')}_pairs.csv"
    with path.open(encoding="utf-8", newline="") as file:
        pairs = {(line["row"], line["base"]) for line in csv.DictReader(file)}
    assert pairs >= {("AWSRN-B", "AWSRN-NA"), ("AWSRN-B", "AWSRN-NL")}
    assert len(rows) == of_tables - 1 + len(pairs)
    assert pairs < set(rows)


@pytest.mark.parametrize(
    ("row", "base", "printed", "params"),
    [
        ("wRU", "Basic RU", "0.03", 8768),  # 35.02 - 34.99; 16 x 548
        ("AWRU", "Basic RU", "0.03", 32),  # 16 units x 2 scalars
        ("AWSRN-B", "AWSRN-NA", "0.05", 32),  # 35.08 - 35.03
        ("AWSRN-B w/ AWMS", "AWSRN-B", "0.02", 59_596),
        ("AWSRN-NL", "baseline", "0.03", 32 - 576),  # 5x5 to 3x3: 3 x 12 x (9 - 25) weights less
    ],
)
def test_cost_and_claim_stand_beside(shown, row, base, printed, params):
    (one,) = [one for one in shown.rows if (one.row, one.base) == (row, base)]
    assert (one.paper_db, one.params) == (Decimal(printed), params)


def test_what_is_drawn_lies_within_the_figure_and_hollow_is_over_images_alone(shown):
    rows = (replace(shown.rows[0], partial=True), *shown.rows[1:])
    for sheet in (Sheet(), Sheet(width_in=3.3)):
        with style.styled("test"):
            figure = differences.draw(replace(shown, rows=rows), sheet)
            (axes,) = figure.axes
            texts = [*axes.texts, *axes.get_yticklabels(), *figure.texts]
            for text in texts:
                box = text.get_window_extent()
                assert box.x0 >= 0, text.get_text()
                assert box.x1 <= figure.bbox.width, text.get_text()
            ours = [line for line in axes.lines if line.get_marker() == "o"]
        assert [line.get_xdata()[0] for line in ours] == [row.db for row in rows]
        faces = [line.get_markerfacecolor() for line in ours]
        assert faces[0] == "white" != faces[1]
        costs = [text.get_text() for text in axes.texts]
        assert ("+8,768" in costs) == (not sheet.narrow)


def test_the_command_writes_below_the_results_root(tmp_path, invoke):
    result = invoke("figures", "differences", "awru", "--results", tmp_path)
    assert result.exit_code == 2  # no records there
    assert "awru: expected rows" in result.stderr
    (tmp_path / "results").symlink_to(ROOT / "results")
    result = invoke("figures", "differences", "awru", "--results", tmp_path)
    assert result.exit_code == 0, result.output
    written = sorted(path.suffix for path in (tmp_path / "reports").iterdir())
    assert written == [".pdf", ".png", ".svg"]


def test_one_seed_says_nothing():
    one_seed = [one for one in load_all(ROOT) if one.steps == STEPS and one.seed == 0]
    with pytest.raises(UsageError, match="two seeds"):
        differences.of_ablations([load("awru")], one_seed)

"""The list of what has been run."""

import csv
import io
import json
from pathlib import Path

import pytest

from harness.records.record import load_all
from tests.shipped import EARLIER, STEPS

ROOT = Path(__file__).parents[2]


def test_records_are_listed_by_set_and_by_image(tiny, tmp_path, invoke):
    assert "there are no records" in invoke("records", "--results", tmp_path).stderr
    invoke("run", *tiny)
    by_set = invoke("records", "--results", tmp_path, "--format", "csv").stdout.splitlines()
    by_image = invoke("records", "--results", tmp_path, "--images", "--format", "csv")
    assert len(by_set) == 1 + 3
    assert len(by_image.stdout.splitlines()) == 1 + 3 * 2
    assert "wdsr" not in invoke("records", "--results", tmp_path).stdout


@pytest.fixture
def listed(monkeypatch, invoke):
    """Rows of the committed records, as CSV reads them."""
    monkeypatch.chdir(ROOT)

    def rows(*words):
        result = invoke("records", *words, "--format", "csv")
        assert result.exit_code == 0, result.output
        return list(csv.DictReader(io.StringIO(result.stdout)))

    return rows


def test_rows_are_chosen_by_their_values(listed):
    stored = [(one, score) for one in load_all(ROOT) for score in one.scores]
    rows = listed("--where", f"steps={STEPS:,}", "--where", "set=Set5")
    assert len(rows) == sum(one.steps == STEPS and score.set == "Set5" for one, score in stored)
    assert {row["steps"] for row in rows} == {str(STEPS)}
    better = listed("--where", "psnr_db>=31", "--where", "set!=Set5")
    assert len(better) == sum(score.set != "Set5" and score.psnr_db >= 31 for _, score in stored)
    assert len(listed("--where", "full_budget=false")) == sum(
        not one.full_budget for one, _ in stored
    )


def test_rows_are_sorted_either_way(listed):
    up = [float(row["psnr_db"]) for row in listed("--where", "set=Set5", "--sort", "psnr_db")]
    down = [float(row["psnr_db"]) for row in listed("--where", "set=Set5", "--sort", "-psnr_db")]
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)
    assert len(set(up)) > 10


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--where", "step=1500"), 2, "did you mean 'steps'?"),
        (("--sort", "-psnr"), 2, "did you mean 'psnr_db'?"),
        (("--where", "steps"), 2, "expected COLUMN=VALUE"),
        (("--where", "steps=many"), 2, "expected a number, not 'many'"),
        (("--where", "full_budget=maybe"), 2, "expected true or false"),
        (("--where", "steps=1501"), 1, "no row has steps=1501 (steps there: "),
    ],
)
def test_mistakes_name_what_there_is(words, code, said, monkeypatch, invoke):
    monkeypatch.chdir(ROOT)
    result = invoke("records", *words)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_the_table_has_what_differs_and_names_what_does_not(monkeypatch, invoke):
    monkeypatch.chdir(EARLIER)
    words = ("records", "--where", "steps=1500", "--where", "set=Set5")
    text = invoke(*words).stdout
    heads = text.splitlines()[1].split()
    assert "steps" not in heads
    assert {"id", "label", "seed", "set", "commit"} <= set(heads)
    last = text.splitlines()[-1]
    assert last.startswith("The same in all rows: ")
    assert "steps 1,500" in last
    assert "scale 2" in last
    rows = json.loads(invoke(*words, "--format", "json").stdout)
    assert {row["steps"] for row in rows} == {1500}
    assert list(rows[0])[:3] == ["id", "model", "label"]

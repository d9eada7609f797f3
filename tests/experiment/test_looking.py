"""`seeds=auto`: as many seeds as a row needs, the same looks after an interruption."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import ablation
from harness.config.settings import Config
from harness.errors import TrainingError
from harness.experiment import cell_runner, looking
from harness.experiment.costs import CellCost
from harness.experiment.fit import fit
from harness.experiment.plan import Cell, Plan
from harness.host.signals import Interrupted
from harness.records.record import ImageScore, Record, SetScore, load_all

RECORD = Record.from_json(
    (Path(__file__).parents[1] / "files" / "record.json").read_text("utf-8"), source="record.json"
)
TWO_STEPS = "rows: [{label: A, model: wdsr_basic}, {label: B, model: wdsr_wru}, "
ROWS = TWO_STEPS + "{label: C, model: wdsr_awru, base: B}]\nbenchmarks: [own]\n"
MODELS = {"A": "wdsr_basic", "B": "wdsr_wru", "C": "wdsr_awru"}


@pytest.fixture
def planned(tmp_path):
    """Three rows, the third compared with the second; looks to 6 seeds within +-0.1 dB."""
    rows = ablation.parse(ROWS, default_name="three")
    config = replace(Config(), until=0.1, max=6, scale=[2])
    cost = CellCost(1, 1)
    cells = tuple(Cell(row, row.label, 2, seed, cost) for seed in range(6) for row in rows.rows)
    return Plan(rows, config, "", cells, {}, {}, (3, 4, 5, 6))


def records(label, *gains):
    """Records of a row, one a gain over 30 dB; images differ by as much in every row."""
    return [
        replace(
            RECORD,
            id=f"{label}-{seed}",
            model=MODELS[label],
            overrides={},
            seed=seed,
            scores=(
                SetScore.of(
                    "own",
                    "files",
                    "pixels",
                    tuple(ImageScore(str(i), 30 + i + gain, 0.9) for i in range(4)),
                ),
            ),
        )
        for seed, gain in enumerate(gains)
    ]


def seeds(planned, *rows, failed=(), now=None):
    now = now or looking.first(planned)
    found = [record for row in rows for record in row]
    return {label: n for (label, _), n in looking.further(planned, found, failed, now).items()}


def test_the_first_look_is_after_three_seeds_of_every_row(planned):
    assert looking.first(planned) == {("A", 2): 3, ("B", 2): 3, ("C", 2): 3}


def test_a_row_that_is_not_decided_goes_on_with_its_base(planned):
    """B is 1 dB above A in every seed, to a hair; C may be anywhere beside B, which goes along."""
    a, b = records("A", 0, 0, 0), records("B", 1.0, 1.001, 0.999)
    c = records("C", 0, 3, 1)
    assert seeds(planned, a, b, c) == {"A": 3, "B": 4, "C": 4}


def test_a_row_stops_where_its_interval_is_within(planned):
    a, b = records("A", 0, 0, 0), records("B", 0.001, 0, -0.001)
    assert seeds(planned, a, b, records("C", 0.002, 0.001, 0)) == {"A": 3, "B": 3, "C": 3}


def test_seeds_beyond_a_decision_do_not_undo_it(planned):
    """B was decided after 3 seeds; that its base has 4 and B, too, changes nothing."""
    a, b = records("A", 0, 0, 0, 0), records("B", 1.0, 1.001, 0.999, -9)
    now = {("A", 2): 4, ("B", 2): 4, ("C", 2): 4}
    assert seeds(planned, a, b, records("C", 1.0, 1.0, 1.0, -9), now=now)["A"] == 4


def test_at_the_most_seeds_it_ends_undecided(planned):
    gains = (0, 3, 1, -2, 2, 0.5)
    a, b = records("A", *6 * (0,)), records("B", *gains)
    now = {("A", 2): 6, ("B", 2): 6, ("C", 2): 6}
    assert seeds(planned, a, b, records("C", *gains), now=now) == {"A": 6, "B": 6, "C": 6}


def test_a_row_that_failed_is_not_looked_at(planned):
    a, b = records("A", 0, 0, 0), records("B", 0, 3, 1)
    assert seeds(planned, a, b, failed=["B"])["B"] == 3


def test_only_the_seeds_of_a_look_are_run(planned):
    few = planned.with_seeds({("A", 2): 4, ("B", 2): 3})
    assert [(cell.row.label, cell.seed) for cell in few.cells] == [
        *[("A", 0), ("B", 0), ("A", 1), ("B", 1), ("A", 2), ("B", 2), ("A", 3)]
    ]


def tables(root):
    return {path.name: path.read_bytes() for path in sorted((root / "reports").glob("*"))}


def ids(root):
    return sorted(path.parent.name for path in root.glob("results/runs/*/record.json"))


def test_an_interrupted_run_comes_to_the_same_looks(tiny, tmp_path, invoke, monkeypatch):
    auto = ["seeds=auto", "until=1e-9", "max=4"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert invoke("run", *tiny, *auto, f"results.root={whole}").exit_code == 0
    calls = []

    def stopped(job):
        calls.append(job)
        if len(calls) == 5:
            raise Interrupted("stopped")
        return fit(job)

    monkeypatch.setattr(cell_runner, "fit", stopped)
    invoke("run", *tiny, *auto, f"results.root={parts}")
    assert len(ids(parts)) < len(ids(whole))
    result = invoke("run", *tiny, *auto, f"results.root={parts}")
    assert result.exit_code == 0, result.output
    assert ids(parts) == ids(whole)
    trained = len(calls)
    invoke("run", *tiny, *auto, f"results.root={parts}")
    assert len(calls) == trained, "nothing is trained twice"
    assert invoke("tables", tiny[0].removeprefix("ablation="), "--results", parts).exit_code == 0
    assert tables(parts) == tables(whole)
    with next((parts / "reports").glob("*.csv")).open(encoding="utf-8") as file:
        row = next(one for one in csv.DictReader(file) if one["label"] == "basic")
    assert row["ours_mean_psnr_diff_looks"].startswith("3")
    assert row["ours_mean_psnr_diff_level"] in ("97.00 %", "99.67 %")
    assert {record.config.until for record in load_all(parts) if record.seed is not None} == {1e-9}


def test_what_failed_before_a_look_is_not_tried_again_after_it(tiny, tmp_path, invoke, monkeypatch):
    more = "  - {label: third, model: awsrn_s, with: {num_units: 1, channels: 4, unit: wru}}\n"
    text = (tmp_path / "tiny.yaml").read_text()
    (tmp_path / "tiny.yaml").write_text(text.replace("config:", f"{more}config:"))
    calls = []

    def failing(job):
        calls.append((job.planned.cell.row.label, job.planned.cell.seed))
        if calls[-1] == ("basic", 0):
            raise TrainingError("the loss became nan")
        return fit(job)

    monkeypatch.setattr(cell_runner, "fit", failing)
    result = invoke("run", *tiny, "seeds=auto", "until=1e-9", "max=4")
    assert result.exit_code == 1
    assert ("third", 3) in calls, "there was a second look"
    assert calls.count(("basic", 0)) == 1
    assert "1 of 12 runs failed" in result.stderr
    (state,) = [
        cell
        for cell in json.loads(
            invoke("status", "tiny", "--results", tmp_path, "--format", "json").output
        )["tiny"]
        if (cell["label"], cell["seed"]) == ("basic", 0)
    ]
    assert state["state"] == "failed"


def test_trainings_of_before_take_part_and_say_so(tiny, tmp_path, invoke):
    """Three fixed seeds, then looked at: decided at once, and the table says at what level."""
    invoke("run", *tiny, "seeds=0,1,2")
    before = ids(tmp_path)
    assert b"Verdict" not in next((tmp_path / "reports").glob("*.md")).read_bytes()
    result = invoke("run", *tiny, "seeds=auto", "until=90")
    assert result.exit_code == 0, result.output
    assert ids(tmp_path) == before
    text = next((tmp_path / "reports").glob("*.md")).read_text("utf-8")
    assert "| 3 | 97.00 % |" in text
    assert "Looks: seeds=auto" in text
    path = next(tmp_path.glob("results/runs/awsrn_s-x2-s1-*/record.json"))
    assert json.loads(path.read_text("utf-8"))["config"]["until"] == 90


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["seeds=auto"], "seeds=auto: expected until=DB beside it, such as until=0.03"),
        (["until=0.03"], "until: expected seeds=auto beside it"),
        (["max=5", "seeds=0,1"], "max: expected seeds=auto beside it"),
        (["seeds=auto", "until=-1"], "until=-1: expected a number from 0 to 100"),
        (["seeds=auto", "until=0.1", "max=7"], "max=7: expected one of 3, 4, 5, 6, 8, 10, 12"),
        (["seeds=auto", "until=0.1", "rows=basic"], "looks at 'basic' beside 'plain'"),
        (["seeds=auto", "until=0.1", "rows=plain"], "the difference of two rows: expected more"),
        (["seeds=autto", "until=0.1"], "separated by commas, or auto"),
    ],
)
def test_mistakes(asked, said, tiny, invoke):
    result = invoke("run", *tiny, *asked)
    assert result.exit_code == 2
    assert said in result.stderr


def test_one_network_alone_is_not_looked_at(tiny, invoke):
    arguments = [item for item in tiny if not item.startswith("ablation")]
    asked = ("--scale", "2", "seeds=auto", "until=0.1")
    result = invoke("train", "awsrn_sd", *asked, *arguments)
    assert result.exit_code == 2
    assert "expected rows that differ in one thing each, two or more" in result.stderr


def test_a_dry_run_says_the_most_and_by_what_rule(tiny, invoke):
    result = invoke("run", *tiny, "seeds=auto", "until=0.03", "max=5", "--dry-run")
    assert result.exit_code == 0
    assert "rows are looked at after 3, 4, 5 seeds" in result.stdout
    assert sum(line.startswith("plain") for line in result.stdout.splitlines()) == 5

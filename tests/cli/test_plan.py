"""`harness plan`: seeds and hours from the stored trainings, or a pilot where there are none."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from harness.config.ablation import load
from harness.experiment import pilot
from harness.experiment import plan as plans
from harness.records import counts
from harness.records.record import load_all
from tests.shipped import EARLIER, NAME

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stored(monkeypatch):
    monkeypatch.chdir(EARLIER)
    return load_all(EARLIER)


def rows(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_hours_are_those_of_the_pilots_own_trainings(stored, invoke):
    """wRU needs a fourth seed of itself and of its base for the upper limit."""
    result = invoke("plan", "awru", "--format", "csv")
    (row,) = [one for one in rows(result) if one["row"] == "wRU" and "," in one["sets"]]
    assert (row["seeds_needed"], row["seeds_assured"]) == ("3", "4")
    times = [
        fmean(one.wall_time_s for one in stored if one.model == model and one.steps == 1500)
        for model in ("wdsr_wru", "wdsr_basic")
    ]
    assert float(row["hours_needed"]) == 0
    assert float(row["hours_assured"]) == pytest.approx(sum(times) / 3600)


def test_a_row_whose_images_leave_too_much_has_no_number(stored, invoke):
    result = invoke("plan", "lfb", "--format", "json")
    (content,) = json.loads(result.stdout)
    row = next(one for one in content["rows"] if one["row"] == "AWSRN-NA")
    assert row["seeds_needed"] == row["seeds_assured"] == "none"
    assert row["half_width_infinite_db"] > 0.03
    assert row["hours_needed"] is None
    assert any("no number of seeds with these sets" in note for note in content["notes"])


def test_every_set_stands_alone_too(stored, invoke):
    found = rows(invoke("plan", "awru", "--format", "csv"))
    assert [one["sets"] for one in found if one["row"] == "AWRU"] == [
        *("Set5, Set14, B100", "Set5", "Set14", "B100")
    ]
    assert {one["images"] for one in found if one["sets"] == "B100"} == {"100"}


def test_the_committed_plans_are_those_of_the_records(tmp_path, invoke):
    (tmp_path / "results").symlink_to(ROOT / "results")
    result = invoke("plan", "awru", "lfb", "awms", "--write", "--results", tmp_path)
    assert result.exit_code == 0, result.output
    written = sorted((tmp_path / "reports").glob("*"))
    assert len(written) == 3 * 6
    for path in written:
        if path.suffix in (".md", ".csv", ".tex"):
            assert path.read_bytes() == (ROOT / "reports" / path.name).read_bytes(), path.name
    assert "<svg" in (tmp_path / "reports" / f"awru_{NAME}_plan.svg").read_text("utf-8")


def test_without_two_common_seeds_a_pilot_is_proposed(tiny, invoke):
    name = tiny[0].removeprefix("ablation=")
    results = next(one for one in tiny if one.startswith("results")).partition("=")[2]
    asked = [one for one in tiny if not one.startswith(("ablation", "results"))]
    result = invoke("plan", name, *asked, "--results", results)
    assert result.exit_code == 0, result.output
    assert f"harness run ablation={name} seeds=0,1,2 " in result.stdout
    assert f"results.root={results}\n" in result.stdout, "asked again, it looks there"
    assert "no training alike is stored" in result.stdout


def test_hours_of_a_pilot_are_reckoned_from_what_a_second_did(tiny_root, stored):
    """One training alike took its own time: two seeds of it, and two of the base, take four."""
    one = next(each for each in stored if each.model == "wdsr_basic" and each.steps == 1500)
    asked = {
        "profile": "cpu",
        "precision": "bf16-mixed",
        "train.steps": "1500",
        "train.patch": "24",
        "rows": "Basic RU",
        "seeds": "0,1",
        "data.root": str(tiny_root),
        "data.train": "own",
        "data.test": "own",
    }
    planned = plans.make(load("awru"), asked)
    found = pilot.hours(planned, [one])
    assert found.hours == pytest.approx(2 * one.wall_time_s / 3600)
    assert found.device == one.provenance.device
    assert pilot.hours(planned, []) is None
    merged = replace(one, remarks=counts.merged_remarks(2 * one.params))
    assert pilot.hours(planned, [merged]) is None, "its Multi-Adds are not those of a step"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("awrru",), "there is no ablation or file 'awrru' (did you mean 'awru'?)"),
        (("awru", "--effect", "0"), "0.0 is not in the range x>0"),
        (("awru", "--effect", "nan"), "nan is not a finite number"),
        (("awru", "--power", "1"), "1.0 is not in the range"),
        (("awru", "train.steps=9"), "train.steps: settings are those of a pilot"),
        (("init", "profile=nope"), "profile=nope: expected one of auto, smoke, cpu, paper"),
        (("awru", "--root", "x"), "the data root is --data-root"),
    ],
)
def test_mistakes(arguments, said, monkeypatch, invoke):
    monkeypatch.chdir(ROOT)
    result = invoke("plan", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())

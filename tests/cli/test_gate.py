"""`harness gate` and what CI needs beside it: exit codes, JSON, annotations, a workflow."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.statistics.gate import outcome
from tests.shipped import EARLIER

ROOT = Path(__file__).parents[2]
AWRU, BASE = "wdsr_awru-x2@1500", "wdsr_basic-x2@1500"


@pytest.fixture
def gate(monkeypatch, invoke):
    """Run it on records of earlier trainings; AWRU to WDSR is [-0.0092, +0.0063] dB there."""
    monkeypatch.chdir(EARLIER)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return lambda *words: invoke("gate", *words)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((AWRU, BASE), 0, "shown: WDSR w/ AWRU is not worse than WDSR by 0.01 dB"),
        ((AWRU, BASE, "--margin", "0.005"), 3, "cannot tell"),
        ((AWRU, BASE, "--claim", "improvement"), 4, "refuted: WDSR w/ AWRU is better"),
        ((AWRU, BASE, "--claim", "improvement", "--margin", "0"), 3, "cannot tell"),
        ((AWRU, BASE, "--claim", "regression"), 4, "refuted: WDSR w/ AWRU is worse"),
        (("wdsr_awms-x2@1500", BASE), 3, "no number of seeds would tell"),
        (("wdsr_awru-x2@300", "wdsr_basic-x2@300"), 3, "one training says nothing of other"),
        (("wdsr_awru-x2@300", "wdsr_basic-x2@300", "--images-only"), 4, "refuted"),
        ((AWRU, "wdsr_bsic-x2"), 2, "is neither a record"),
        ((AWRU, BASE, "--margin", "-1"), 2, "not in the range"),
        ((AWRU, BASE, "--margin", "inf"), 2, "is not a finite number"),
        ((AWRU, AWRU), 2, "is named twice"),
    ],
)
def test_exit_codes(words, code, said, gate):
    result = gate(*words)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.output.split())


def test_json_says_the_same_as_the_table_and_how_many_seeds_would_tell(gate, project):
    content = json.loads(gate(AWRU, BASE, "--margin", "0.005", "--format", "json").stdout)
    assert content["outcome"] == "cannot tell"
    assert content["exit_code"] == 3
    assert content["needed"] == 9
    assert content["low"] < -0.005 < content["high"]
    assert content["sets"] == ["Set5", "Set14", "B100"]
    path = project / "reports" / "awru_x2_T291_1500steps.csv"
    table = path.read_text("utf-8").splitlines()
    row = dict(zip(table[0].split(","), table[-1].split(","), strict=False))
    assert content["diff"] == pytest.approx(float(row["ours_mean_psnr_diff_db"]))


def test_rows_that_were_not_trained_alike_are_told(gate):
    """What is shown of 300 steps beside 1,500 is not shown of the networks."""
    words = ("wdsr_awru-x2@300", BASE, "--images-only", "--format", "json")
    result = gate(*words)
    (said,) = json.loads(result.stdout)["warnings"]
    assert "not all trained alike" in said
    assert "not all trained alike" in " ".join(result.stderr.split())
    assert json.loads(gate(AWRU, BASE, "--format", "json").stdout)["warnings"] == []


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ((), "notice"),
        (("--margin", "0.005"), "warning"),
        (("--claim", "improvement"), "error"),
        (("--claim", "regression"), "notice"),
    ],
)
def test_annotations_are_commands_of_the_runner_in_one_line(words, kind, gate, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    line = gate(AWRU, BASE, *words).stderr.strip()
    assert line.startswith(f"::{kind} title=harness gate, ")
    assert "95 %25 interval" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("non-inferiority", {-3: "refuted", -1: "cannot tell", 0: "shown", 3: "shown"}),
        ("improvement", {-3: "refuted", 0: "refuted", 1: "cannot tell", 3: "shown"}),
        ("regression", {-3: "shown", -1: "cannot tell", 0: "refuted", 3: "refuted"}),
    ],
)
def test_a_claim_holds_where_the_whole_interval_is_on_its_side(claim, said):
    """Intervals of +-0.5 about a difference, and a margin of 1: the border is at -1 or 1."""
    assert {at: outcome(at - 0.5, at + 0.5, claim, 1.0) for at in said} == said


@pytest.fixture
def project(tmp_path, invoke):
    """A repository with its records and tables, as a user's own."""
    shutil.copytree(EARLIER / "results" / "runs", tmp_path / "results" / "runs")
    assert invoke("tables", "awru", "--results", tmp_path).exit_code == 0
    return tmp_path


def test_stale_tables_are_told_by_their_lines(project, invoke):
    assert invoke("tables", "awru", "--check", "--results", project).exit_code == 0
    path = project / "reports" / "awru_x2_T291_1500steps.md"
    path.write_text(path.read_text("utf-8").replace("0.295", "0.2"), "utf-8")
    (project / "reports" / "awru_x2_T291_300steps.csv").unlink()
    (project / "reports" / "awru_x2_T291_1500steps_recipe1.md").write_text("of before")
    result = invoke("tables", "awru", "--check", "--results", project)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert any(line.startswith("-| wRU") and "| 0.2 |" in line for line in lines)
    assert any(line.startswith("+| wRU") and "| 0.295 |" in line for line in lines)
    assert f"{project}/reports/awru_x2_T291_300steps.csv: is missing" in lines
    assert any("recipe1.md: is left of an earlier grouping" in line for line in lines)
    assert "3 files are not what the records give" in result.stderr
    assert "0.2 |" in path.read_text("utf-8"), "nothing is written"


def test_without_records_there_is_nothing_to_check(tmp_path, invoke):
    result = invoke("tables", "awru", "--check", "--results", tmp_path)
    assert result.exit_code == 1
    assert "no records to make tables of" in result.stderr


def test_the_workflow_does_locally_what_its_steps_say(project, monkeypatch, invoke):
    """Its shell commands run under bash, `harness` being this one; nothing is installed."""
    monkeypatch.chdir(project)
    result = invoke("new", "workflow", AWRU, BASE, "--ablation", "awru", "--margin", "0.005")
    assert result.exit_code == 0, result.output
    content = yaml.safe_load((project / ".github/workflows/harness.yaml").read_text("utf-8"))
    assert set(content[True]) == {"pull_request", "workflow_dispatch"}  # YAML 1.1 reads `on` so
    steps = content["jobs"]["harness"]["steps"]
    runs = {step["name"]: step["run"] for step in steps if "run" in step}
    assert len(runs) == 3
    harness = project / "bin" / "harness"
    harness.parent.mkdir()
    harness.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m harness "$@"\n')
    harness.chmod(harness.stat().st_mode | stat.S_IXUSR)
    env = (
        os.environ
        | content["env"]
        | {
            "PATH": f"{harness.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTIONS": "true",
        }
    )
    for name, words in (("tables", "Are the tables"), ("gate", "Does the new row")):
        (step,) = (run for title, run in runs.items() if title.startswith(words))
        done = subprocess.run(
            ["bash", "-e", "-c", step], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    assert "::warning title=harness gate" in done.stderr
    assert "cannot tell" in done.stdout


def test_a_workflow_is_not_written_over_another(project, monkeypatch, invoke):
    monkeypatch.chdir(project)
    words = ("new", "workflow", 'a: "b" #', "$HOME", "--ablation", "my: rows #2.yaml")
    assert invoke(*words).exit_code == 0
    content = yaml.safe_load((project / ".github/workflows/harness.yaml").read_text("utf-8"))
    assert (content["env"]["NEW"], content["env"]["OLD"]) == ('a: "b" #', "$HOME")
    assert content["env"]["ABLATION"] == "my: rows #2.yaml"
    runs = [step.get("run", "") for step in content["jobs"]["harness"]["steps"]]
    assert 'harness tables --check -- "$ABLATION"' in runs
    result = invoke(*words)
    assert result.exit_code == 2
    assert "nothing is written" in result.stderr
    assert invoke("new", "workflow", "a\nb", "c", "--ablation", "x").exit_code == 2

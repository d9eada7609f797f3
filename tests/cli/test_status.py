"""How far a run is, from plans, records, leases and failures; by hand-made ones."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host import leases, process
from harness.records import plans, record
from harness.records.plans import PlannedRecord

ROOT = Path(__file__).parents[2]
NAMES = ("done", "partly", "running", "lost", "failed", "missing")


@pytest.fixture
def root(tmp_path):
    """A plan with a cell in each state."""
    stored = next((ROOT / "results" / "runs").glob("wdsr_basic-x2-s0-*/record.json"))
    known = record.read_file(stored)
    sets = tuple(score.set for score in known.scores)
    cells = [
        PlannedRecord(name, name, f"row {name}", "wdsr_basic", 2, 0, sets, 100) for name in NAMES
    ]
    cells[1] = PlannedRecord("partly", "partly", "row partly", "wdsr_basic", 2, 0, ("Other",), 100)
    plans.write(tmp_path, "mine", cells)
    for name in ("done", "partly"):
        folder = record.folder(tmp_path, name)
        folder.mkdir(parents=True)
        shutil.copy(stored, folder / record.FILE_NAME)
    elsewhere = {"owner": "far/1/1", "since": "2026-01-01T00:00:00+00:00", "beat": 3}
    for name, step in (("running", 50), ("lost", 10)):
        path = record.folder(tmp_path, name) / leases.FILE_NAME
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(elsewhere | {"step": step, "steps": 100, "left_s": 3600.0}))
    old = path.stat().st_mtime - leases.LOST_S - 5
    os.utime(path, (old, old))
    failure = record.folder(tmp_path, "failed") / "failure.json"
    failure.parent.mkdir(parents=True)
    why = {
        "id": "failed",
        "group": "",
        "label": "row failed",
        "model": "wdsr_basic",
        "overrides": {},
        "drop": [],
        "scale": 2,
        "seed": 0,
        "reason": "no such map",
        "place": "net.py:7",
        "time": "",
        "commit": None,
    }
    failure.write_text(json.dumps(why))
    return tmp_path


def states(root, invoke):
    result = invoke("status", "ablation=mine", "--results", root, "--format", "json")
    assert result.exit_code == 0, result.output
    return {cell["id"]: cell for cell in json.loads(result.stdout)["mine"]}


def test_every_state_is_told(root, invoke):
    found = states(root, invoke)
    assert {name: cell["state"] for name, cell in found.items()} == {
        **{name: name for name in NAMES},
        "partly": "missing",
    }
    assert found["failed"]["why"] == "no such map (net.py:7)"
    assert found["running"]["lease"]["step"] == 50
    text = invoke("status", "--results", root).output
    assert "mine: 1 done, 1 running, 1 failed, 1 lost, 2 missing" in text
    assert "far, since 2026-01-01T00:00:00+00:00, step 50 of 100, 1:00:00 left" in text


def test_a_process_of_this_machine_that_has_ended_is_lost_at_once(root, invoke):
    path = record.folder(root, "running") / leases.FILE_NAME
    ended = process.identity().rsplit("/", 1)[0] + "/1"  # another start than this process's
    path.write_text(json.dumps(json.loads(path.read_text()) | {"owner": ended}))
    assert states(root, invoke)["running"]["state"] == "lost"


def test_what_was_not_run_is_refused_with_the_nearest(root, invoke, tmp_path):
    result = invoke("status", "ablation=mime", "--results", root)
    assert result.exit_code == 2
    assert "did you mean 'mine'" in result.output
    assert invoke("status", "--results", tmp_path / "none").exit_code == 2
    assert invoke("status", "awru", "lfb", "--results", root).exit_code == 2


@pytest.mark.parametrize("every", ["-1", "0", "nan", "inf"])
def test_a_time_that_is_none_is_refused(every, root, invoke):
    result = invoke("status", "--watch", "--every", every, "--results", root)
    assert result.exit_code == 2
    assert "expected 0.1 to 86,400 seconds" in result.stderr


def test_of_plans_of_one_second_the_largest_is_the_last_look(tmp_path):
    cells = [
        PlannedRecord(f"net-x2-s{seed}-0", "", "net", "net", 2, seed, (), 1) for seed in range(9)
    ]
    for count in (3, 4, 5, 6, 8):
        plans.write(tmp_path, "mine", cells[:count])
    for path in plans.folder(tmp_path).glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"time": "2026-01-01"}))
    assert [len(plan.cells) for plan in plans.load_all(tmp_path)] == [8, 6, 5, 4, 3]


def test_a_damaged_plan_is_passed_over(root, invoke):
    (plans.folder(root) / "other-0.json").write_text("{")
    assert states(root, invoke)["done"]["state"] == "done"


def test_it_loads_neither_torch_nor_images(root):
    code = (
        "import sys; from harness.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert not {'torch', 'mlflow', 'PIL'} & set(sys.modules), sys.modules.keys()"
    )
    command = [sys.executable, "-c", code, "status", "--results", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr

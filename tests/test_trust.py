"""What is executed, what never, and what listens: as CONTRIBUTING.md says."""

import json
import re
import shutil
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.experiment import mlflow_page
from harness.experiment.launch import ray_tasks
from harness.host.problems import FormatError
from harness.host.yaml_reading import from_yaml
from harness.records import record

ROOT = Path(__file__).parents[1]


def test_every_line_has_a_test_that_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## What is trusted")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", section))
    assert len(named) > 6
    sources = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    assert {name for name in named if f"def {name}(" not in sources} == set()


def test_a_record_that_names_a_file_executes_nothing(tmp_path, invoke):
    (tmp_path / "evil.py").write_text("open(__file__ + '.run', 'w').close()\nclass Net: pass\n")
    stored = next((ROOT / "results" / "runs").glob("wdsr_basic-x2-s0-*/record.json"))
    raw = json.loads(stored.read_text())
    raw["model"] = f"{tmp_path}/evil.py:Net"
    folder = tmp_path / "results" / "runs" / raw["id"]
    folder.mkdir(parents=True)
    (folder / record.FILE_NAME).write_text(json.dumps(raw))
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "results", other / "results")
    for command in (
        ("records", "--results", tmp_path),
        ("tables", "--results", tmp_path),
        ("figures", "--results", tmp_path),
        ("compare", raw["id"], raw["id"], "--results", tmp_path),
        ("records", "import", other, "--results", tmp_path),
        ("status", "--results", tmp_path),
    ):
        result = invoke(*command)
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        assert not (tmp_path / "evil.py.run").exists(), command


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.getcwd []", "!!python/name:os.system"])
def test_yaml_makes_no_objects(tag):
    with pytest.raises(FormatError):
        from_yaml(dict[str, str], f"key: {tag}\n")


def test_what_listens_does_so_on_this_machine_alone(tmp_path, monkeypatch):
    commands = []

    def run(command):
        commands.append(command)
        return 0

    monkeypatch.setattr(mlflow_page, "run_group", run)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file://{tmp_path}")
    mlflow_page.serve(tmp_path, 5000)
    (command,) = commands
    assert command[command.index("--host") + 1] == "127.0.0.1"
    asked = {}

    class Ray:
        @staticmethod
        def init(**options):
            asked.update(options)
            raise ConnectionError("not in this test")

    with pytest.raises(HarnessError, match="not in this test"):
        ray_tasks.RayLauncher()._connect(Ray, 1)
    assert asked["include_dashboard"] is False
    assert asked["_node_ip_address"] == "127.0.0.1"

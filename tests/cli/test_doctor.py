"""What is here, and the command that mends what is missing."""

import json
from importlib.metadata import version

import pytest


@pytest.fixture
def findings(invoke, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def find(*arguments):
        result = invoke("doctor", "--format", "json", "--results", tmp_path, *arguments)
        assert result.exit_code == 0, result.output
        return {one["what"].strip(): one for one in json.loads(result.stdout)}

    return find


def test_without_data_it_names_the_command_that_gets_some(findings, tmp_path):
    found = findings()
    assert found["data root"]["found"] == "not set"
    assert "harness data prepare" in found["data root"]["mend"]
    assert found["torch"] == {"what": "torch", "found": version("torch"), "mend": ""}
    assert "awsrn_s_x2" in found["bundled weights"]["found"]
    assert found["records"]["found"].startswith("0 below")
    gone = findings("--data-root", tmp_path / "nowhere")["data root"]
    assert "no such folder" in gone["found"]
    assert str(tmp_path / "nowhere") in gone["mend"]


def test_sets_and_the_cache_are_measured(findings, tmp_path, tiny_root):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "some.u8").write_bytes(b"0" * 3_000_000)
    found = findings("--data-root", tiny_root)
    assert found["data root"] == {"what": "data root", "found": str(tiny_root), "mend": ""}
    assert found["own"]["mend"] == ""
    assert found["Set5"]["found"] == "absent"
    get = f"harness data prepare Set5 --data-root {tiny_root}"
    assert found["Set5"]["mend"] == get
    assert "Urban100" not in found, "nobody needs it for a first training"
    assert found["cache"]["found"].endswith(": 3 MB")


def test_a_missing_extra_and_package_are_named(findings, monkeypatch):
    from harness.cli import doctor

    monkeypatch.setattr(doctor, "_version", lambda name: "" if name in ("ray", "mlflow") else "1")
    found = findings()
    assert "[ray]" in found["extra [ray]"]["mend"]
    assert found["mlflow"]["mend"]
    assert not found["extra [slurm]"]["mend"]


def test_the_table_ends_with_what_to_mend(invoke, tmp_path):
    text = invoke("doctor", "--results", tmp_path).output
    assert "To mend:" in text
    assert "data root: harness data prepare" in text


def test_a_data_root_below_home_and_a_store_with_a_password(findings, tiny_root, monkeypatch):
    """It is pasted into issues."""
    monkeypatch.setenv("HOME", str(tiny_root.parent))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@somewhere:5000/x")
    found = findings("--data-root", f"~/{tiny_root.name}")
    assert found["data root"] == {"what": "data root", "found": str(tiny_root), "mend": ""}
    assert found["MLflow's store"]["found"] == "https://somewhere:5000/x"

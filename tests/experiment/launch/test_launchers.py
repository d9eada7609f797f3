"""A launcher gives the same weights, byte for byte, and the same records as one process."""

import json

import pytest

from harness.records.record import load_all

PASSING = ("provenance", "wall_time_s", "readings")


def weights(root):
    return {
        path.parent.name: path.read_bytes() for path in root.glob("results/runs/*/*.safetensors")
    }


def records(root):
    """All that the records say, but for where and when, and how long it took."""
    stored = {record.id: json.loads(record.to_json()) for record in load_all(root)}
    for record in stored.values():
        for name in PASSING:
            record.pop(name)
        record["config"].pop("results", None)
    return stored


@pytest.fixture
def run(tiny, invoke, tmp_path):
    """Run the tiny ablation, 2 rows x 2 seeds, below a root of its own."""

    def run(name, *options):
        root = tmp_path / name
        kept = [one for one in tiny if not one.startswith("results.root")]
        result = invoke("run", *kept, f"results.root={root}", "seeds=0,1", *options)
        assert result.exit_code == 0, result.output
        return root

    return run


@pytest.fixture
def alone(run):
    return run("alone")


def assert_same(one, other):
    assert len(weights(one)) == 4
    assert weights(one) == weights(other)
    assert records(one) == records(other)


def test_two_processes_of_this_machine(alone, run):
    assert_same(alone, run("local", "--launcher", "local", "--jobs", "2"))


def test_ray(alone, run):
    pytest.importorskip("ray")
    assert_same(alone, run("ray", "--launcher", "ray", "--jobs", "2"))


def test_slurm_by_its_local_executor(alone, run, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("HARNESS_SLURM", "local")
    assert_same(alone, run("slurm", "--launcher", "slurm", "--jobs", "2"))

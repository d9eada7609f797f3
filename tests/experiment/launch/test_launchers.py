"""A launcher gives the same weights, byte for byte, and the same records as one process."""

import json
import os
import sys

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


def test_ray_with_more_threads_than_cores_does_not_wait_for_ever(tiny, invoke):
    """A task of so many would never have its turn."""
    pytest.importorskip("ray")
    many = len(os.sched_getaffinity(0)) + 1
    kept = [one for one in tiny if not one.startswith("threads")]
    result = invoke("run", *kept, "rows=plain", f"threads={many}", "--launcher", "ray")
    assert result.exit_code == 0, result.output
    assert "waiting for one" not in result.stderr


def test_slurm_by_its_local_executor(alone, run, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("HARNESS_SLURM", "local")
    assert_same(alone, run("slurm", "--launcher", "slurm", "--jobs", "2"))


REFUSED = [
    (("--jobs", "2"), 2, "--launcher"),
    (("--launcher", "local", "--slurm", "a=b"), 2, "--launcher slurm"),
    (("--launcher", "local", "--address", "auto"), 2, "--launcher ray"),
    (("--launcher", "local", "--run-timeout", "soon"), 2, "90s"),
    (("--launcher", "slurm", "--slurm", "partition"), 2, "KEY=VALUE"),
    (("--launcher", "ray", "--address", "nowhere"), 2, "HOST:PORT"),
    (("--launcher", "ray", "--address", "127.0.0.1:1"), 1, "no Ray cluster at '127.0.0.1:1'"),
]


@pytest.mark.parametrize(("options", "code", "words"), REFUSED)
def test_what_cannot_be_is_refused_in_words(options, code, words, tiny, invoke):
    if "ray" in options:
        pytest.importorskip("ray")
    result = invoke("run", *tiny, "rows=plain", *options)
    assert result.exit_code == code
    assert words in result.output


def test_what_slurm_refuses_is_told_in_its_words(tiny, invoke, tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("srun", "sbatch"):
        (commands / name).write_text("#!/bin/sh\necho 'invalid partition: gpuu' >&2\nexit 1\n")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(commands), prepend=":")
    result = invoke("run", *tiny, "rows=plain", "--launcher", "slurm")
    assert result.exit_code == 1
    assert "Slurm does not take the jobs: invalid partition: gpuu" in result.stderr


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it(tiny, invoke, monkeypatch):
    for name in ("ray", "submitit"):
        monkeypatch.setitem(sys.modules, name, None)
    for launcher in ("ray", "slurm"):
        result = invoke("run", *tiny, "rows=plain", "--launcher", launcher)
        assert result.exit_code == 2
        assert f"awsrn-harness[{launcher}]" in result.output

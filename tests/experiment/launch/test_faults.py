"""What may happen to a run over several processes, each with real ones; the others go on."""

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from harness.records.failure import load_all as failures
from harness.records.record import load_all
from tests.experiment.launch.conftest import started, wait_for

LOCAL = ("--launcher", "local", "--jobs", "2")


def labels(root):
    return sorted(record.row for record in load_all(root) if record.steps)


def reasons(root):
    return {failed.label: failed.reason for failed in failures(root)}


def trained(root):
    """How often each training was begun, by the lines of its log."""
    logs = root.glob("results/runs/*/train.log")
    return {log.parent.name: log.read_text().count("step 2/") for log in logs}


def test_a_worker_that_is_killed_or_hangs_stops_no_other_cell(ablation, tmp_path, invoke):
    faulty = ablation("killed once", "hangs", "raises")
    result = invoke("run", *faulty, *LOCAL, "--retries", "1", "--run-timeout", "20s")
    assert result.exit_code == 1
    assert labels(tmp_path) == ["good", "killed once"]
    said = reasons(tmp_path)
    assert said.keys() == {"hangs", "raises"}
    assert "20 s" in said["hangs"]
    assert said["raises"] == "ValueError: no such map"
    state = json.loads(invoke("status", "--results", tmp_path, "--format", "json").output)
    states = {cell["label"]: cell["state"] for cell in state["faulty"]}
    assert states == {
        "Bicubic": "done",
        "good": "done",
        "killed once": "done",
        "hangs": "failed",
        "raises": "failed",
    }


@pytest.mark.slow
def test_without_retries_a_killed_worker_is_reported(ablation, tmp_path, invoke):
    result = invoke("run", *ablation("killed", "asks for too much"), *LOCAL)
    assert result.exit_code == 1
    assert labels(tmp_path) == ["good"]
    assert "SIGKILL" in reasons(tmp_path)["killed"]
    assert "memory" in reasons(tmp_path)["asks for too much"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_the_sender_lets_its_workers_store_checkpoints(ablation, tmp_path, number):
    arguments = [
        *ablation("is slow", **{"train.steps": 100, "train.checkpoint_every": 1000}),
        *LOCAL,
    ]
    run = started("run", *arguments)
    wait_for(lambda: "step 10/" in "".join(p.read_text() for p in tmp_path.glob("**/train.log")))
    run.send_signal(number)
    errors = run.communicate(timeout=120)[1]
    assert run.returncode == 130, errors
    assert "Traceback" not in errors
    assert list(tmp_path.glob("results/runs/*/checkpoint.pt"))
    assert not list(tmp_path.glob("results/runs/*/lease.json"))


@pytest.mark.slow
def test_sigterm_and_then_sigkill_to_all_loses_nothing(ablation, tmp_path):
    more = {"train.steps": 60, "train.checkpoint_every": 5}
    arguments = ablation("is slow", **more)
    run = started("run", *arguments, *LOCAL, start_new_session=True)
    wait_for(lambda: list(tmp_path.glob("results/runs/*/checkpoint.pt")))
    run.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    again = started("run", *arguments, *LOCAL)
    errors = again.communicate(timeout=300)[1]
    assert again.returncode == 0, errors
    assert labels(tmp_path) == ["good", "is slow"]
    assert "going on from step" in "".join(p.read_text() for p in tmp_path.glob("**/train.log"))


@pytest.mark.slow
def test_two_launchers_of_one_ablation_train_each_cell_once(ablation, tmp_path):
    arguments = [*ablation("is slow", **{"train.steps": 20, "seeds": "0,1"}), *LOCAL]
    runs = [started("run", *arguments) for _ in range(2)]
    for run in runs:
        errors = run.communicate(timeout=300)[1]
        assert run.returncode == 0, errors
    assert labels(tmp_path) == ["good", "good", "is slow", "is slow"]
    assert set(trained(tmp_path).values()) <= {0, 1}
    assert sum(trained(tmp_path).values()) == 4


@contextmanager
def small_disk(folder, *, kib):
    """Mount a disk of so many KiB on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


FULL = {
    "cache": ("cache", 8),
    "checkpoint": ("results/runs", 4),
    "record": ("results/runs", 24),
    "mlflow": ("results/mlflow", 4),
    "reports": ("reports", 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("stage", FULL)
def test_a_full_disk_is_told_in_words(ablation, tmp_path, stage, monkeypatch):
    where, kib = FULL[stage]
    tracked = {
        "tracking.mlflow": "true",
        "tracking.uri": f"sqlite:///{tmp_path}/results/mlflow/m.db",
    }
    arguments = ablation(**(tracked if stage == "mlflow" else {}))
    if stage == "cache":
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    with small_disk(tmp_path / where, kib=max(kib, 4)) as folder:
        if stage == "reports":
            (folder / "filler").write_bytes(b"0" * 4096)
        run = started("run", *arguments, *LOCAL)
        errors = run.communicate(timeout=300)[1]
    assert "Traceback" not in errors
    if stage == "mlflow":
        assert run.returncode == 0, errors
        assert "MLflow is not used any more" in errors
        assert labels(tmp_path) == ["good"]
        return
    assert run.returncode == 1, errors
    assert "the disk is full" in errors
    again = started("run", *arguments, *LOCAL)  # with room
    errors = again.communicate(timeout=300)[1]
    assert again.returncode == 0, errors
    assert labels(tmp_path) == ["good"]


@pytest.mark.slow
def test_results_that_cannot_be_written_are_named(ablation, tmp_path):
    with small_disk(tmp_path / "results", kib=64):
        remount = ["mount", "-o", "remount,ro", str(tmp_path / "results")]
        subprocess.run(remount, check=True)
        run = started("run", *ablation(), *LOCAL)
        errors = run.communicate(timeout=300)[1]
    assert run.returncode == 1
    assert re.search(r"[Rr]ead-only", errors), errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_what_mlflow_missed_is_sent_afterwards_and_only_once(ablation, tmp_path, invoke):
    gone = {"tracking.mlflow": "true", "tracking.uri": "http://127.0.0.1:9"}
    result = invoke("run", *ablation("raises", **gone))
    assert labels(tmp_path) == ["good"], result.output
    uri = f"sqlite:///{tmp_path}/m.db"
    first = invoke("track", "--replay", "--results", tmp_path, "--uri", uri)
    assert first.exit_code == 0, first.output
    assert first.output.splitlines()[-1] == "2 sent, 0 known before"
    again = invoke("track", "--replay", "--results", tmp_path, "--uri", uri)
    assert again.output.splitlines()[-1] == "0 sent, 2 known before"
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("awsrn-harness").experiment_id
    (record,) = [one for one in load_all(tmp_path) if one.steps]
    (run,) = client.search_runs([experiment], f"tags.`harness.key` = '{record.id}'")
    assert run.data.metrics["psnr_db.own"] == record.scores[0].psnr_db
    assert run.data.metrics["loss"] == record.readings.losses[-1]


@pytest.mark.slow
def test_the_time_of_a_ray_task_counts_from_when_it_has_begun(ablation, tmp_path, invoke):
    """Those that are slow wait for the one that hangs, which is ended, and only that."""
    pytest.importorskip("ray")
    faulty = ablation("hangs", "is slow", **{"train.steps": 20, "seeds": "0,1"})
    ray = ("--launcher", "ray", "--jobs", "1", "--run-timeout", "30s")
    started_at = time.monotonic()
    result = invoke("run", *faulty, *ray)
    assert time.monotonic() - started_at > 60, "longer than the limit in all"
    assert result.exit_code == 1
    assert labels(tmp_path) == ["good", "good", "is slow", "is slow"]
    assert reasons(tmp_path).keys() == {"hangs"}
    assert "30 s" in reasons(tmp_path)["hangs"]


@pytest.mark.slow
def test_a_ray_node_that_goes_loses_only_its_cells_and_only_for_a_while(ablation, tmp_path):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    node = cluster.add_node(num_cpus=1)
    try:
        arguments = ablation("is slow", **{"train.steps": 60, "train.checkpoint_every": 5})
        ray = ("--launcher", "ray", "--address", cluster.address, "--retries", "2")
        run = started("run", *arguments, "seeds=0,1", *ray)
        wait_for(lambda: len(list(tmp_path.glob("results/runs/*/checkpoint.pt"))) >= 2)
        cluster.remove_node(node, allow_graceful=False)
        errors = run.communicate(timeout=400)[1]
    finally:
        cluster.shutdown()
    assert run.returncode == 0, errors
    assert labels(tmp_path) == ["good", "good", "is slow", "is slow"]

"""MLflow mirrors the records, and never stands in the way."""

import math
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.config.file_limits import flat
from harness.errors import HarnessError
from harness.experiment import mlflow_store, tracking
from harness.experiment.mlflow_page import serve
from harness.experiment.mlflow_store import EXPERIMENT, PROCESS, connect
from harness.experiment.tracking import Tracker
from harness.host import process
from harness.records import plans, record
from harness.records.plans import PlannedRecord
from harness.records.readings import LOSS_WINDOW
from harness.records.record import Record, load_all

RECORD = Path(__file__).parents[1] / "files" / "record.json"


@pytest.fixture
def client(tmp_path):
    from mlflow.tracking import MlflowClient

    def make():
        return MlflowClient(tracking_uri=tracking.default_uri(tmp_path))

    return make


def with_mlflow(tiny):
    return [item for item in tiny if not item.startswith("tracking.")]


def runs(client):
    opened = client()
    experiment = opened.get_experiment_by_name(EXPERIMENT)
    found = opened.search_runs([experiment.experiment_id])
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    return parents, [run for run in found if run not in parents]


def test_ablation_is_a_parent_run_with_a_nested_run_per_cell(tiny, tmp_path, invoke, client):
    assert invoke("run", *with_mlflow(tiny), "train.eval_every=2").exit_code == 0
    parents, cells = runs(client)
    assert [run.info.run_name for run in parents] == ["tiny"]
    assert {run.data.tags["mlflow.parentRunId"] for run in cells} == {parents[0].info.run_id}
    assert len(cells) == 3
    assert {run.info.status for run in [*parents, *cells]} == {"FINISHED"}
    cell = next(run for run in cells if run.info.run_name.startswith("awsrn_s"))
    assert cell.data.params["train.steps"] == "6"
    assert cell.data.params["data.test"] == "own"
    assert {run.data.tags["harness.label"] for run in cells} == {"Bicubic", "plain", "basic"}
    assert (cell.data.params["scale"], cell.data.params["options.channels"]) == ("2", "4")
    assert cell.data.tags["harness.seed"] == "0"
    assert cell.data.metrics["psnr_db_mean"] == cell.data.metrics["psnr_db.own"]
    assert any("lambda_res.0" in run.data.metrics for run in cells)
    assert {"loss", "lr", "psnr_db.own", "ssim.own", "params"} <= cell.data.metrics.keys()
    curve = client().get_metric_history(cell.info.run_id, "psnr_db.own")
    assert [point.step for point in curve] == [2, 4, 6]
    files = {file.path for file in client().list_artifacts(cell.info.run_id)}
    assert files == {"config.yaml", "record.json", "weights.safetensors"}
    tables = {file.path for file in client().list_artifacts(parents[0].info.run_id)}
    assert {name.rpartition(".")[2] for name in tables} == {"csv", "md", "tex", "yaml"}
    assert cell.data.params["loss_is_mean_over_steps"] == str(LOSS_WINDOW)
    shown = parents[0].data.metrics
    plain = next(run for run in cells if run.data.tags["harness.label"] == "plain")
    assert shown["plain/own_psnr_db"] == pytest.approx(plain.data.metrics["psnr_db.own"])
    assert shown["basic/mean_psnr_diff_db"] == pytest.approx(
        shown["basic/mean_psnr_db"] - shown["plain/mean_psnr_db"]
    )
    assert {name.partition("/")[0] for name in shown} == {"Bicubic", "plain", "basic"}


def test_a_repeated_ablation_goes_on_in_the_same_run(tiny, tmp_path, invoke, client):
    invoke("run", *with_mlflow(tiny))
    invoke("run", *with_mlflow(tiny))
    parents, cells = runs(client)
    assert (len(parents), len(cells)) == (1, 3)


def test_a_server_that_is_down_costs_a_warning(tiny, tmp_path, invoke):
    result = invoke("run", *with_mlflow(tiny), "tracking.uri=http://127.0.0.1:9")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("MLflow is not used any more in this run") == 1
    assert len(list(tmp_path.glob("results/runs/*/record.json"))) == 3


def test_a_store_that_is_no_database_costs_a_warning(tiny, tmp_path, invoke):
    path = tmp_path / "broken.db"
    path.write_text("this is not SQLite" * 100)
    result = invoke("run", *with_mlflow(tiny), f"tracking.uri=sqlite:///{path}")
    assert result.exit_code == 0, result.output
    assert "MLflow is not used any more in this run" in result.stderr


def test_the_environment_s_store_is_honoured(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somewhere")
    assert tracking.default_uri(tmp_path) == "http://somewhere"


def test_default_store_lies_below_the_results_root(tmp_path):
    assert tracking.default_uri(tmp_path) == f"sqlite:///{tmp_path}/results/mlflow.db"


def test_a_tracker_without_a_store_does_nothing(tmp_path):
    tracker = Tracker(None, tmp_path)
    parent = tracker.parent("a", "b", {})
    run = tracker.cell("a", "b", {}, parent)
    run.log(1, {"loss": 1.0})
    run.finish({}, step=1)
    tracker.finish(parent)
    assert parent is None
    assert list(tmp_path.iterdir()) == []


def test_settings_become_text_by_dotted_key():
    nested = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    texts = {key: tracking.text_of(value) for key, value in flat(nested)}
    assert texts == {"a.b": "1", "a.c": "1,2", "d": "None"}
    assert tracking.text_of(nested["a"]) == "b=1 c=1,2"


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("psnr_db.my set (v2)", "psnr_db.my set _v2_"),
        ("psnr_db.Set5+", "psnr_db.Set5_"),
        ("psnr_db.фото", "psnr_db.фото"),
        ("a/../b", "a/_/b"),
        ("x" * 300, "x" * 250),
    ],
)
def test_names_become_those_that_mlflow_takes(name, allowed):
    from mlflow.utils.validation import _validate_metric_name

    assert tracking.allowed_name(name) == allowed
    _validate_metric_name(allowed)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A results root whose store exists, since making one takes seconds."""
    made = tmp_path_factory.mktemp("root")
    connect(tracking.default_uri(made), made / "results" / "mlflow-artifacts")
    return made


def tracked(root, key="key", metrics=None):
    """Track one cell; returns the tracker and the cell's run."""
    tracker = Tracker(tracking.default_uri(root), root / "results" / "mlflow-artifacts")
    config = {"label": "a (b)", "options": {"x": [1, 2]}, "scale": 4, "commit": "abc"}
    run = tracker.cell("cell", key, config, tracker.parent("it's", f"it's {key}", {"a": 1}))
    run.log(1, {"loss": 2.0})
    run.finish(metrics or {}, step=2)
    return tracker, run.run


def test_tracking_goes_on_through_odd_names_and_numbers(root):
    tracker, run = tracked(root, metrics={"psnr_db.my set (v2)": math.inf, "x": math.nan})
    assert tracker.uri is not None
    stored = connect(tracker.uri, tracker.artifacts).client.get_run(run)
    assert {"loss", "psnr_db.my set _v2_", "x"} <= stored.data.metrics.keys()
    assert stored.data.tags["harness.label"] == "a (b)"
    assert stored.data.tags["harness.options"] == "x=1,2"
    assert stored.data.params["options.x"] == "1,2"


def test_each_point_has_its_own_time(root, monkeypatch):
    clock = iter(range(100, 200))
    monkeypatch.setattr(
        tracking, "time", SimpleNamespace(time=lambda: next(clock), monotonic=float)
    )
    tracker, run = tracked(root, key="clock", metrics={"loss": 1.0})
    client = connect(tracker.uri, tracker.artifacts).client
    points = client.get_metric_history(run, "loss")
    assert [point.timestamp for point in points] == [100_000, 101_000]


def test_a_record_of_two_plans_is_sent_once(root, tmp_path, invoke):
    """As of a run of two seeds that was then run with a third, or looked at."""
    stored = Record.from_json(RECORD.read_text("utf-8"), source="record.json")
    cells = []
    for name in ("seed-0", "seed-1"):
        record.write(tmp_path, replace(stored, id=name))
        cells.append(PlannedRecord(name, name, "A", "wdsr_basic", 2, 0, (), 1))
        plans.write(tmp_path, "mine", cells)
    replay = ("track", "--replay", "--results", tmp_path, "--uri", tracking.default_uri(root))
    first = invoke(*replay)
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines() == ["sent: seed-0", "sent: seed-1", "2 sent, 0 known before"]
    store = connect(tracking.default_uri(root), root / "results" / "mlflow-artifacts")
    for name in ("seed-0", "seed-1"):
        query = f"tags.`harness.key` = '{name}'"
        assert len(store.client.search_runs([store.experiment], query)) == 1
    assert invoke(*replay).stdout.splitlines() == ["0 sent, 2 known before"]


def test_a_deleted_experiment_is_restored(root, caplog):
    store = connect(tracking.default_uri(root), root / "results" / "mlflow-artifacts")
    store.client.delete_experiment(store.experiment)
    with caplog.at_level("WARNING", logger="harness"):
        assert tracked(root, key="again")[0].uri is not None
    assert "was deleted: it is restored" in caplog.text


def test_a_run_whose_process_was_killed_is_closed_at_the_next_start(root):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    store = connect(tracking.default_uri(root), root / "results" / "mlflow-artifacts")
    ours = process.identity()
    of_gone = ours.replace(f"/{os.getpid()}/", f"/{gone.pid}/")
    elsewhere = f"other-machine/{gone.pid}/1"
    runs = [
        store.client.create_run(store.experiment, tags={PROCESS: name}).info.run_id
        for name in (of_gone, ours, elsewhere)
    ]
    connect(tracking.default_uri(root), root / "results" / "mlflow-artifacts")
    statuses = [store.client.get_run(run).info.status for run in runs]
    assert statuses == ["KILLED", "RUNNING", "RUNNING"]


@pytest.mark.parametrize("kind", ["text", "half made"])
def test_a_broken_store_of_ours_is_moved_aside(tmp_path, caplog, kind):
    file = tracking.database(tmp_path)
    file.parent.mkdir()
    if kind == "text":
        file.write_text("this is not SQLite" * 100)
    else:
        with closing(sqlite3.connect(file)) as opened:
            opened.execute("CREATE TABLE runs (id)")
            opened.execute("CREATE TABLE alembic_version (version_num)")
    before = file.read_bytes()
    with caplog.at_level("WARNING", logger="harness"):
        mlflow_store._move_aside_if_broken(file)
    assert not file.exists()
    assert file.with_name("mlflow.db.broken1").read_bytes() == before
    assert "moved to mlflow.db.broken1" in caplog.text


def test_a_good_store_and_an_empty_file_stay(root, tmp_path):
    empty = tmp_path / "mlflow.db"
    empty.touch()
    for file in (tracking.database(root), empty):
        mlflow_store._move_aside_if_broken(file)
        assert file.exists()


def test_a_server_that_hangs_costs_one_time_out(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracker = Tracker(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
        started = time.monotonic()
        run = tracker.cell("cell", "key", {}, tracker.parent("a", "b", {}))
        run.finish({"x": 1.0}, step=1)
        assert time.monotonic() - started < 1.9
    assert tracker.uri is None


RACE = """
import sys
from pathlib import Path
from harness.experiment.tracking import Tracker, default_uri
root, key = Path(sys.argv[1]), sys.argv[2]
tracker = Tracker(default_uri(root), root / "results" / "mlflow-artifacts")
tracker.cell("cell", key, {}, tracker.parent("a", key, {})).finish({"x": 1.0}, step=1)
print(tracker.uri is not None)
"""


@pytest.mark.slow
def test_six_processes_may_begin_at_once(tmp_path):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path), str(number)], stdout=subprocess.PIPE
        )
        for number in range(6)
    ]
    assert [racer.communicate()[0].strip() for racer in racers] == [b"True"] * 6


WITHOUT_MLFLOW = """
import sys
sys.modules["mlflow"] = None  # an import of it fails as where it is not installed
from harness.cli.main import main
main(sys.argv[1:])
"""


def test_a_run_without_mlflow_installed_is_whole_and_says_so_in_one_line(tiny, tmp_path):
    asked = with_mlflow(tiny)
    command = [sys.executable, "-c", WITHOUT_MLFLOW, "run", *map(str, asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "mlflow" in line.lower()]
    assert len(said) == 1
    assert "MLflow is not installed (pip install mlflow): runs are in results/ only" in said[0]
    assert len(load_all(tmp_path)) == 3
    assert not (tmp_path / "results" / "mlflow.db").exists()


def test_the_page_without_mlflow_installed_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    tracking.database(tmp_path).parent.mkdir()
    tracking.database(tmp_path).touch()
    with pytest.raises(HarnessError, match="MLflow is not installed: pip install mlflow"):
        serve(tmp_path, 5000)

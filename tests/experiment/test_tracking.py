"""MLflow mirrors the records, and never stands in the way."""

import pytest

from harness.experiment import tracking
from harness.experiment.tracking import Tracker


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
    experiment = opened.get_experiment_by_name(tracking.EXPERIMENT)
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
    assert {"loss", "lr", "psnr_db.own", "ssim.own", "params"} <= cell.data.metrics.keys()
    curve = client().get_metric_history(cell.info.run_id, "psnr_db.own")
    assert [point.step for point in curve] == [2, 4, 6]
    files = {file.path for file in client().list_artifacts(cell.info.run_id)}
    assert files == {"config.yaml", "record.json", "weights.safetensors"}
    tables = {file.path for file in client().list_artifacts(parents[0].info.run_id)}
    assert {name.rpartition(".")[2] for name in tables} == {"csv", "md", "tex", "yaml"}


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
    assert tracking.flatten(nested) == {"a.b": "1", "a.c": "1,2", "d": "None"}

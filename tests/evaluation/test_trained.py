"""What was trained here goes wherever an ID goes: by record, by label, by its file."""

import json
import shutil

import pytest
import torch
from mlflow.tracking import MlflowClient

from harness.errors import UsageError
from harness.evaluation import trained
from harness.records.record import load_all
from harness.weights import load

SMALL = "num_units: 1, channels: 4, inner_channels: 8"
PART = """\
from torch import nn


class Plain(nn.Module):
    def __init__(self, *, channels, inner_channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv(x)
"""


@pytest.fixture
def ran(tmp_path, tiny, invoke, monkeypatch):
    """An ablation with a part of one's own, and a row without branches; its records by label."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(PART)
    (tmp_path / "tiny.yaml").write_text(
        "rows:\n"
        f"- {{label: narrow, model: awsrn_s, with: {{unit: mine.py:Plain, {SMALL}}}}}\n"
        f"- {{label: cut, model: awsrn_s, drop: [9], with: {{unit: mine.py:Plain, {SMALL}}}}}\n"
    )
    result = invoke("run", *tiny)
    assert result.exit_code == 0, result.output
    return {record.row: record for record in load_all(tmp_path) if record.steps}


def folder(root, record):
    return root / "results" / "runs" / record.id


def test_by_label_id_folder_and_file_it_is_one_network(ran, tmp_path):
    place = folder(tmp_path, ran["narrow"])
    words = ("run:narrow", f"run:{ran['narrow'].id}", place, place / "record.json")
    for word in (*words, place / "weights.safetensors"):
        found = trained.find(str(word), tmp_path)
        assert found.weights == place / "weights.safetensors" or found.weights.samefile(
            place / "weights.safetensors"
        )
        assert (found.scale, found.label) == (2, "narrow")
        loaded = load.load(found.name, scale=2, checkpoint=found.weights)
        assert loaded.overrides == ran["narrow"].overrides
        params = sum(value.numel() for value in loaded.network.parameters())
        assert params == ran["narrow"].params


def test_the_network_without_branches_is_the_cut_one(ran, tmp_path):
    """By the file beside its record, and where that is gone by the whole network's."""
    own = folder(tmp_path, ran["cut"]) / "weights.safetensors"
    assert own.is_file()
    outputs = []
    for _ in range(2):
        found = trained.find("run:cut", tmp_path)
        network = load.load(found.name, scale=2, checkpoint=found.weights).network
        assert sum(value.numel() for value in network.parameters()) == ran["cut"].params
        outputs.append(network(torch.full((1, 3, 9, 9), 100.0)))
        own.unlink(missing_ok=True)
    torch.testing.assert_close(*outputs)


def test_commands_take_it(ran, tmp_path, invoke, tiny_root):
    photo = next((tiny_root / "benchmark" / "own" / "HR").iterdir())
    place = folder(tmp_path, ran["narrow"])
    result = invoke("upscale", photo, "-o", "sr.png", "--model", place)
    assert result.exit_code == 0, result.output
    result = invoke(
        "eval", "run:narrow", "--data-root", tiny_root, "--data", "own", "--format", "json"
    )
    assert result.exit_code == 0, result.output
    assert f"{ran['narrow'].scores[0].psnr_db:.6f}"[:8] in result.stdout
    result = invoke("flops", "run:narrow", "--format", "json")
    assert json.loads(result.stdout)[0]["params"] == ran["narrow"].params
    result = invoke("compare", "narrow", "cut")
    assert result.exit_code == 0, result.output
    said = invoke("checkpoint", "inspect", place / "weights.safetensors").stdout
    assert "narrow: awsrn_s x2" in said
    assert "unit=mine.py:Plain" in said
    wrong = invoke("eval", "run:narrow", "--scale", "3", "--data-root", tiny_root, "--data", "own")
    assert wrong.exit_code == 2
    assert "x2" in wrong.stderr


@pytest.mark.parametrize(
    ("word", "words"),
    [("run:wide", "cut, narrow"), ("run:bicubic", "not trained here"), ("run:*", "3 records")],
)
def test_what_is_none_is_refused(ran, tmp_path, word, words):
    with pytest.raises(UsageError, match=words):
        trained.find(word, tmp_path)


def test_a_record_whose_weights_are_gone_says_where_they_were(ran, tmp_path):
    (folder(tmp_path, ran["narrow"]) / "weights.safetensors").unlink()
    with pytest.raises(UsageError, match=r"weights\.safetensors"):
        trained.find("run:narrow", tmp_path)
    assert trained.find("awsrn_s", tmp_path) is None


def test_the_artifact_of_a_cut_row_is_the_cut_network(ran, tmp_path, tiny, invoke):
    shutil.rmtree(folder(tmp_path, ran["cut"]))
    tiny = [item for item in tiny if not item.startswith("tracking.")]
    assert invoke("run", *tiny).exit_code == 0
    client = MlflowClient(f"sqlite:///{tmp_path}/results/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name != "Default"]
    (run,) = [
        run
        for run in client.search_runs([experiment.experiment_id])
        if run.data.tags.get("harness.label") == "cut"
    ]
    path = client.download_artifacts(run.info.run_id, "weights.safetensors", str(tmp_path))
    found = trained.find(path, tmp_path)
    network = load.load(found.name, scale=2, checkpoint=found.weights).network
    assert sum(value.numel() for value in network.parameters()) == ran["cut"].params

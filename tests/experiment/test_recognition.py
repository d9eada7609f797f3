"""A training is done for the network that would be built now, and for no other."""

import json
import shutil
from dataclasses import replace

import pytest

from harness.records.marks import RECIPE
from harness.records.record import load_all, write
from harness.weights.sealed import digest, read_sealed, seal

NET = """import torch
from torch import nn
from blocks import activate


class Net(nn.Module):
    def __init__(self, *, scale, channels=4):
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.tail = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)
        self.scale = scale

    def forward(self, lr):
        features = activate(self.head(lr / 255))
        return 255 * nn.functional.pixel_shuffle(self.tail(features), self.scale)
"""
BLOCKS = """import torch


def activate(x):
    return torch.tanh(x)
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "net.py").write_text(NET)
    (folder / "blocks.py").write_text(BLOCKS)
    return folder


@pytest.fixture
def train(tiny, tmp_path, invoke):
    """Train the network of a project; returns what was said."""

    def run(project, *arguments, status=0):
        own = [argument for argument in tiny if not argument.startswith("ablation=")]
        result = invoke("train", f"{project / 'net.py'}:Net", "--scale", "2", *own, *arguments)
        assert result.exit_code == status, result.output
        return result.output

    return run


def trained(tmp_path):
    return [record for record in load_all(tmp_path) if record.seed is not None]


def edited(project, file, old, new):
    """A copy of a project with one edit: files are loaded once in a process, wherever they lie."""
    copy = project.with_name(f"{project.name}+")
    shutil.copytree(project, copy)
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new))
    return copy


def test_comments_and_folders_do_not_train_again(project, train, tmp_path):
    train(project)
    project = edited(project, "blocks.py", "return", "# squash\n    return")
    moved = tmp_path / "elsewhere" / "deep"
    shutil.copytree(project, moved)
    for place in (project, moved):
        assert "done before" in train(place)
    (record,) = trained(tmp_path)
    assert len(record.marks.code) == 1


def test_another_name_inside_is_the_same_network(project, train, tmp_path):
    train(project)
    project = edited(project, "net.py", "features", "maps")
    said = train(project)
    assert "code changed, network not" in said
    assert "done before" in said
    (record,) = trained(tmp_path)
    assert len(record.marks.code) == 2
    assert "code changed" not in train(project)


def test_an_edited_neighbour_is_another_network(project, train, tmp_path):
    train(project)
    (before,) = trained(tmp_path)
    project = edited(project, "blocks.py", "tanh", "relu")
    assert "done before: Net" not in train(project)
    records = trained(tmp_path)
    assert len(records) == 2
    assert before in records
    assert len({record.scores for record in records}) == 2
    project = edited(project, "blocks.py", "relu", "tanh")
    assert f"done before: {before.id}" in train(project)


def test_an_interrupted_training_goes_on_after_a_name_has_changed(project, train, tmp_path):
    train(project)
    (whole,) = trained(tmp_path)
    folder = tmp_path / "results" / "runs" / whole.id
    begun = json.loads((folder / "network.json").read_text())
    assert begun["fingerprint"] == whole.fingerprint
    (folder / "record.json").unlink()
    project = edited(project, "net.py", "features", "maps")
    assert "code changed, network not" in train(project)
    (record,) = trained(tmp_path)
    assert record.id == whole.id
    assert record.scores == whole.scores


def test_options_of_the_network_are_told_apart(project, train, tmp_path):
    train(project)
    project = edited(project, "net.py", "channels=4", "channels=5")
    train(project)
    assert len({record.params for record in trained(tmp_path)}) == 2


def test_a_record_has_the_digest_of_its_weights(project, train, tmp_path):
    train(project)
    (record,) = trained(tmp_path)
    folder = tmp_path / "results" / "runs" / record.id
    assert record.weights_sha256 == digest(read_sealed(folder / "weights.safetensors").tensors)
    assert record.recipe == RECIPE


def test_a_network_is_run_once_for_all_seeds(tiny, invoke, monkeypatch):
    from harness.evaluation import marks
    from harness.weights import behaviour

    run, computed = [], behaviour.behaviour

    def counted(build):
        run.append(build)
        return computed(build)

    monkeypatch.setattr(behaviour, "behaviour", counted)
    monkeypatch.setattr(marks, "_run_before", {})
    result = invoke("run", *tiny, "train.steps=1", "seeds=0,1")
    assert result.exit_code == 0, result.output
    assert len(run) == 3  # two rows and bicubic


def test_other_weights_than_those_of_the_record_are_not_scored(project, train, tmp_path, invoke):
    train(project)
    (record,) = trained(tmp_path)
    weights = tmp_path / "results" / "runs" / record.id / "weights.safetensors"
    tensors = read_sealed(weights).tensors
    weights.write_bytes(seal({name: 2 * value for name, value in tensors.items()}))
    said = train(project, "data.test=sample", status=1)
    assert f"'{record.id}' are not those of the record '{record.id}'" in said
    assert trained(tmp_path) == [record]


def test_weights_that_are_trained_anew_are_held_to_their_record(project, train, tmp_path):
    """Lost weights are trained again for a new set: to the same bytes, or they are refused."""
    train(project)
    (record,) = trained(tmp_path)
    folder = tmp_path / "results" / "runs" / record.id
    (folder / "weights.safetensors").unlink()
    train(project, "data.test=sample")
    (again,) = trained(tmp_path)
    assert (len(again.scores), again.weights_sha256) == (2, record.weights_sha256)

    (folder / "weights.safetensors").unlink()
    write(tmp_path, replace(record, weights_sha256="0" * 64))
    assert "remove 'results/runs/" in train(project, "data.test=sample", status=1)
    (kept,) = trained(tmp_path)
    assert len(kept.scores) == 1

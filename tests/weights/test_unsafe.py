"""The advice on files that are not opened works on those very files."""

import argparse
import collections
import pathlib
import shlex

import pytest
import torch
from torch import nn

from harness.errors import CheckpointError
from harness.weights import files, unsafe

STATE = {"a.weight": torch.arange(6.0).view(2, 3)}


class Net(nn.Sequential):
    """A network that is stored whole."""


def network():
    net = Net(nn.Linear(3, 2, bias=False))
    net.load_state_dict({"0.weight": STATE["a.weight"]})
    return net


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": STATE, "args": argparse.Namespace(lr=1e-3)},
        STATE | {"args": argparse.Namespace(lr=1e-3)},
        {"params": {"net_g": STATE}, "path": pathlib.PurePosixPath("x"), "n": {1, 2}},
        {"epoch": 1, "counts": collections.Counter("abc"), "model": network()},
        network(),
        {"discriminator": network(), "generator": network()},
        {"it's": STATE, "args": argparse.Namespace()},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_the_advice_gives_a_file_that_loads(content, zipped, tmp_path):
    path = tmp_path / "it's a file.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="would run code") as caught:
        files.read(path)
    command = shlex.split(str(caught.value).partition("run this")[2].partition(": ")[2])
    assert command[:2] == ["python", "-c"]
    exec(command[2], {})
    [value] = files.read(tmp_path / "it's a file-weights.pth").states[0].tensors.values()
    assert torch.equal(value, STATE["a.weight"])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [4, 5])
def test_pickles_of_newer_protocols_are_advised_on(protocol, zipped, tmp_path):
    options = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": zipped}
    torch.save({"net": STATE}, tmp_path / "a.pth", **options)
    with pytest.raises(CheckpointError, match=r"not opened; .*\[\"net\"\]"):
        files.read(tmp_path / "a.pth")


def test_nothing_is_imported_or_called_to_give_advice(tmp_path):
    class Evil:
        def __reduce__(self):
            return (pathlib.Path.touch, (tmp_path / "touched",))

    path = tmp_path / "a.pth"
    torch.save({"evil": Evil(), "state_dict": STATE}, path)
    assert '["state_dict"]' in unsafe.advice(path, path.read_bytes())
    assert not (tmp_path / "touched").exists()


def test_what_cannot_be_read_gets_general_advice(tmp_path):
    said = unsafe.advice(tmp_path / "a.pth", b"\x80\x02garbage")
    assert said == "save its state_dict() alone with torch.save"

"""Checkpoints: whole, safe, and of the right network."""

import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from harness.errors import CheckpointError
from harness.experiment import checkpoints
from harness.experiment.checkpoints import STATE_FILE, WEIGHTS_FILE
from harness.experiment.training_state import TrainingState
from harness.models import registry
from harness.weights.sealed import seal


def small(**options):
    return registry.get("awsrn_s").build(scale=2, num_units=1, channels=4, **options)


@pytest.fixture
def state():
    network = small()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(1, 3, 4, 4)).mean().backward()
    optimizer.step()
    return TrainingState(
        fingerprint="f" * 64,
        step=7,
        network=network.state_dict(),
        optimizer=optimizer.state_dict(),
        rng=torch.get_rng_state(),
        cuda_rng=[],
        losses=[1.5, 1.25],
        seconds=3.0,
    )


def test_state_round_trip(state, tmp_path):
    checkpoints.write_state(tmp_path, state)
    read = checkpoints.read_state(tmp_path, fingerprint="f" * 64)
    assert (read.step, read.losses, read.seconds) == (7, [1.5, 1.25], 3.0)
    assert torch.equal(read.rng, state.rng)
    for name, tensor in state.network.items():
        assert torch.equal(read.network[name], tensor)
    assert read.optimizer["state"].keys() == state.optimizer["state"].keys()


def test_no_state_is_none(tmp_path):
    assert checkpoints.read_state(tmp_path, fingerprint="f") is None


def test_weights_round_trip(tmp_path):
    network, other = small(), small()
    checkpoints.write_weights(tmp_path, network)
    checkpoints.read_weights(tmp_path / WEIGHTS_FILE, other)
    image = torch.rand(1, 3, 5, 5) * 255
    assert torch.equal(network(image), other(image))


def shared():
    conv = torch.nn.Conv2d(3, 3, 1)
    return torch.nn.Sequential(conv, conv)


def test_tensors_under_two_names_are_stored(tmp_path):
    network, other = shared(), shared()
    checkpoints.write_weights(tmp_path, network)
    checkpoints.read_weights(tmp_path / WEIGHTS_FILE, other)
    assert torch.equal(other[1].weight, network[0].weight)


def flip(path, position):
    """Flip one bit; the position is a share of the file's length."""
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 4
    path.write_bytes(bytes(content))


POSITIONS = [0.0, 0.002, *(number / 37 for number in range(1, 37)), 0.9999]


@pytest.mark.parametrize("position", POSITIONS)
def test_a_flipped_bit_in_the_state_is_seen(position, state, tmp_path):
    checkpoints.write_state(tmp_path, state)
    flip(tmp_path / STATE_FILE, position)
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt'"):
        checkpoints.read_state(tmp_path, fingerprint="f" * 64)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_flipped_bit_in_the_weights_is_seen(position, tmp_path):
    checkpoints.write_weights(tmp_path, small())
    flip(tmp_path / WEIGHTS_FILE, position)
    with pytest.raises(CheckpointError, match=r"weights\.safetensors'"):
        checkpoints.read_weights(tmp_path / WEIGHTS_FILE, small())


def test_the_state_before_a_damaged_one_is_taken_and_that_is_said(state, tmp_path, caplog):
    checkpoints.write_state(tmp_path, state)
    checkpoints.write_state(tmp_path, replace(state, step=9))
    assert checkpoints.read_state(tmp_path, fingerprint="f" * 64).step == 9
    flip(tmp_path / STATE_FILE, 0.5)
    assert checkpoints.read_state(tmp_path, fingerprint="f" * 64).step == 7
    assert "damaged" in caplog.text
    assert "step 7" in caplog.text
    # The damaged one does not take the place of the whole one when training goes on.
    checkpoints.write_state(tmp_path, replace(state, step=11))
    flip(tmp_path / STATE_FILE, 0.5)
    assert checkpoints.read_state(tmp_path, fingerprint="f" * 64).step == 7


def test_a_state_of_an_earlier_version_without_a_digest_is_read(state, tmp_path):
    content = {"format": 1} | {name: getattr(state, name) for name in TrainingState.__slots__}
    torch.save(content, tmp_path / STATE_FILE)
    assert checkpoints.read_state(tmp_path, fingerprint="f" * 64).step == 7


def test_weights_of_an_earlier_version_without_a_digest_are_read(tmp_path):
    network, other = small(), small()
    save_file(network.state_dict(), tmp_path / WEIGHTS_FILE)
    checkpoints.read_weights(tmp_path / WEIGHTS_FILE, other)
    assert torch.equal(network.head.bias, other.head.bias)


def test_no_more_is_allocated_than_a_file_can_hold(state, tmp_path):
    """A zip entry that claims 16 GB: refused before torch believes it."""
    torch.save({"format": 1, "w": torch.zeros(1000)}, tmp_path / STATE_FILE)
    path = tmp_path / STATE_FILE
    with zipfile.ZipFile(path) as archive:
        name = next(entry for entry in archive.namelist() if entry.endswith("data/0"))
    content = path.read_bytes()
    size = (4000).to_bytes(4, "little")
    claimed = content.replace(size, (2**32 - 2).to_bytes(4, "little"))
    assert name.encode() in content
    assert claimed != content
    path.write_bytes(claimed)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoints.read_state(tmp_path, fingerprint="f" * 64)


def test_a_finished_cell_has_no_state_left(state, tmp_path):
    for step in (1, 2):
        checkpoints.write_state(tmp_path, replace(state, step=step))
    assert len(list(tmp_path.iterdir())) == 2
    checkpoints.remove_state(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep", [0, 1, 100, 2000])
def test_truncated_state_is_refused(keep, state, tmp_path):
    checkpoints.write_state(tmp_path, state)
    path = tmp_path / STATE_FILE
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt' is damaged.*delete it"):
        checkpoints.read_state(tmp_path, fingerprint="f" * 64)


@pytest.mark.parametrize("keep", [0, 5, 100, -3])
def test_truncated_weights_are_refused(keep, tmp_path):
    checkpoints.write_weights(tmp_path, small())
    path = tmp_path / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"weights\.safetensors' is damaged"):
        checkpoints.read_weights(path, small())


def test_state_of_another_experiment_is_refused(state, tmp_path):
    checkpoints.write_state(tmp_path, state)
    with pytest.raises(CheckpointError, match=r"another experiment .*ffffffffffff, expected abc"):
        checkpoints.read_state(tmp_path, fingerprint="abc")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"channels": 8}, r"is \(.*\), expected \("),
        ({"num_units": 2}, "is missing"),
        ({"unit": "basic"}, "is not in the network"),
    ],
)
def test_weights_of_another_network_are_refused(other, message, tmp_path):
    checkpoints.write_weights(tmp_path, small())
    network = registry.get("awsrn_s").build(scale=2, **{"num_units": 1, "channels": 4, **other})
    with pytest.raises(CheckpointError, match=f"weights of another network: .*{message}"):
        checkpoints.read_weights(tmp_path / WEIGHTS_FILE, network)


class Evil:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_a_pickle_that_would_run_code_is_not_opened(tmp_path, capsys):
    torch.save({"format": 1, "step": Evil()}, tmp_path / STATE_FILE)
    with pytest.raises(CheckpointError, match="would run code when opened, so it was not opened"):
        checkpoints.read_state(tmp_path, fingerprint="f")
    assert "never run" not in capsys.readouterr().out


def test_a_bare_pickle_that_would_run_code_is_not_opened(tmp_path, capsys):
    (tmp_path / STATE_FILE).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt'"):
        checkpoints.read_state(tmp_path, fingerprint="f")
    assert "never run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"step": 3}, {"format": 1, "step": 3}, {"format": torch.ones(2)}, {"format": True}],
)
def test_something_else_saved_by_torch_is_refused(content, tmp_path):
    torch.save(content, tmp_path / STATE_FILE)
    with pytest.raises(CheckpointError, match="is not a training checkpoint"):
        checkpoints.read_state(tmp_path, fingerprint="f")


@pytest.mark.parametrize(
    "change",
    [
        {"step": torch.tensor(7)},
        {"step": True},
        {"step": -1},
        {"fingerprint": None},
        {"network": {"w": 1.0}},
        {"network": [torch.zeros(1)]},
        {"optimizer": 3},
        {"rng": torch.zeros(5)},
        {"cuda_rng": None},
        {"losses": ["1.5"]},
        {"losses": [float("nan")]},
        {"seconds": float("inf")},
        {"seconds": 3},
    ],
    ids=str,
)
def test_a_state_of_other_kinds_of_values_is_refused_by_name(change, state, tmp_path):
    """Its digest is right: it was written so."""
    content = {"format": 1} | {name: getattr(state, name) for name in TrainingState.__slots__}
    torch.save(content | change, tmp_path / STATE_FILE)
    with pytest.raises(CheckpointError, match=f"expected {next(iter(change))} to be"):
        checkpoints.read_state(tmp_path, fingerprint="f" * 64)


def test_a_state_of_tensors_without_values_is_refused(state, tmp_path):
    content = {"format": 1} | {name: getattr(state, name) for name in TrainingState.__slots__}
    content["network"] = {"w": torch.empty(1, device="meta")}
    torch.save(content, tmp_path / STATE_FILE)
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt'.*delete it"):
        checkpoints.read_state(tmp_path, fingerprint="f" * 64)


def other_weights(change):
    weights = small().state_dict()
    return weights | {"head.bias": change(weights["head.bias"])}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda bias: bias * float("nan"), r"not finite, in 'head\.bias'.*delete it"),
        (lambda bias: bias.double(), r"'head\.bias' is torch\.float64, expected torch\.float32"),
    ],
)
def test_weights_of_other_kinds_of_values_are_refused(change, message, tmp_path):
    (tmp_path / WEIGHTS_FILE).write_bytes(seal(other_weights(change)))
    with pytest.raises(CheckpointError, match=message):
        checkpoints.read_weights(tmp_path / WEIGHTS_FILE, small())


def test_full_disk_keeps_the_earlier_checkpoint(state, tmp_path):
    """On a file system of 64 KiB, in a process with its own mounts."""
    script = f"""
import sys, torch
from pathlib import Path
from harness.experiment import checkpoints
from harness.errors import CheckpointError
folder = Path({str(tmp_path)!r})
def state(step, size):
    network = {{"w": torch.zeros(size)}}
    rng = torch.get_rng_state()[:1]
    return checkpoints.TrainingState("f", step, network, {{}}, rng, [], [], 0.0)
checkpoints.write_state(folder, state(1, 10))
try:
    checkpoints.write_state(folder, state(2, 100_000))
except CheckpointError as error:
    print(error)
print(checkpoints.read_state(folder, fingerprint="f").step, *[p.name for p in folder.iterdir()])
"""
    mount = 'mount -t tmpfs -o size=64k none "$1" && exec "$0" -c "$2"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, sys.executable, str(tmp_path), script],
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
    first, last = done.stdout.splitlines()
    assert first.endswith("the disk is full (the earlier one is kept)"), done
    assert last == "1 checkpoint.pt"

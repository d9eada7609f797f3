"""Mean colours in files: kept where they are another, refused where they cannot be used."""

import pytest
import torch

from harness.errors import CheckpointError
from harness.models import registry
from harness.weights import convert, files, schemes


def test_a_mean_of_its_own_outlives_conversion(tmp_path, small_edsr, lr):
    state, run = small_edsr("other mean")
    torch.save(dict(state), tmp_path / "theirs.pt")
    _, ours = schemes.readings(files.read(tmp_path / "theirs.pt").states[0].tensors)[-1]
    (tmp_path / "ours.safetensors").write_bytes(convert._bytes(ours, ".safetensors"))
    network = registry.get("edsr").build(scale=4, num_blocks=2, channels=6).eval()
    taken = schemes.load(network, files.read(tmp_path / "ours.safetensors"), name="it")
    assert taken.names == "this harness"
    with torch.no_grad():
        torch.testing.assert_close(network(lr), run(lr), rtol=1e-4, atol=2e-3)


def test_a_mean_is_refused_by_a_network_that_takes_none_off(tmp_path):
    network = registry.get("rdn").build(scale=2, num_blocks=1, num_layers=1, growth=4, channels=4)
    state = network.state_dict() | {files.MEAN: torch.zeros(1, 3, 1, 1)}
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="does not hold the weights of it"):
        schemes.load(network, files.read(tmp_path / "a.pt"), name="it")


def test_files_without_shifts_or_with_singular_ones_are_of_no_scheme(small_edsr):
    state, _ = small_edsr()
    assert not [name for name, _ in schemes.readings({"body.x.y": torch.ones(1)})[1:]]
    singular = dict(state) | {"sub_mean.weight": torch.zeros(3, 3, 1, 1)}
    assert [name for name, _ in schemes.readings(singular)] == ["this harness"]
    del state["add_mean.bias"]
    assert [name for name, _ in schemes.readings(state)] == ["this harness"]

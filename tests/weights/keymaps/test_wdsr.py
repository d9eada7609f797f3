"""WDSR in the names of its public code: what that computes, written out, agrees."""

import pytest
import torch
from torch.nn import functional as F

from harness.models import registry
from harness.weights import files, schemes


@pytest.fixture
def ychfan_wdsr(state_dict):
    def make(units, scale):
        state = state_dict()
        state.normed("body.0", 3, 32)
        for unit in range(1, units + 1):
            state.normed(f"body.{unit}.body.0", 32, 128)
            state.normed(f"body.{unit}.body.2", 128, 32)
        state.normed(f"body.{units + 1}", 32, 3 * scale**2)
        state.normed("skip.0", 3, 3 * scale**2, 5)
        return state

    return make


def test_wdsr_less_one_half(ychfan_wdsr, lr, assert_agree):
    state = ychfan_wdsr(2, 3)
    y = state("body.0", lr / 255 - 0.5)
    for unit in (1, 2):
        y = state.residual(f"body.{unit}.body.0", f"body.{unit}.body.2", y)
    y = state("body.3", y) + state("skip.0", lr / 255 - 0.5)
    network = registry.get("wdsr_basic").build(scale=3, num_units=2)
    assert_agree(
        {"model_state_dict": dict(state), "epoch": 30},
        network,
        255 * (F.pixel_shuffle(y, 3) + 0.5),
        lr,
    )


def test_what_is_stored_of_a_network_has_its_mean(tmp_path, ychfan_wdsr, lr):
    state = ychfan_wdsr(1, 2)
    torch.save(dict(state), tmp_path / "a.pth")
    first, second = (registry.get("wdsr_basic").build(scale=2, num_units=1).eval() for _ in "ab")
    assert files.MEAN not in schemes.tensors_of(first)
    schemes.load(first, files.read(tmp_path / "a.pth"), name="it")
    torch.save(schemes.tensors_of(first), tmp_path / "b.pth")
    schemes.load(second, files.read(tmp_path / "b.pth"), name="it")
    with torch.no_grad():
        assert torch.equal(first(lr), second(lr))


def test_a_whole_file_fits_the_registered_network(tmp_path, ychfan_wdsr):
    torch.save(dict(ychfan_wdsr(16, 2)), tmp_path / "a.pth")
    [fit] = schemes.find(files.read(tmp_path / "a.pth").states[0].tensors)
    assert (fit.model, fit.scales, fit.scheme) == ("wdsr_basic", (2,), "WDSR, ychfan")
    assert sum(value.numel() for value in fit.tensors.values()) == 1_190_100 + 3

"""What others' code computes, written out: random state dicts that compute their own layers."""

import pytest
import torch
from torch.nn import functional as F

from harness.weights import files, schemes

DIV2K = torch.tensor([0.4488, 0.4371, 0.4040])
DF2K = torch.tensor([0.4690, 0.4490, 0.4036])


class State(dict):
    """A random state dict that grows by the layers it is asked for, and computes them."""

    def layer(self, name, channels_in, channels_out, size=3):
        weight = torch.randn(channels_out, channels_in, size, size)
        self[f"{name}.weight"] = weight / (channels_in * size**2) ** 0.5
        self[f"{name}.bias"] = 0.1 * torch.randn(channels_out)

    def normed(self, name, *shape):
        self.layer(name, *shape)
        weight = self.pop(f"{name}.weight")
        self[f"{name}.weight_g"] = 0.5 + torch.rand(len(weight), 1, 1, 1)
        self[f"{name}.weight_v"] = weight

    def __call__(self, name, x):
        if f"{name}.weight_g" in self:
            gain, raw = self[f"{name}.weight_g"], self[f"{name}.weight_v"]
            weight = gain * raw / raw.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        else:
            weight = self[f"{name}.weight"]
        return F.conv2d(x, weight, self[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def residual(self, first, second, x, scaling=1.0):
        return x + scaling * self(second, F.relu(self(first, x)))

    def up(self, name, x):
        return F.pixel_shuffle(self(name, x), 2)

    def shifts(self, kind):
        span = 1 if kind == "unit range" else 255
        mean = DF2K if kind == "other mean" else DIV2K
        for name, sign in (("sub_mean", -1), ("add_mean", 1)):
            self[f"{name}.weight"] = torch.eye(3).view(3, 3, 1, 1)
            self[f"{name}.bias"] = sign * span * mean
            if kind == "trained":
                self[f"{name}.weight"] += 0.05 * torch.randn(3, 3, 1, 1)
                self[f"{name}.bias"] += 3 * torch.randn(3)
        return span


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)


@pytest.fixture
def state_dict():
    """Make an empty state dict, in others' names."""
    return State


@pytest.fixture
def lr():
    return 255 * torch.rand(1, 3, 7, 9)


@pytest.fixture
def assert_agree(tmp_path):
    """Assert that a file of some state dict makes a network compute what is expected of it."""

    def check(state, network, expected, lr):
        torch.save(dict(state), tmp_path / "a.pt")
        schemes.load(network.eval(), files.read(tmp_path / "a.pt"), name="it")
        with torch.no_grad():
            torch.testing.assert_close(network(lr), expected, rtol=1e-4, atol=2e-3)

    return check


@pytest.fixture
def small_edsr():
    """Make an EDSR x4 of two blocks, in its authors' names, and what it computes."""

    def make(kind="as meant"):
        state = State()
        span = state.shifts(kind)
        state.layer("head.0", 3, 6)
        for block in (0, 1):
            state.layer(f"body.{block}.body.0", 6, 6)
            state.layer(f"body.{block}.body.2", 6, 6)
        state.layer("body.2", 6, 6)
        state.layer("tail.0.0", 6, 24)
        state.layer("tail.0.2", 6, 24)
        state.layer("tail.1", 6, 3)

        def run(x):
            head = y = state("head.0", state("sub_mean", x * span / 255))
            for block in (0, 1):
                y = state.residual(f"body.{block}.body.0", f"body.{block}.body.2", y, 0.1)
            y = state.up("tail.0.2", state.up("tail.0.0", state("body.2", y) + head))
            return state("add_mean", state("tail.1", y)) * 255 / span

        return state, run

    return make

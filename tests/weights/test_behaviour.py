"""Structure and behaviour of a network: what tells two networks apart, and what does not."""

from functools import partial

import pytest
import torch
from torch import nn

from harness.models import registry, units
from harness.models.awsrn import AWSRN
from harness.weights.behaviour import behaviour, same_behaviour, structure

SMALL = {"scale": 2, "num_blocks": 1, "num_units": 1, "channels": 8, "inner_channels": 8}


def build_small(**options):
    return AWSRN(**SMALL | options)


class Plain(nn.Module):
    """A network of one's own."""

    def __init__(self, *, rate=0.1, momentum=0.1, start=0.0, exponent=1.0, slope=0.1):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)
        self.norm = nn.BatchNorm2d(12, momentum=momentum)
        self.dropout = nn.Dropout2d(rate)
        self.gain = nn.Parameter(torch.full((1,), start))
        self.exponent, self.slope = exponent, slope

    def forward(self, lr):
        x = self.norm(self.conv(lr))
        hidden = nn.functional.leaky_relu(x, self.slope) ** self.exponent
        return nn.functional.pixel_shuffle(x + self.gain * self.dropout(hidden), 2)


class Renamed(Plain):
    """The same with other names inside."""

    def forward(self, low):
        normed = self.norm(self.conv(low))
        active = self.dropout(nn.functional.leaky_relu(normed, self.slope))
        return nn.functional.pixel_shuffle(self.gain * active + normed, 2)


@pytest.fixture(scope="module")
def plain():
    return behaviour(Plain)


def test_the_same_network_is_the_same(plain):
    assert len(plain) == 64
    assert same_behaviour(plain, behaviour(Plain))


def test_other_names_and_another_order_of_sums_are_the_same_network(plain):
    assert same_behaviour(plain, behaviour(Renamed))


@pytest.mark.parametrize(
    "changed",
    [
        {"rate": 0.2},  # seen in training only
        {"momentum": 0.2},  # seen in the buffers after training only
        {"start": 0.5},
        {"exponent": 2.0},  # behind a gain of zero
        {"slope": 0.1001},
    ],
    ids=str,
)
def test_what_changes_a_number_is_seen(plain, changed):
    assert not same_behaviour(plain, behaviour(partial(Plain, **changed)))


def test_another_activation_in_the_gate_of_wru_is_seen(monkeypatch):
    # The gain of the gate's last layer starts at zero and hides what stands before it.
    before = behaviour(partial(build_small, unit="wru"))
    squeeze = units.Gate._weights
    monkeypatch.setattr(
        units.Gate,
        "_weights",
        lambda gate, pooled: 2 * torch.sigmoid(gate.excite(torch.tanh(gate.squeeze(pooled)))),
    )
    after = behaviour(partial(build_small, unit="wru"))
    assert squeeze is not units.Gate._weights
    assert not same_behaviour(before, after)


def test_another_start_of_the_weights_is_seen():
    start, other = (behaviour(partial(build_small, lambda_init=(1.0, x))) for x in (1.0, 0.0))
    assert not same_behaviour(start, other)


def test_what_is_random_in_itself_has_no_behaviour():
    class Noisy(Plain):
        def forward(self, lr):
            noise = torch.randn(1, generator=torch.Generator().manual_seed(torch.seed() % 2**31))
            return super().forward(lr) + noise.double()

    assert behaviour(Noisy) is None


def test_a_network_that_raises_has_no_behaviour():
    class Broken(Plain):
        def forward(self, lr):
            raise RuntimeError("no")

    assert behaviour(Broken) is None


def test_small_images_that_are_refused_are_enlarged():
    class Picky(Plain):
        def forward(self, lr):
            if min(lr.shape[2:]) < 48:
                raise ValueError("too small")
            return super().forward(lr)

    assert len(behaviour(Picky) or ()) == 64


@pytest.mark.parametrize(
    ("name", "scale", "options"),
    [("bicubic", 2, {}), ("espcn", 2, {}), ("rlfn", 4, {"num_blocks": 1, "channels": 8})],
)
def test_registered_networks_have_a_behaviour(name, scale, options):
    build = partial(registry.get(name).build, scale=scale, **options)
    assert same_behaviour(behaviour(build), behaviour(build))


def test_edsr_with_another_scaling_is_another_network():
    small = {"scale": 2, "num_blocks": 1, "channels": 8}
    build = registry.get("edsr").build
    one, other = (
        behaviour(partial(build, **small, residual_scaling=scaling)) for scaling in (0.1, 0.2)
    )
    assert not same_behaviour(one, other)


def test_nothing_outside_is_changed():
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    behaviour(Plain)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_structure_is_names_shapes_types_and_classes():
    base = structure(Plain())
    assert structure(Plain(rate=0.5)) == base
    assert structure(Renamed()) != base
    assert structure(Plain().double()) != base
    frozen = Plain()
    frozen.gain.requires_grad_(False)
    assert structure(frozen) != base

"""The residual units of Figure 3, against hand arithmetic."""

import pytest
import torch
from torch import nn

from harness.models.units import AWRU, UNITS, BasicRU, Gate, WeightedRU, unit_class

SIZE = {"channels": 32, "inner_channels": 128}


def params(module):
    return sum(weight.numel() for weight in module.parameters())


def pair(kind):
    """A basic unit and one of another kind with the same convolutions."""
    torch.manual_seed(0)
    basic, other = BasicRU(**SIZE), kind(**SIZE)
    other.body.load_state_dict(basic.body.state_dict())
    return basic, other


def test_basic_unit_has_the_parameters_of_wdsr():
    # Two 3x3 convolutions 32-128-32, a bias and a gain per output channel.
    assert params(BasicRU(**SIZE)) == 2 * 32 * 128 * 9 + 2 * (128 + 32)


@pytest.mark.parametrize(("kind", "added"), [(AWRU, 2), (WeightedRU, 548)])
def test_parameters_added_to_the_basic_unit(kind, added):
    # Table 1: +32 and +8768 over 16 units.
    assert params(kind(**SIZE)) - params(BasicRU(**SIZE)) == added
    assert added * 16 in (32, 8768)


@pytest.mark.parametrize("kind", [AWRU, WeightedRU])
def test_weighted_units_begin_as_the_basic_unit(kind):
    basic, other = pair(kind)
    x = torch.randn(2, 32, 5, 5)
    assert torch.equal(basic(x), other(x))


def test_awru_is_equation_6():
    basic, unit = pair(AWRU)
    nn.init.constant_(unit.lambda_res, 0.5)
    nn.init.constant_(unit.lambda_x, -2.0)
    x = torch.randn(1, 32, 4, 4)
    expected = 0.5 * (basic(x) - x) - 2 * x
    torch.testing.assert_close(unit(x), expected, atol=1e-6, rtol=1e-5)


def test_gate_of_wru_depends_on_the_image_and_stays_in_0_2():
    gate = Gate(channels=32)
    nn.init.constant_(gate.excite.parametrizations.weight.original0, 5.0)
    first, second = torch.randn(8, 32, 6, 6), torch.randn(8, 32, 6, 6)
    residual, x = gate(first * 9, second * 9)
    assert residual.shape == x.shape == (8, 1, 1, 1)
    both = torch.cat([residual, x])
    assert both.min() > 0
    assert both.max() < 2
    assert both.std() > 0.01


def test_gate_learns_from_its_closed_start():
    unit = WeightedRU(**SIZE)
    unit(torch.randn(2, 32, 5, 5)).square().mean().backward()
    assert unit.gate.excite.bias.grad.abs().max() > 0
    assert unit.gate.excite.parametrizations.weight.original0.grad.abs().max() > 0


def test_unknown_unit_names_the_known_ones():
    with pytest.raises(ValueError, match="basic, wru, awru, scaled, not 'se'"):
        unit_class("se")
    assert set(UNITS) == {"basic", "wru", "awru", "scaled"}


def test_scaled_unit_is_the_basic_unit_times_constants():
    """By hand: 0.1 f(x) + x, and no parameter more than the basic unit."""
    unit = unit_class("scaled", lambda_init=(0.1, 1))(channels=4, inner_channels=8)
    basic = unit_class("basic")(channels=4, inner_channels=8)
    basic.load_state_dict(unit.state_dict())
    x = torch.rand(1, 4, 6, 6)
    torch.testing.assert_close(unit(x), 0.1 * basic.body(x) + x)


def test_lambda_starts_where_it_is_told():
    unit = unit_class("awru", lambda_init=(0.25, 1))(channels=4, inner_channels=8)
    assert (unit.lambda_res.item(), unit.lambda_x.item()) == (0.25, 1.0)


@pytest.mark.parametrize(
    ("name", "start", "message"),
    [
        ("basic", (0.1, 1), "unit 'basic' takes no lambda_init"),
        ("awru", (0.1,), "must be two numbers"),
        ("scaled", ("a", 1), "must be two numbers"),
    ],
)
def test_lambda_init_that_cannot_be_is_refused(name, start, message):
    with pytest.raises(ValueError, match=message):
        unit_class(name, lambda_init=start)

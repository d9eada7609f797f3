"""Learned scalars under bf16 autocast: training sees them as they are stored.

PyTorch rounds a 0-dimensional float32 tensor to bf16 before it multiplies a bf16 one, so that
``torch.tensor(1.003) * x`` is ``x``. The convolutions are left out here: what is tested is what
the scalars do to maps that bf16 holds exactly.
"""

from math import log

import pytest
import torch
from torch import Tensor, nn

from harness.models.awms import AWMS
from harness.models.awsrn import LRFU
from harness.models.units import AWRU, Gate, WeightedRU

SIZE = {"channels": 32, "inner_channels": 64}
NEAR_ONE = 1.003


class FirstChannels(nn.Module):
    """Hand on the first 32 channels, in the place of a convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :32]


def maps(seed):
    drawn = torch.randn(4, 32, 24, 24, generator=torch.Generator().manual_seed(seed))
    return drawn.to(torch.bfloat16)


def awru():
    unit = AWRU(channels=32, inner_channels=64)
    unit.body = nn.Sequential()
    return lambda: unit(maps(0)), {unit.lambda_res: maps(0), unit.lambda_x: maps(0)}


def lrfu():
    unit = LRFU(channels=32, num_units=2, kernel_size=3)
    unit.add_module("conv", FirstChannels())
    terms = {unit.lambda_res: maps(1), unit.lambda_x: maps(3)}
    return lambda: unit([maps(1), maps(2)], maps(3)), terms


def awms():
    tail = AWMS(channels=32, scale=2, kernel_sizes=(3, 5), weighted=True)
    tail.branches = nn.ModuleDict({name: nn.Identity() for name in tail.branches})
    return lambda: tail(maps(0)), dict.fromkeys(tail.alpha.values(), maps(0))


PARTS = pytest.mark.parametrize("part", [awru, lrfu, awms])


def ratio(after, before):
    """The factor between two outputs, by least squares over all elements."""
    after, before = after.double(), before.double()
    return ((after * before).sum() / before.square().sum()).item()


def output(run, scalars, value):
    for scalar in scalars:
        nn.init.constant_(scalar, value)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        return run()


@PARTS
def test_a_scalar_just_off_one_is_not_rounded_to_one(part):
    run, terms = part()
    after, before = (output(run, terms, value) for value in (NEAR_ONE, 1.0))
    assert ratio(after, before) == pytest.approx(NEAR_ONE, abs=1e-4)


@PARTS
def test_the_gradient_of_a_scalar_is_the_sum_of_products(part):
    run, terms = part()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = run()
    upstream = maps(9)
    out.backward(upstream.to(out.dtype))
    for scalar, term in terms.items():
        exact = (upstream.double() * term.double()).sum()
        absolute = (upstream.double() * term.double()).abs().sum()
        assert (scalar.grad.double() - exact).abs() < 1e-6 * absolute


def test_units_hand_on_what_a_plain_sum_would_be_held_in():
    for part in (awru, lrfu):
        run, terms = part()
        assert output(run, terms, 1.0).dtype == torch.bfloat16


def test_the_gate_of_wru_is_computed_in_float32():
    unit = WeightedRU(**SIZE)
    unit.body = nn.Sequential()
    assert isinstance(unit.gate, Gate)
    weight = NEAR_ONE / 2  # half of 2 sigmoid(.)
    outputs = []
    for bias in (0.0, log(weight / (1 - weight))):
        nn.init.constant_(unit.gate.excite.bias, bias)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            outputs.append(unit(maps(0)))
    assert ratio(outputs[1], outputs[0]) == pytest.approx(NEAR_ONE, abs=1e-4)


def test_the_gate_learns_in_float32():
    gate = Gate(channels=32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weights = torch.cat(gate(maps(0), maps(1)))
    assert weights.dtype == torch.float32
    upstream = torch.rand(weights.shape, generator=torch.Generator().manual_seed(3))
    weights.backward(upstream)
    # 2 sigmoid(b) has the slope 1/2 at its start, b = 0.
    halves = upstream.view(2, 4).sum(1) / 2
    torch.testing.assert_close(gate.excite.bias.grad, halves, rtol=1e-5, atol=0)

"""What others charge on top of Multi-Adds, against hand arithmetic and printed figures."""

import pytest
from torch import nn
from torch._dispatch.python import enable_python_dispatcher

from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.rules import MULTI_ADDS, rule_of
from harness.efficiency.counting.surcharges import FVCORE, with_prices
from harness.models import registry


class Network(nn.Module):
    """Per LR pixel 9 x 9 weights, 3 + 4 biases, one ReLU of 3, and a norm of 3; then upscaling."""

    def __init__(self, *, scale):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.LayerNorm(3)
        self.linear = nn.Linear(3, 4)
        self.back = nn.Conv2d(4, 3, 1, bias=False)
        self.up = nn.Upsample(scale_factor=scale, mode="bilinear")
        self.nearest = nn.Upsample(scale_factor=scale, mode="nearest")

    def forward(self, lr):
        features = self.conv(lr).relu()
        deviation = (features - features.mean((2, 3), keepdim=True)).pow(2).mean((2, 3), True)
        tokens = self.linear(self.norm(features.movedim(1, -1)))
        features = self.back(tokens.movedim(-1, 1)) + deviation
        return self.up(features) + self.nearest(lr)


PER_LR_PIXEL = 81 + 12 + 12


@pytest.mark.parametrize(
    ("count", "extra_per_lr_px"),
    [
        ("own_grids", 0),
        ("own_grids_biases_and_activations", 3 + 4 + 3),
        ("own_grids_biases_and_pools", 3 + 4 + 3),
        ("own_grids_and_norms", 3),
        ("own_grids_and_nearest", 12),
    ],
)
def test_each_element_costs_what_is_said(count, extra_per_lr_px):
    subject = CountedNetwork("toy", Network, scale=2, output_px=(16, 12))
    assert MULTI_ADDS[count](subject) == 48 * (PER_LR_PIXEL + extra_per_lr_px)


def test_what_interpolation_is_taken_apart_into_does_not_count():
    """PyTorch's dispatcher in Python makes four reads of bilinear interpolation, as of nearest."""
    with enable_python_dispatcher():
        subject = CountedNetwork("toy", Network, scale=2, output_px=(16, 12))
        assert MULTI_ADDS["own_grids_and_nearest"](subject) == 48 * (PER_LR_PIXEL + 12)
        assert with_prices(FVCORE)(subject) == 48 * (PER_LR_PIXEL + 4 * 12 + 12 + 5 * 3)


def test_fvcore_charges_interpolation_and_norms():
    subject = CountedNetwork("toy", Network, scale=2, output_px=(16, 12))
    assert with_prices(FVCORE)(subject) == 48 * (PER_LR_PIXEL + 4 * 12 + 12 + 5 * 3)


class Gated(nn.Module):
    """Per LR pixel 9 x 9 weights; 3 x 3 and 3 x 9 more on a grid of half the sides."""

    def __init__(self, *, scale):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.depthwise = nn.Conv2d(3, 3, 3, padding=1, groups=3)
        self.gates = nn.Conv2d(3, 3, 1)
        self.up = nn.Upsample(scale_factor=scale)

    def forward(self, lr):
        features = self.conv(lr)
        gates = self.gates(self.depthwise(self.pool(features)))
        return self.up(features * nn.functional.interpolate(gates, features.shape[2:]))


def test_gates_may_be_charged_on_the_whole_grid_too():
    """Those are the 1x1 convolutions on a coarser grid."""
    subject = CountedNetwork("toy", Gated, scale=2, output_px=(16, 12))
    executed = 48 * 81 + 12 * (27 + 9)
    assert MULTI_ADDS["own_grids"](subject) == executed
    assert MULTI_ADDS["own_grids_and_gates_on_lr_grid"](subject) == executed + 48 * 9


def test_elements_are_taken_in_proportion_where_the_scale_does_not_divide_the_size():
    subject = CountedNetwork("toy", Network, scale=3, output_px=(16, 12))  # 192 / 9 LR pixels
    plain = MULTI_ADDS["own_grids"](subject)
    assert plain == round(PER_LR_PIXEL * 192 / 9)
    assert MULTI_ADDS["own_grids_and_norms"](subject) == plain + round(3 * 192 / 9)


@pytest.mark.parametrize(
    ("model", "scale", "input_px", "printed"),
    [
        # In later tables than SwinIR's own, and in the log of the challenge of 2023.
        ("swinir_light", 3, None, "110.8"),
        ("swinir_light", 4, None, "63.6"),
        ("efdn", 4, (256, 256), "16.7035"),
    ],
)
def test_figures_that_others_print(model, scale, input_px, printed):
    subject = CountedNetwork(model, registry.get(model).build, scale=scale, input_px=input_px)
    digits = len(printed.partition(".")[2])
    assert f"{with_prices(FVCORE)(subject) / 1e9:.{digits}f}" == printed


@pytest.mark.parametrize(
    ("model", "scale", "params", "multi_adds"),
    [
        ("rfdn", 4, 549_624, "23.918"),
        ("swinir_light", 2, 877_752, "195.59"),
        ("swinir_light", 3, 885_867, "87.20"),
        ("swinir_light", 4, 897_228, "49.65"),
        ("bsrn", 3, 340_283, "33.3"),
        ("bsrn", 4, 352_400, "19.4"),
    ],
)
def test_rules_of_printed_counts(model, scale, params, multi_adds):
    subject = CountedNetwork(model, registry.get(model).build, scale=scale)
    rule = rule_of(model, scale)
    assert rule.params(subject) == params
    digits = len(multi_adds.partition(".")[2])
    assert f"{rule.multi_adds(subject) / 1e9:.{digits}f}" == multi_adds

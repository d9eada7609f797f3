"""fvcore and ptflops agree with us, and where they cannot, that is found out."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from harness.efficiency.counting import cross_check as counters
from harness.efficiency.counting.cross_check import (
    Counted,
    by_fvcore,
    by_ptflops,
    compare,
    cross_check,
)
from harness.efficiency.counting.meta import shadow
from harness.efficiency.counting.multi_adds import count
from harness.efficiency.counting.trace import trace
from harness.errors import HarnessError
from harness.models import registry


class Net(nn.Module):
    """Weight norm, biases, a branch by a transposed convolution, learned scalars, a gate."""

    def __init__(self):
        super().__init__()
        self.head = weight_norm(nn.Conv2d(3, 16, 3, padding=1))
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.scalar = nn.Parameter(torch.ones(()))
        self.gate = nn.Linear(16, 16)
        self.tail = nn.Conv2d(16, 12, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1)

    def forward(self, lr):
        x = self.head(lr).relu()
        x = x + self.scalar * self.depthwise(x)
        x = x * self.gate(x.mean((2, 3)))[..., None, None].sigmoid()
        skip = nn.functional.interpolate(lr, scale_factor=2, mode="bicubic")
        return nn.functional.pixel_shuffle(self.tail(x), 2) + self.up(x) + skip


def seen(network, scale=2, lr_px=(24, 24)):
    return trace(shadow(network), scale=scale, lr_px=lr_px)


def test_all_counters_agree_once_biases_are_off():
    network = Net()
    cost = count(network, scale=2)
    checked = cross_check(network, scale=2, lr_px=cost.lr_px)
    assert checked.fvcore == checked.ptflops == cost.multi_adds


@pytest.mark.parametrize(
    ("model", "scale"), [("awsrn_s", 3), ("wdsr_wru", 2), ("carn_m", 4), ("srmdnf", 2), ("msrn", 8)]
)
def test_networks_of_the_registry_agree(model, scale):
    network = registry.get(model).build(scale=scale)
    cost = count(network, scale=scale)
    checked = cross_check(network, scale=scale, lr_px=cost.lr_px)
    assert checked.fvcore == checked.ptflops == cost.multi_adds


@pytest.mark.parametrize("model", ["fsrcnn", "lapsrn", "selnet", "falsr_b"])
def test_networks_with_bicubic_inside_agree(model):
    network = registry.get(model).build(scale=2)
    cost = count(network, scale=2)
    checked = cross_check(network, scale=2, lr_px=cost.lr_px)
    assert checked.fvcore == checked.ptflops == cost.multi_adds


@pytest.mark.parametrize(
    ("model", "grows"), [("span_26", True), ("vapsr_s", True), ("smfanet", False), ("safmn", False)]
)
def test_recent_networks_agree_where_the_work_grows_with_the_area(model, grows):
    """Pooled maps do not: rounded down, their sides are others on small images."""
    network = registry.get(model).build(scale=4, num_blocks=2, channels=16)
    cost = count(network, scale=4)
    checked = cross_check(network, scale=4, lr_px=cost.lr_px, ours=cost.multi_adds)
    expected = cost.multi_adds if grows else None
    assert (checked.fvcore, checked.ptflops) == (expected, expected)


class Untraced(nn.Module):
    """Fills a buffer behind the back of torch.jit, as a bound CUDA kernel does."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x):
        buffer, result = torch.empty_like(x), self.conv(x)
        state = torch._C._get_tracing_state()
        torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
        try:
            return buffer.copy_(result)
        finally:
            torch._C._set_tracing_state(state)  # type: ignore[attr-defined]


class WithOpaqueOperator(nn.Module):
    """Three blocks whose results no trace can follow, so that it drops their convolutions."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 16, 3, padding=1)
        self.blocks = nn.Sequential(Untraced(), Untraced(), Untraced())
        self.tail = nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, lr):
        return nn.functional.pixel_shuffle(self.tail(self.blocks(self.head(lr))), 2)


def test_fvcore_drops_what_an_invisible_operator_reads_and_the_disagreement_names_it():
    network = WithOpaqueOperator()
    ours = seen(network)
    theirs = by_fvcore(network, ours)
    assert ours.multi_adds == (3 * 16 + 3 * 16 * 16 + 16 * 12) * 9 * 24 * 24
    assert theirs.multi_adds < ours.multi_adds / 4
    with pytest.raises(HarnessError, match=r"fvcore counts .* FlopCounterMode") as error:
        cross_check(network, scale=2, lr_px=1)
    named = "blocks.0.conv, blocks.1.conv, blocks.2.conv"
    assert f"(in {named})" in str(error.value)
    assert f"fvcore never saw {named}" in str(error.value)
    assert "\n" not in str(error.value)


class Opaque(torch.autograd.Function):
    """A product inside a Python operator."""

    @staticmethod
    def forward(ctx, x, kernel):
        return nn.functional.conv2d(x, kernel, padding=1)


class PythonOperator(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(12, 3, 3, 3))

    def forward(self, lr):
        return nn.functional.pixel_shuffle(Opaque.apply(lr, self.kernel), 2)


def test_a_python_operator_that_fvcore_does_not_look_into_is_named():
    with pytest.raises(HarnessError, match=r"fvcore does not know prim\.PythonOp\.Opaque"):
        cross_check(PythonOperator(), scale=2, lr_px=1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(3, 36)

    def forward(self, lr):
        q, k, v = self.qkv(lr.flatten(2).transpose(1, 2)).chunk(3, -1)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return nn.functional.pixel_shuffle(mixed.reshape(1, 12, *lr.shape[2:]), 2)


def test_fused_attention_that_fvcore_misses_is_named():
    with pytest.raises(HarnessError, match=r"aten\.scaled_dot_product_attention"):
        cross_check(Attention(), scale=2, lr_px=1)


@pytest.mark.parametrize(("theirs", "agrees"), [(1004, True), (996, True), (1006, False)])
def test_half_a_percent_is_tolerated(theirs, agrees):
    network = nn.Conv2d(3, 3, 1)
    ours = seen(Net())
    counted = Counted("fvcore", ours.multi_adds * theirs // 1000)
    if agrees:
        compare(network, ours, counted)
    else:
        with pytest.raises(HarnessError, match="fvcore counts"):
            compare(network, ours, counted)


def test_ptflops_default_backend_is_blind_to_parametrized_layers_and_ours_is_not_used():
    from ptflops import get_model_complexity_info

    network = registry.get("awsrn_s").build(scale=2)
    size, true = (3, 24, 24), 395_940 * 24 * 24
    by_default, _ = get_model_complexity_info(
        network, size, as_strings=False, print_per_layer_stat=False
    )
    assert by_default < 0.1 * true
    assert by_ptflops(network, seen(network)).multi_adds == true


def test_ptflops_leaves_no_trace(capsys):
    network = Net().train()
    by_ptflops(network, seen(network))
    assert capsys.readouterr() == ("", "")
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())


class FailsOnSmallImages(Net):
    def forward(self, lr):
        if lr.shape[2] < 16:
            raise ValueError("too small")
        return super().forward(lr)


@pytest.mark.parametrize("counter", [by_fvcore, by_ptflops])
def test_a_tool_that_fails_is_told_in_one_line(counter, capsys):
    network = FailsOnSmallImages()
    small = trace(shadow(Net()), scale=2, lr_px=(8, 8))
    with pytest.raises(
        HarnessError, match=r"cannot count FailsOnSmallImages: .*too small"
    ) as error:
        counter(network, small)
    assert "\n" not in str(error.value)
    assert capsys.readouterr() == ("", "")


def test_fvcore_cannot_count_without_values():
    from fvcore.nn import FlopCountAnalysis

    network = nn.Conv2d(3, 3, 3, device="meta")
    analysis = FlopCountAnalysis(network, torch.empty(1, 3, 8, 8, device="meta"))
    with pytest.raises(TypeError, match="cond must be a bool"):
        analysis.tracer_warnings("none").total()


def test_small_sizes_stay_small_and_differ():
    for scale in (2, 3, 4, 8):
        (first, second) = counters.small_sizes(scale)
        assert first != second
        assert scale**2 * second[0] * second[1] <= 72 * 96

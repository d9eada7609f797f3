"""A count that may have missed something says so."""

import pytest
import torch
from torch import library, nn
from torch.utils.flop_counter import flop_registry

from harness.efficiency.counting.doubts import FREE_OPERATORS, listed, unreviewed
from harness.efficiency.counting.multi_adds import count


@library.custom_op("harness_tests::fused", mutates_args=())
def fused(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """A convolution inside an operator that no counter can look into."""
    return nn.functional.conv2d(x, kernel, padding=1)


@fused.register_fake
def _(x, kernel):
    return torch.empty_like(x)


class Net(nn.Module):
    """Two convolutions around an inner one, and a pixel shuffle."""

    unused_modules: tuple[str, ...]

    def __init__(self, run_inner):
        super().__init__()
        self.head = nn.Conv2d(3, 16, 5, padding=2)
        self.inner = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.tail = nn.Conv2d(16, 12, 3, padding=1)
        self.run_inner = run_inner

    def forward(self, lr):
        x = self.run_inner(self.inner, self.head(lr))
        return nn.functional.pixel_shuffle(self.tail(x), 2)


def called(conv, x):
    return conv(x)


def left_out(conv, x):
    return x


def opaque(conv, x):
    return fused(x, conv.weight)


def functional(conv, x):
    return nn.functional.conv2d(x, conv.weight, padding=1)


def matrix_times_vector(conv, x):
    return x + torch.mv(conv.weight.flatten(1), conv.weight[0].flatten()).sum() + conv(x)


def test_a_plain_network_raises_no_doubt():
    assert count(Net(called), scale=2).doubts == ()


def test_an_invisible_fused_operator_is_named_and_so_is_the_module_it_hides():
    cost = count(Net(opaque), scale=2)
    assert cost.multi_adds < count(Net(called), scale=2).multi_adds
    operators, modules = cost.doubts
    assert "harness_tests.fused" in operators
    assert modules == "modules never called: inner"


def test_a_module_that_is_bypassed_is_named():
    assert count(Net(left_out), scale=2).doubts == ("modules never called: inner",)
    assert count(Net(functional), scale=2).doubts == ("modules never called: inner",)


def test_a_product_that_flop_counter_mode_does_not_know_is_named():
    (doubt,) = count(Net(matrix_times_vector), scale=2).doubts
    assert "aten.mv" in doubt


@pytest.mark.parametrize("prefix", ["inner", "branches"])
def test_declared_branches_may_stay_unused(prefix):
    network = Net(left_out)
    network.branches = nn.ModuleList([nn.Conv2d(3, 3, 1), nn.Sequential(nn.Conv2d(3, 3, 1))])
    network.unused_modules = (prefix,)
    (doubt,) = count(network, scale=2).doubts
    assert doubt == f"modules never called: {'branches' if prefix == 'inner' else 'inner'}"


def test_a_prefix_covers_whole_names_only():
    network = Net(left_out)
    network.unused_modules = ("head",)
    network.headless = nn.Conv2d(3, 3, 1)
    (doubt,) = count(network, scale=2).doubts
    assert doubt == "modules never called: inner, headless"


class Thumbnail(nn.Module):
    """Does all its work on an eighth of the image's side."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, lr):
        small = self.conv(nn.functional.avg_pool2d(lr, 8))
        large = nn.functional.interpolate(small, scale_factor=8)
        return nn.functional.pixel_shuffle(large, 2)


def test_too_little_work_for_the_weights_is_told():
    (doubt,) = count(Thumbnail(), scale=2).doubts
    assert doubt == "0.02 Multi-Adds per deployed weight and LR pixel, expected at least 0.5"


def test_free_operators_are_none_of_the_counted_ones():
    products = {str(operator) for operator in flop_registry}
    others = {f"aten.{name}" for name in ("mv", "dot", "addmv", "einsum", "linear", "matmul")}
    assert not FREE_OPERATORS & (products | others)


def test_every_free_operator_exists():
    missing = [name for name in FREE_OPERATORS if not hasattr(torch.ops.aten, name[5:])]
    assert missing == []


def test_in_place_operators_go_by_their_base():
    assert unreviewed(["aten.relu_", "aten.add_", "aten.mv", "lib.gemm_"]) == (
        "aten.mv",
        "lib.gemm_",
    )


def test_long_lists_are_cut():
    assert listed("abc", most=2) == "a, b and 1 more"
    assert listed("abc") == "a, b, c"

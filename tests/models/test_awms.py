"""The multi-scale reconstruction (Eq. 3) and the removal of branches (Table 4)."""

from typing import Any

import pytest
import torch
from torch import nn

from harness.models import registry
from harness.models.awms import AWMS, drop_branches


def tail(**options):
    torch.manual_seed(0)
    chosen: dict[str, Any] = {
        "channels": 8,
        "scale": 2,
        "kernel_sizes": (3, 5, 7, 9),
        "weighted": True,
    }
    return AWMS(**chosen | options)


def test_output_is_the_weighted_sum_of_plain_convolutions():
    module = tail()
    nn.init.constant_(module.alpha["k5"], -1.5)
    x = torch.randn(1, 8, 12, 12)
    expected = sum(
        alpha * nn.functional.conv2d(x, conv.weight, conv.bias, padding=size // 2)
        for size, alpha, conv in zip(
            (3, 5, 7, 9), (0.25, -1.5, 0.25, 0.25), module.branches.values(), strict=True
        )
    )
    torch.testing.assert_close(module(x), expected)


def test_weights_start_at_a_quarter():
    assert [alpha.item() for alpha in tail().alpha.values()] == [0.25] * 4


def test_one_unweighted_branch_is_a_plain_convolution():
    module = tail(kernel_sizes=(3,), weighted=False)
    x = torch.randn(1, 8, 6, 6)
    assert torch.equal(module(x), module.branches["k3"](x))
    assert not list(module.alpha)


def test_dropping_a_branch_takes_its_contribution_away():
    network = registry.get("awsrn_s").build(scale=2)
    features = torch.randn(1, 32, 10, 10)
    whole = network.tail(features)
    gone = network.tail.branch("k7", features)
    drop_branches(network, [7])
    torch.testing.assert_close(network.tail(features), whole - gone)
    assert network.tail.kernel_sizes == (3, 5, 9)


@pytest.mark.parametrize(
    ("model", "drop", "message"),
    [
        ("awsrn_s", (11,), "no branch of kernel size 11"),
        ("awsrn_s", (3, 5, 7, 9), "at least one branch must be left"),
        ("awsrn_b", (3,), "no weighted multi-scale tail"),
        ("bicubic", (3,), "no weighted multi-scale tail"),
    ],
)
def test_impossible_drops_are_refused(model, drop, message):
    with torch.device("meta"):
        network = registry.get(model).build(scale=2)
    with pytest.raises(ValueError, match=message):
        drop_branches(network, drop)


def test_dropping_nothing_is_always_possible():
    drop_branches(nn.Identity(), ())

"""Memory of a forward pass, against hand arithmetic."""

import pytest
import torch
from torch import nn

from harness.efficiency.counting.activations import bytes_per_px
from harness.errors import HarnessError
from harness.models import registry


def test_peak_is_the_largest_sum_of_what_is_alive_at_once():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),  # 8 channels
        nn.ReLU(),  # 8 + 8
        nn.Conv2d(8, 12, 3, padding=1),  # 8 + 12
        nn.PixelShuffle(2),  # 12 + 12
    )
    assert bytes_per_px(network.eval()) == 4 * (12 + 12)


def test_it_grows_with_the_output():
    assert bytes_per_px(registry.get("espcn").build(scale=4).eval()) > bytes_per_px(
        registry.get("espcn").build(scale=2).eval()
    )


class ReadsItsImage(nn.Module):
    def forward(self, lr):
        return lr * 2 if lr.max().item() > 1 else lr * 3


def test_a_network_that_reads_values_is_run():
    assert bytes_per_px(ReadsItsImage()) == pytest.approx(4 * 3, rel=0.01)


def test_a_network_that_does_not_run_is_refused_by_name():
    class Broken(nn.Module):
        def forward(self, lr):
            raise ValueError("not today")

    with pytest.raises(HarnessError, match=r"Broken does not run on .* ValueError: not today"):
        bytes_per_px(Broken())


def test_nothing_is_computed_and_weights_stay():
    network = registry.get("edsr").build(scale=2).eval()  # 43 M weights: seconds if it ran
    before = next(network.parameters()).detach().clone()
    assert bytes_per_px(network) > 4 * 256
    assert torch.equal(next(network.parameters()), before)

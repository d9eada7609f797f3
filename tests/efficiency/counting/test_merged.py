"""Networks that put their kernels together are counted as they are deployed, by hand arithmetic."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad, pixel_shuffle

from harness.efficiency.counting.cross_check import cross_check
from harness.efficiency.counting.multi_adds import count

PX = 32 * 24
KERNEL = 12 * 3 * 9


class Folding(nn.Module):
    """A kernel and its bias made of a 3x3, and of a 1x1 to 24 channels before a 3x3."""

    def __init__(self, runs=1):
        super().__init__()
        self.runs = runs
        self.wide = nn.Parameter(torch.zeros(12, 3, 3, 3))
        self.widen = nn.Parameter(torch.zeros(24, 3, 1, 1))
        self.narrow = nn.Parameter(torch.zeros(12, 24, 3, 3))
        self.shift = nn.Parameter(torch.zeros(12))
        self.bias = nn.Parameter(torch.zeros(12))
        self.frozen = nn.Parameter(torch.zeros(12, 3, 1, 1), requires_grad=False)

    def kernel(self):
        return self.wide + self.folded() + pad(self.frozen, [1, 1, 1, 1])

    def folded(self):
        return torch.einsum("oihw,ic->ochw", self.narrow, self.widen.flatten(1))

    def forward(self, lr):
        for _ in range(self.runs):
            sr = conv2d(lr, self.kernel(), self.bias + self.shift, padding=1)
        return pixel_shuffle(sr, 2)


class ByConvolution(Folding):
    """Makes the same kernel by a convolution of kernels."""

    def folded(self):
        return conv2d(self.narrow, self.widen.permute(1, 0, 2, 3))


class Overwriting(Folding):
    """Writes the kernel into a convolution that does not learn."""

    def __init__(self):
        super().__init__()
        self.deployed = nn.Conv2d(3, 12, 3, padding=1).requires_grad_(False)

    def forward(self, lr):
        self.deployed.weight.data = self.kernel().detach()
        self.deployed.bias.data = (self.bias + self.shift).detach()
        return pixel_shuffle(self.deployed(lr), 2)


class ReadElsewhere(Folding):
    """Reads one of the sources outside of the kernel too."""

    def forward(self, lr):
        return super().forward(lr) + self.wide.mean()


TRAINED = KERNEL + 24 * 3 + 12 * 24 * 9 + 2 * 12


@pytest.mark.parametrize("network", [Folding(), ByConvolution(), Overwriting()])
def test_a_form_for_training_is_counted_as_it_is_deployed(network):
    cost = count(network, scale=2, output_px=(64, 48))
    assert cost.doubts == ()
    assert cost.params == TRAINED
    assert cost.params_deployed == KERNEL + 12
    assert (cost.multi_adds, cost.multi_adds_paper) == (KERNEL * PX, KERNEL * PX)
    assert (cost.convs, cost.activations) == (1, 12 * PX)
    assert "put together" in cost.note
    assert cost.remarks
    assert "frozen" not in cost.note
    assert count(network, scale=2, output_px=(128, 48)).multi_adds == 2 * KERNEL * PX


def test_a_kernel_that_runs_twice_is_deployed_once():
    cost = count(Folding(runs=2), scale=2, output_px=(64, 48))
    assert cost.params_deployed == KERNEL + 12
    assert cost.multi_adds == 2 * KERNEL * PX


def test_what_is_read_elsewhere_stays():
    cost = count(ReadElsewhere(), scale=2, output_px=(64, 48))
    assert cost.params_deployed == KERNEL + 12 + KERNEL


def test_frozen_weights_that_run_are_named_as_not_counted():
    network = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2))
    network[0].requires_grad_(False)
    cost = count(network, scale=2, output_px=(64, 48))
    assert (cost.params, cost.params_deployed, cost.doubts) == (0, 0, ())
    assert f"{KERNEL + 12} frozen" in cost.note
    assert count(network.requires_grad_(True), scale=2).note == ""


def test_a_product_of_parameters_that_makes_no_kernel_is_counted():
    class Table(nn.Module):
        """Adds a map that a small network makes of a constant, as position biases are made."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 12, 3, padding=1)
            self.grow = nn.Linear(2, 12, bias=False)

        def forward(self, lr):
            made = self.grow(torch.ones(5, 2, device=lr.device)).mean(0)
            return pixel_shuffle(self.conv(lr) + made.view(1, 12, 1, 1), 2)

    cost = count(Table(), scale=2, output_px=(64, 48))
    assert cost.multi_adds == KERNEL * PX + 5 * 2 * 12
    assert cost.params_deployed == cost.params
    assert cost.remarks == ()


def test_fvcore_and_ptflops_are_compared_with_all_that_runs():
    checked = cross_check(ByConvolution(), scale=2, lr_px=PX, ours=KERNEL * PX)
    assert checked.fvcore == checked.ptflops == KERNEL * PX

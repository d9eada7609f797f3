"""Deployed parameters: weight norm and batch norm folded, nothing else."""

import warnings

import pytest
from torch import nn
from torch.nn.utils import parametrizations

from harness.efficiency.counting import params
from harness.efficiency.counting.multi_adds import count
from harness.models import registry


class Net(nn.Module):
    """Some layers on RGB, then 12 channels shuffled to twice the size."""

    unused_modules: tuple[str, ...]

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.tail = nn.Conv2d(3, 12, 1, bias=False)

    def forward(self, lr):
        return nn.functional.pixel_shuffle(self.tail(self.layers(lr)), 2)


def old_weight_norm(conv):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # deprecated, and still in use
        return nn.utils.weight_norm(conv)


def conv(**options):
    return nn.Conv2d(3, 3, 3, padding=1, **options)


TAIL = 3 * 12
SHARED = conv()


@pytest.mark.parametrize(
    ("layers", "trainable", "deployed"),
    [
        ([conv()], 84, 84),
        ([parametrizations.weight_norm(conv())], 84 + 3, 84),
        ([old_weight_norm(conv())], 84 + 3, 84),
        ([conv(), nn.BatchNorm2d(3)], 84 + 6, 84),
        ([conv(bias=False), nn.BatchNorm2d(3)], 81 + 6, 84),
        ([conv(bias=False), nn.BatchNorm2d(3, affine=False)], 81, 84),
        ([conv(), nn.ReLU(), nn.BatchNorm2d(3)], 84 + 6, 84 + 6),
        ([nn.BatchNorm2d(3), conv()], 84 + 6, 84 + 6),
        ([SHARED, nn.BatchNorm2d(3), SHARED, nn.BatchNorm2d(3)], 84 + 12, 84 + 12),
        ([conv(), nn.PReLU(3)], 84 + 3, 84 + 3),
    ],
)
def test_what_folds_and_what_does_not(layers, trainable, deployed):
    cost = count(Net(*layers), scale=2)
    assert cost.params == TAIL + trainable
    assert cost.params_deployed == TAIL + deployed


class Branching(nn.Module):
    """A convolution whose output is read by a batch norm and by a shortcut."""

    def __init__(self):
        super().__init__()
        self.conv = conv()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        x = self.conv(x)
        return x + self.norm(x)


def test_a_convolution_that_others_read_too_keeps_its_batch_norm():
    assert count(Net(Branching()), scale=2).params_deployed == TAIL + 84 + 6


def test_the_released_srmdnf_is_the_folded_one():
    network = registry.get("srmdnf").build(scale=2)
    assert count(network, scale=2).params_deployed == 1_510_540  # KAIR's merged weights


def test_frozen_parameters_are_not_counted():
    network = Net(conv())
    network.layers.requires_grad_(False)
    assert params.trainable(network) == TAIL


def test_kernels_alone_are_counted_once_and_without_gains():
    layers = [SHARED, parametrizations.weight_norm(conv(groups=3)), SHARED]
    assert params.conv_weights(Net(*layers)) == TAIL + 81 + 27


def test_declared_branches_count_as_unused():
    network = Net(conv())
    network.unused_modules = ("layers",)
    assert params.unused(network) == 84
    assert params.unused(nn.Conv2d(3, 3, 1)) == 0

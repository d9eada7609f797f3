"""Networks of another range, mean, padding or of luma, by hand arithmetic."""

import copy

import pytest
import torch
from torch import nn

from harness.models.adapted import Expects, adapt
from harness.models.layers import DIV2K_MEAN
from harness.models.luma import YCBCR


class Nearest(nn.Module):
    """Repeats pixels; keeps what it was given, and adds one parameter's value."""

    def __init__(self, scale=2):
        super().__init__()
        self.scale = scale
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, image):
        self.given = image
        return nn.functional.interpolate(image, scale_factor=self.scale) + self.offset


def lr(height=5, width=7, channels=3):
    return 255 * torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))


def repeated(image):
    return nn.functional.interpolate(image, scale_factor=2)


def test_range_and_mean_are_those_of_the_network_s_own_images():
    image = lr()
    network = adapt(Nearest(), Expects(range=1), scale=2)
    torch.testing.assert_close(network(image), repeated(image))
    torch.testing.assert_close(network.given, image / 255)

    network = adapt(Nearest(), Expects(range=1, mean=DIV2K_MEAN), scale=2)
    torch.testing.assert_close(network(image), repeated(image))
    mean = torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1)
    torch.testing.assert_close(network.given, image / 255 - mean)

    with torch.no_grad():
        next(network.parameters()).add_(0.1)  # of a range of 1: 25.5 grey levels
    torch.testing.assert_close(network(image), repeated(image) + 25.5)


def test_sides_are_filled_to_multiples_by_reflection_and_cut_off():
    image = lr(5, 7)
    network = adapt(Nearest(), Expects(pad_to=4), scale=2)
    torch.testing.assert_close(network(image), repeated(image))
    assert network.given.shape[-2:] == (8, 8)
    torch.testing.assert_close(network.given[..., 5:, :7], image[..., [3, 2, 1], :])
    assert network(lr(1, 2)).shape[-2:] == (2, 4)  # too small to be reflected
    network(lr(8, 4))
    assert network.given.shape[-2:] == (8, 4)


def test_a_network_of_luma_is_given_luma_alone():
    image = lr(8, 8)
    network = adapt(Nearest(), Expects(luma=True, range=1), scale=2)
    sr = network(image)
    luma, _ = YCBCR.split(image)
    torch.testing.assert_close(network.given, luma)
    torch.testing.assert_close(YCBCR.split(sr)[0], repeated(luma))
    assert network(255 + torch.zeros(1, 3, 8, 8)).min() > 254.9


def test_names_of_parameters_and_class_stay_and_copies_work():
    network = adapt(Nearest(), Expects(range=1), scale=2)
    assert list(network.state_dict()) == ["offset"]
    assert type(network).__name__ == "Nearest"
    assert isinstance(network, Nearest)
    image = lr()
    torch.testing.assert_close(copy.deepcopy(network)(image), network(image))
    plain = Nearest()
    assert adapt(plain, Expects(), scale=2) is plain
    assert type(plain) is Nearest


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"rang": 1}, "rang"),
        ({"range": 0}, "range"),
        ({"range": "1"}, "range"),
        ({"range": True}, "range"),
        ({"pad_to": 0}, "pad_to"),
        ({"pad_to": 2.5}, "pad_to"),
        ({"mean": 0.4}, "mean"),
        ({"mean": [0.4, 0.4]}, "mean"),
        ({"mean": [104, 112, 116]}, "mean"),
        ({"luma": 1}, "luma"),
        ({"luma": True, "mean": [0.4, 0.4, 0.4]}, "mean"),
    ],
)
def test_what_no_network_expects_is_refused(declared, words):
    with pytest.raises(ValueError, match=words):
        Expects.of(declared)


def test_it_is_said_in_words():
    assert str(Expects()) == "RGB in 0..255"
    assert str(Expects(range=1, pad_to=8, mean=(0.5, 0.4, 0.3))) == (
        "RGB in 0..1, less the mean colour 0.5, 0.4, 0.3, sides in multiples of 8"
    )

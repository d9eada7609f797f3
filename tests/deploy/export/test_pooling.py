"""Pooling and nearest pixels by gathers, against PyTorch's own at all ratios of sides."""

import pytest
import torch
from torch.nn import functional

from harness.deploy.export import pooling

SIDES = range(1, 61)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", [2, 3, 4, 8])
def test_maxima_over_adaptive_windows_are_those_of_pytorch(share):
    for height in SIDES:
        width = 61 - height
        size = (max(1, height // share), max(1, width // share))
        x = noise(1, 2, height, width)
        expected = functional.adaptive_max_pool2d(x, size)
        assert torch.equal(pooling.max_to(x, size), expected), (height, width)


def test_every_nearest_pixel_is_that_of_pytorch_which_rounds():
    """At some ratios not the one that fractions give, which runtimes may well take."""
    by_fractions = 0
    for before in SIDES:
        x = torch.arange(float(before)).view(1, 1, 1, before)
        for after in SIDES:
            expected = functional.interpolate(x, (1, after), mode="nearest")
            assert torch.equal(pooling.nearest_to(x, (1, after)), expected), (before, after)
            exact = [place * before // after for place in range(after)]
            by_fractions += expected.flatten().tolist() != exact
    assert by_fractions  # so it matters that places are computed as PyTorch does


def test_plain_numbers_are_left_to_pytorch():
    before = functional.adaptive_max_pool2d, functional.interpolate
    x = noise(1, 1, 6, 6)
    with pooling.of_symbols():
        assert functional.adaptive_max_pool2d is not before[0]
        pooled, places = functional.adaptive_max_pool2d(x, 3, return_indices=True)
        assert torch.equal(
            functional.interpolate(pooled, (6, 6)), functional.interpolate(pooled, scale_factor=2)
        )
        assert places.dtype == torch.int64
    assert (functional.adaptive_max_pool2d, functional.interpolate) == before

"""The bicubic network against PyTorch's own antialiased bicubic and against hand arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate
from torch.utils.flop_counter import FlopCounterMode

from harness.models.bicubic import Bicubic

SCALES = (2, 3, 4, 8)


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).float()


@pytest.mark.parametrize("scale", SCALES)
def test_interior_equals_pytorch_antialiased_bicubic(scale: int) -> None:
    lr = noise(2, 3, 12, 10)
    sr = Bicubic(scale=scale)(lr)
    # With antialias PyTorch takes a = -0.5; it treats the border in another way.
    expected = interpolate(lr, scale_factor=scale, mode="bicubic", antialias=True)
    inside = slice(2 * scale, -2 * scale)
    assert sr.shape == expected.shape
    torch.testing.assert_close(
        sr[..., inside, inside], expected[..., inside, inside], rtol=0, atol=1e-3
    )


def test_impulse_spreads_as_computed_by_hand() -> None:
    lr = torch.zeros(1, 1, 7, 1)
    lr[0, 0, 3] = 128
    column = Bicubic(scale=2)(lr)[0, 0, :, 0]
    assert column.tolist() == [0, 0, 0, -3, -9, 29, 111, 111, 29, -9, -3, 0, 0, 0]


def test_rounding_goes_half_up_and_clips() -> None:
    lr = torch.zeros(1, 1, 7, 1)
    lr[0, 0, 3] = 192  # 111 / 128 of it is 166.5
    column = Bicubic(scale=2, rounded=True)(lr)[0, 0, :, 0]
    assert column.tolist() == [0, 0, 0, 0, 0, 44, 167, 167, 44, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("scale", SCALES)
def test_constant_image_stays_constant(scale: int, rounded: bool) -> None:
    sr = Bicubic(scale=scale, rounded=rounded)(torch.full((1, 3, 1, 2), 77.0))
    assert sr.shape == (1, 3, scale, 2 * scale)
    assert (sr == 77).all()


def test_gradient_is_right() -> None:
    lr = noise(1, 1, 3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(Bicubic(scale=2), (lr,))


def test_bfloat16_is_widened() -> None:
    lr = noise(1, 3, 8, 8)
    assert torch.equal(Bicubic(scale=2)(lr.bfloat16()), Bicubic(scale=2)(lr.bfloat16().float()))


def test_has_no_parameters_and_counts_no_multi_adds_on_the_meta_device() -> None:
    network = Bicubic(scale=4)
    with FlopCounterMode(display=False) as counter:
        sr = network(torch.empty(1, 3, 180, 320, device="meta"))
    assert sr.shape == (1, 3, 720, 1280)
    assert counter.get_total_flops() == 0
    assert not network.state_dict()


def test_unrounded_bicubic_keeps_fractions_that_the_rounded_one_drops() -> None:
    network = Bicubic(scale=2, rounded=True)
    lr = noise(1, 3, 4, 5)
    assert torch.equal(network.unrounded()(lr), Bicubic(scale=2)(lr))
    assert not torch.equal(network.unrounded()(lr), network(lr))

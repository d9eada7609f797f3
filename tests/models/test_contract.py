"""What every registered network promises, whatever is inside it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.models import registry
from harness.models.initialise import initialise
from harness.models.modern import MODERN

# Fewer layers of the published widths, so that the slow networks run in a moment.
SHALLOW: dict[str, dict[str, Any]] = {
    "wdsr_basic": {"num_units": 2},
    "wdsr_wru": {"num_units": 2},
    "wdsr_awru": {"num_units": 2},
    "wdsr_awms": {"num_units": 2},
    "awsrn": {"num_blocks": 2, "num_units": 2},
    "awsrn_m": {"num_blocks": 2, "num_units": 2},
    "awsrn_s": {"num_units": 2},
    "awsrn_sd": {"num_units": 2},
    "awsrn_b": {"num_blocks": 2, "num_units": 2},
    "awsrn_na": {"num_blocks": 2, "num_units": 2},
    "awsrn_nl": {"num_blocks": 2, "num_units": 2},
    "vdsr": {"num_layers": 5},
    "drcn": {"num_recursions": 2, "channels": 64},
    "lapsrn": {"depth": 2},
    "drrn": {"num_recursions": 2, "channels": 64},
    "memnet": {"num_blocks": 2, "num_units": 2},
    "srdensenet": {"num_blocks": 2, "num_layers": 3, "neck_channels": 64},
    "selnet": {"num_units": 2},
    "srmdnf": {"num_hidden": 2},
    "msrn": {"num_blocks": 1},
    "carn": {"num_blocks": 2, "num_units": 2},
    "srresnet": {"num_blocks": 2},
    "edsr_baseline": {"num_blocks": 2},
    "edsr": {"num_blocks": 1, "channels": 64},
    "mdsr": {"num_blocks": 2},
    "rdn": {"num_blocks": 2, "num_layers": 2},
    "rcan": {"num_groups": 2, "num_blocks": 2},
    "ddbpn": {"num_stages": 2, "channels": 32, "head_channels": 64},
    "imdn": {"num_blocks": 2},
    "rlfn": {"num_blocks": 2},
    "vdsr_biased": {"num_layers": 5},
    "drrn_plain": {"num_recursions": 2, "channels": 64},
    "lapsrn_d5": {"depth": 2},
    "srmdnf_merged": {"num_hidden": 2},
    "carn_multi": {"num_blocks": 2, "num_units": 2},
    "rfdn": {"num_blocks": 2},
    "rfdn_l": {"num_blocks": 2},
    "pan": {"num_blocks": 2},
    "swinir_light": {"num_groups": 1, "num_blocks": 2},
    "rlfn_52": {"num_blocks": 2},
    "rlfn_s": {"num_blocks": 2},
    "bsrn": {"num_blocks": 2},
    "bsrn_s": {"num_blocks": 2},
    "shufflemixer": {"num_blocks": 2},
    "shufflemixer_tiny": {"num_blocks": 2},
    "ecbsr_m4c8": {"num_blocks": 2},
    "ecbsr_m4c16": {"num_blocks": 1},
    "ecbsr_m10c32": {"num_blocks": 1, "channels": 12},
    "ecbsr_m16c64": {"num_blocks": 1, "channels": 16},
    "vapsr": {"num_blocks": 1},
    "vapsr_s": {"num_blocks": 1},
    "safmn": {"num_blocks": 1},
    "span": {"num_blocks": 2, "channels": 8},
    "span_s": {"num_blocks": 2, "channels": 8},
    "span_28": {"num_blocks": 2, "channels": 8},
    "span_26": {"num_blocks": 2, "channels": 8},
    "spanf": {"num_blocks": 2, "channels": 8},
    "smfanet": {"num_blocks": 1},
    "smfanet_plus": {"num_blocks": 1, "channels": 12},
    "plksr_tiny": {"num_blocks": 1, "channels": 16},
}

# Carries the branches of all scales; the others stay without gradient.
MULTI_SCALE = {"mdsr", "carn_multi", "carn_m_multi"}

CASES = [(name, scale) for name in registry.names() for scale in registry.get(name).scales]
FIRST = [(name, registry.get(name).scales[0]) for name in registry.names()]
YOUNGER = {variant.id for variant in MODERN}  # learn in tests of their own
LEARNING = [(name, scale) for name, scale in FIRST if name not in {"bicubic", *YOUNGER}]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny images gain nothing from threads, and lose much where cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def shallow(name: str, scale: int, *, seed: int = 0) -> nn.Module:
    network = registry.get(name).build(scale=scale, **SHALLOW.get(name, {}))
    initialise(network, seed=seed)
    return network


def image(*shape: int, seed: int = 0) -> Tensor:
    return 255 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def smooth_pair(scale: int, *, patch: int = 12, batch: int = 2) -> tuple[Tensor, Tensor]:
    """Return LR and HR waves; LR is the mean over ``scale`` by ``scale`` pixels."""
    across = torch.arange(patch * scale) / (patch * scale)
    pictures = [
        torch.sin(2 * math.pi * (fx * across[None, :] + fy * across[:, None]) + phase)
        for fx, fy, phase in (
            (3, 1, 0.0),
            (1, 4, 0.5),
            (2, 2, 1.0),
            (4, 0, 1.5),
            (0, 3, 2),
            (3, 3, 3),
        )
    ]
    hr = 127.5 + 100 * torch.stack(pictures[: 3 * batch]).view(batch, 3, *pictures[0].shape)
    return nn.functional.avg_pool2d(hr, scale), hr


def losses_of_twenty_steps(network: nn.Module, scale: int) -> list[float]:
    lr, hr = smooth_pair(scale)
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-4)
    losses = []
    for _ in range(20):
        loss = (network(lr) - hr).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_the_published_network_maps_any_size(name: str, scale: int) -> None:
    with torch.device("meta"), torch.no_grad():
        network = registry.get(name).build(scale=scale).eval()
        for height, width in ((5, 7), (2, 1)):
            sr = network(torch.empty(2, 3, height, width))
            assert sr.shape == (2, 3, scale * height, scale * width)
            assert sr.dtype == torch.float32


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_gradients_are_finite_and_reach_every_parameter(name: str, scale: int) -> None:
    network = shallow(name, scale)
    lr = image(2, 3, 4, 5).requires_grad_()
    network(lr).abs().mean().backward()
    assert lr.grad is not None
    assert lr.grad.isfinite().all()
    gradients = {key: parameter.grad for key, parameter in network.named_parameters()}
    if name not in MULTI_SCALE:
        assert [key for key, gradient in gradients.items() if gradient is None] == []
    assert all(gradient.isfinite().all() for gradient in gradients.values() if gradient is not None)


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_a_saved_state_gives_the_same_network(name: str, scale: int) -> None:
    saved, loaded = shallow(name, scale, seed=0).eval(), shallow(name, scale, seed=1).eval()
    lr = image(1, 3, 4, 5)
    with torch.no_grad():
        expected = saved(lr)
        assert name == "bicubic" or not torch.equal(loaded(lr), expected)
        loaded.load_state_dict(saved.state_dict())
        assert torch.equal(loaded(lr), expected)


@pytest.mark.parametrize(("name", "scale"), FIRST)
def test_forward_leaves_its_argument_and_the_weights_alone(name: str, scale: int) -> None:
    network = shallow(name, scale).eval()
    lr = image(1, 3, 5, 4)
    kept, state = lr.clone(), copy.deepcopy(network.state_dict())
    first = network(lr)
    with torch.no_grad():
        assert torch.equal(network(lr), first)
    assert torch.equal(lr, kept)
    assert all(torch.equal(network.state_dict()[key], state[key]) for key in state)


@pytest.mark.parametrize(("name", "scale"), FIRST)
def test_an_image_does_not_depend_on_its_batch(name: str, scale: int) -> None:
    network = shallow(name, scale).eval()
    lr = image(3, 3, 5, 4)
    with torch.no_grad():
        together, alone = network(lr), network(lr[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(("name", "scale"), FIRST)
def test_bf16_autocast_gives_a_float32_image(name: str, scale: int) -> None:
    network = shallow(name, scale).eval()
    lr = image(1, 3, 5, 4)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        sr = network(lr)
    assert sr.dtype == torch.float32
    assert sr.shape == (1, 3, 5 * scale, 4 * scale)
    assert sr.isfinite().all()


@pytest.mark.parametrize("name", registry.names())
def test_an_undeclared_scale_is_refused_with_those_declared(name: str) -> None:
    variant = registry.get(name)
    with pytest.raises(ValueError, match=f"x{variant.scales[0]}.*not x5"):
        variant.build(scale=5)


@pytest.mark.parametrize(("name", "scale"), LEARNING)
def test_twenty_steps_lower_the_loss(name: str, scale: int) -> None:
    losses = losses_of_twenty_steps(shallow(name, scale), scale)
    assert sum(losses[-3:]) / 3 < 0.98 * losses[0]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale"), [case for case in LEARNING if case[0] in SHALLOW])
def test_twenty_steps_lower_the_loss_of_the_published_network(name: str, scale: int) -> None:
    network = registry.get(name).build(scale=scale)
    initialise(network, seed=0)
    losses = losses_of_twenty_steps(network, scale)
    assert sum(losses[-3:]) / 3 < losses[0]

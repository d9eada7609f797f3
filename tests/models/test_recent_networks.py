"""Merged and modulated networks: that they learn, and what is easily built another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models import registry
from harness.models.channel_norm import ChannelNorm
from harness.models.ecbsr import EdgeOrientedBlock
from harness.models.initialise import initialise
from harness.models.modern import MODERN
from harness.models.safmn import FeatureModulation
from harness.models.smfanet import PartialFeedForward, SelfModulation
from harness.models.span import AttentionBlock, LinearConv
from harness.models.vapsr import PixelBlock

FAMILIES = {"ecbsr", "plksr", "safmn", "smfanet", "span", "vapsr"}
VARIANTS = [
    variant for variant in MODERN if str(variant.target).split(":")[0].split(".")[-1] in FAMILIES
]

QUICK: dict[str, dict[str, Any]] = {
    # one a family, small; SPAN in the form that is trained
    "ecbsr_m4c8": {},
    "vapsr_s": {"num_blocks": 2, "channels": 16, "inner_channels": 16},
    "safmn": {"num_blocks": 2, "channels": 16},
    "span_26": {"num_blocks": 2, "channels": 8, "merged": False},
    "spanf": {"num_blocks": 2, "channels": 8, "merged": False},
    "smfanet": {"num_blocks": 2, "channels": 16},
    "plksr_tiny": {"num_blocks": 1, "channels": 16},
}


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def photographs(scale: int) -> tuple[Tensor, Tensor]:
    """Return four LR patches of 24x24 px of a photograph, means of ``scale`` pixels, and HR."""
    pixels, side = torch.from_numpy(astronaut().copy()).permute(2, 0, 1).float(), 24 * scale
    corners = ((40, 180), (100, 220), (200, 100), (300, 300))
    hr = torch.stack([pixels[:, y : y + side, x : x + side] for y, x in corners])
    return F.avg_pool2d(hr, scale), hr


def losses_of_twenty_steps(network: nn.Module, scale: int, *, bf16: bool) -> list[float]:
    initialise(network, seed=0)
    lr, hr = photographs(scale)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = (network(lr) - hr).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("name", QUICK)
def test_twenty_steps_of_a_few_blocks_lower_the_loss(name: str, bf16: bool) -> None:
    scale = registry.get(name).scales[0]
    network = registry.get(name).build(scale=scale, **QUICK[name])
    losses = losses_of_twenty_steps(network, scale, bf16=bf16)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


@pytest.mark.slow
@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("name", [variant.id for variant in VARIANTS])
def test_twenty_steps_of_the_published_network_lower_the_loss(name: str, bf16: bool) -> None:
    scale = registry.get(name).scales[0]
    losses = losses_of_twenty_steps(registry.get(name).build(scale=scale), scale, bf16=bf16)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


@pytest.mark.parametrize("name", ["safmn", "smfanet"])
def test_an_image_too_small_for_pooling_is_as_if_its_last_pixels_went_on(name: str) -> None:
    network = registry.get(name).build(scale=2, num_blocks=1).eval()
    small = 255 * torch.rand(1, 3, 5, 11)
    filled = np.pad(small.numpy(), ((0, 0), (0, 0), (0, 3), (0, 0)), mode="edge")
    with torch.no_grad():
        expected = network(torch.from_numpy(filled))[..., :10, :]
        assert torch.equal(network(small), expected)


def test_the_norm_is_over_the_channels_of_each_pixel_with_the_biased_variance() -> None:
    norm, x = ChannelNorm(6, eps=1e-6), torch.randn(2, 6, 3, 4)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    numbers = x.double().numpy()
    centred = numbers - numbers.mean(1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-6)
    gain, bias = (p.detach().numpy()[:, None, None] for p in (norm.weight, norm.bias))
    np.testing.assert_allclose(norm(x).detach(), gain * expected + bias, rtol=1e-4, atol=1e-5)


def test_the_last_block_of_span_hands_on_what_an_activation_in_place_leaves() -> None:
    """Of the first convolution's output, its authors' code keeps what is overwritten then."""
    block, x = AttentionBlock(5, merged=True).eval(), torch.randn(1, 5, 6, 7)
    first, second, third = block.convs
    with torch.no_grad():
        kept = first(x)
        before = kept.clone()
        features = third(F.silu(second(F.silu(kept, inplace=True)), inplace=True))
        expected = (features + x) * (torch.sigmoid(features) - 0.5)
        output, inside = block(x)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(inside, kept)
    assert not torch.allclose(inside, before)


def test_span_concatenates_head_smoothed_first_block_and_the_inside_of_the_last() -> None:
    network = registry.get("span_26").build(scale=4, num_blocks=3, channels=4).eval()
    given: list[Tensor] = []
    network.fusion.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    outputs: list[Tensor] = []
    for block in network.blocks:
        block.register_forward_hook(lambda *args: outputs.extend(args[2]))
    mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
    lr = 255 * torch.rand(1, 3, 6, 5)
    with torch.no_grad():
        sr = network(lr)
        head, smooth = network.head(lr - mean), network.smooth(outputs[4])
        expected = torch.cat([head, smooth, outputs[0], outputs[5]], 1)
        torch.testing.assert_close(given[0], expected)
        last = F.pixel_shuffle(network.tail(network.fusion(given[0])), 4)
    torch.testing.assert_close(sr, 255 * last)


def test_spanf_starts_with_the_nearest_pixel_beside_its_features() -> None:
    network = registry.get("spanf").build(scale=4)
    initialise(network, seed=3)
    lr = torch.rand(1, 3, 4, 5)
    with torch.no_grad():
        beside = F.pixel_shuffle(network.nearest(lr), 4)
    assert torch.equal(beside, F.interpolate(lr, scale_factor=4, mode="nearest"))


@pytest.mark.parametrize("name", ["ecbsr_m4c8", "plksr_tiny"])
def test_without_detail_the_image_is_repeated(name: str) -> None:
    network = registry.get(name).build(scale=2, merged=True) if "ecbsr" in name else None
    network = network or registry.get(name).build(scale=2, num_blocks=1)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    lr = 255 * torch.rand(1, 3, 6, 5)
    with torch.no_grad():
        if "ecbsr" in name:
            luma, _ = network.colour.split(lr)
            sr, expected = network.forward_luma(luma), luma.repeat_interleave(2, 2)
            expected = expected.repeat_interleave(2, 3)
        else:
            sr, expected = network(lr), F.interpolate(lr, scale_factor=2, mode="nearest")
    torch.testing.assert_close(sr, expected, rtol=1e-5, atol=1e-3)


def test_the_edge_block_is_its_five_branches_on_an_image_padded_by_zeros() -> None:
    """So the border that a second convolution sees is the first one's bias."""
    block, x = EdgeOrientedBlock(3, 4), torch.randn(2, 3, 5, 6)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    padded = F.pad(x, (1, 1, 1, 1))
    expand, squeeze = block.expanded.expand.conv, block.expanded.squeeze
    expected = F.conv2d(padded, block.plain.weight, block.plain.bias) + squeeze(expand(padded))
    masks = (
        [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
        [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
        [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    )
    for edge, mask in zip(block.edges, masks, strict=True):
        filters = torch.tensor(mask).float().expand(4, 1, 3, 3)
        filtered = F.conv2d(edge.mix.conv(padded), filters, groups=4)
        expected = expected + edge.gain.view(1, 4, 1, 1) * filtered + edge.bias.view(1, 4, 1, 1)
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-4)
    assert "mask" not in str(list(block.state_dict()))


def test_the_linear_convolution_of_span_is_padded_before_its_first_1x1() -> None:
    conv, x = LinearConv(3, 4), torch.randn(2, 3, 5, 6)
    inner = F.conv2d(F.pad(x, (1, 1, 1, 1)), conv.widen.weight, conv.widen.bias)
    row = conv.narrow(F.conv2d(inner, conv.conv.weight, conv.conv.bias))
    torch.testing.assert_close(conv(x), row + conv.skip(x))


def test_the_variance_in_smfanet_is_the_unbiased_one() -> None:
    part, x = SelfModulation(4), torch.randn(2, 4, 9, 17)
    nn.init.zeros_(part.alpha)
    nn.init.normal_(part.beta)
    seen: list[Tensor] = []
    part.gates.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.no_grad():
        part(x)
        wide = part.split(x)[:, 4:].double().numpy()
    assert seen[0].shape == (2, 4, 1, 2)
    expected = part.beta.detach().numpy() * wide.var((2, 3), ddof=1, keepdims=True)
    np.testing.assert_allclose(seen[0], np.broadcast_to(expected, (2, 4, 1, 2)), rtol=1e-4)


def test_a_quarter_of_the_wide_features_of_smfanet_sees_the_3x3() -> None:
    part, x = PartialFeedForward(4), torch.randn(1, 4, 5, 6)
    with torch.no_grad():
        wide = F.gelu(part.widen(x))
        seen = torch.cat([F.gelu(part.partial(wide[:, :2])), wide[:, 2:]], 1)
        torch.testing.assert_close(part(x), part.narrow(seen))


def test_the_levels_of_safmn_are_maxima_over_windows_that_double() -> None:
    part, x = FeatureModulation(8), torch.randn(1, 8, 16, 8)
    with torch.no_grad():
        levels = [part.depthwise[0](x[:, :2])]
        for level in (1, 2, 3):
            small = F.max_pool2d(x[:, 2 * level : 2 * level + 2], 2**level)
            conv = part.depthwise[level](small)
            levels.append(conv.repeat_interleave(2**level, 2).repeat_interleave(2**level, 3))
        expected = F.gelu(part.fusion(torch.cat(levels, 1))) * x
    torch.testing.assert_close(part(x).detach(), expected)


def test_the_norm_of_vapsr_stands_behind_the_sum() -> None:
    block, x = PixelBlock(4, 6), torch.randn(1, 4, 5, 6)
    with torch.no_grad():
        wide = F.gelu(block.widen(x))
        gates = block.attention.dilated(block.attention.depthwise(block.attention.pointwise(wide)))
        total = block.narrow(wide * gates) + x
        expected = F.layer_norm(total.movedim(1, -1), (4,), eps=1e-5).movedim(-1, 1)
    torch.testing.assert_close(block(x).detach(), expected)


@pytest.mark.parametrize(
    ("name", "scale", "options", "message"),
    [
        ("vapsr", 2, {}, "vapsr is defined for x4, not x2"),
        ("safmn", 2, {"channels": 34}, "channels must be a multiple of 4, not 34"),
        ("smfanet", 2, {"channels": 35}, "channels must be even, not 35"),
        ("span", 2, {"num_blocks": 1}, "num_blocks must be at least 2, not 1"),
        ("spanf", 4, {"num_blocks": 1}, "num_blocks must be at least 2, not 1"),
        ("span", 2, {"channels": 0}, "channels must be at least 1, not 0"),
        ("plksr_tiny", 2, {"part": 65}, "part must be at most 64, the channels, not 65"),
        ("plksr_tiny", 2, {"kernel_size": 12}, "kernel_size must be odd and positive, not 12"),
        ("ecbsr_m4c8", 3, {}, "ecbsr_m4c8 is defined for x2, x4, not x3"),
    ],
)
def test_what_no_such_network_can_have_is_refused(
    name: str, scale: int, options: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message), torch.device("meta"):
        registry.get(name).build(scale=scale, **options)

"""Networks younger than the paper: sizes, what their parts compute, that they learn."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from skimage.color import rgb2ycbcr
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models import registry
from harness.models.bsrn import BlueprintConv
from harness.models.efdn import EFDN
from harness.models.imdn import ContrastAttention
from harness.models.initialise import initialise
from harness.models.modern import MODERN
from harness.models.rfdn import DeepSpatialAttention, rfdn_as_printed, rfdn_l_as_printed
from harness.models.shufflemixer import SplitMixer
from harness.models.swinir import SwinIR, TransformerBlock, WindowAttention, shift_mask

CASES = [(variant.id, scale) for variant in MODERN for scale in variant.scales]
ELSEWHERE = {"ecbsr", "plksr", "safmn", "smfanet", "span", "vapsr"}  # test_recent_networks.py
FIRST = [(variant.id, variant.scales[0]) for variant in MODERN]
SMALLEST = [
    (variant.id, variant.scales[0])
    for variant in MODERN
    if str(variant.target).split(":")[0].split(".")[-1] not in ELSEWHERE
]

# One of each family, of one block and fewer channels.
QUICK: dict[str, dict[str, Any]] = {
    "rfdn": {"num_blocks": 1, "channels": 24},
    "pan": {"num_blocks": 1, "channels": 16, "upsampling_channels": 12},
    "swinir_light": {"num_groups": 1, "num_blocks": 2, "channels": 24},
    "rlfn_52": {"num_blocks": 1, "channels": 24, "inner_channels": 24},
    "bsrn": {"num_blocks": 1, "channels": 32},
    "bsrn_s": {"num_blocks": 1},
    "shufflemixer_tiny": {"num_blocks": 1},
    "efdn": {"channels": 16},
}


def network(name: str, scale: int, **options: Any) -> nn.Module:
    built = registry.get(name).build(scale=scale, **options)
    initialise(built, seed=0)
    return built


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_the_published_network_keeps_odd_and_even_sizes(name: str, scale: int) -> None:
    with torch.device("meta"), torch.no_grad():
        built = registry.get(name).build(scale=scale).eval()
        for width, height in ((31, 45), (64, 48), (1, 1)):
            sr = built(torch.empty(1, 3, height, width))
            assert sr.shape == (1, 3, scale * height, scale * width)


MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
OF_LEVELS = {"rfdn", "rfdn_l", "rlfn_52", "rlfn_s"}  # RGB in 0..255 inside


def expected_by(name: str, rgb: Tensor) -> Tensor:
    """What a network's first layer is given of RGB in 0..1."""
    if name in OF_LEVELS:
        return 255 * rgb
    if name.startswith("bsrn"):
        return rgb.repeat(1, 4, 1, 1)
    if name.startswith("ecbsr"):
        luma = rgb2ycbcr(rgb[0].permute(1, 2, 0).double().numpy())[..., 0] / 255
        return torch.from_numpy(luma)[None, None].float()
    if name == "swinir_light":
        return rgb - MEAN
    return 255 * (rgb - MEAN) if name in {"span", "span_s", "span_28", "span_26"} else rgb


@pytest.mark.parametrize(("name", "scale"), FIRST)
def test_the_first_layer_is_given_the_range_that_its_authors_give_it(name: str, scale: int) -> None:
    given: list[Tensor] = []

    def stop(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        given.append(inputs[0])
        raise StopIteration

    built = registry.get(name).build(scale=scale).eval()
    for module in built.modules():
        if next(module.parameters(recurse=False), None) is not None:
            module.register_forward_pre_hook(stop)
    rgb = torch.rand(1, 3, 16, 8)
    with pytest.raises(StopIteration):
        built(255 * rgb)
    given[0] = given[0][..., -17:-1, -9:-1] if given[0].shape[-1] == 10 else given[0]  # padded
    torch.testing.assert_close(given[0], expected_by(name, rgb), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "scale"), [case for case in FIRST if not case[0].startswith("ecbsr")]
)
def test_half_of_the_last_layer_s_range_is_half_of_white(name: str, scale: int) -> None:
    """The luma network's output is held to the image repeated, elsewhere."""
    built = registry.get(name).build(scale=scale).eval()
    lr = 255 * torch.rand(1, 3, 9, 8)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.zero_()
        without = built(lr)
        bias = built.tail.bias
        assert isinstance(bias, Tensor)
        bias.fill_(127.5 if name in OF_LEVELS else 0.5)
        torch.testing.assert_close(built(lr) - without, torch.full_like(without, 127.5))


def losses_of_twenty_steps(built: nn.Module, scale: int, *, bf16: bool) -> list[float]:
    """Return the losses on four patches of waves, LR their means over ``scale`` pixels."""
    side = torch.arange(24 * scale) / (24 * scale)
    waves = [
        torch.sin(2 * math.pi * (fx * side[None, :] + fy * side[:, None]) + phase)
        for fx, fy, phase in zip(range(1, 13), range(12, 0, -1), range(12), strict=True)
    ]
    hr = 127.5 + 100 * torch.stack(waves).view(4, 3, *waves[0].shape)
    lr = F.avg_pool2d(hr, scale)
    optimiser = torch.optim.Adam(built.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = (built(lr).float() - hr).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def assert_learns(losses: list[float]) -> None:
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


BOTH = pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])


@BOTH
@pytest.mark.parametrize("name", QUICK)
def test_twenty_steps_lower_the_loss(name: str, *, bf16: bool) -> None:
    scale = registry.get(name).scales[0]
    assert_learns(losses_of_twenty_steps(network(name, scale, **QUICK[name]), scale, bf16=bf16))


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(("name", "scale"), SMALLEST)
def test_twenty_steps_of_the_published_network(name: str, scale: int, *, bf16: bool) -> None:
    assert_learns(losses_of_twenty_steps(network(name, scale), scale, bf16=bf16))


def test_the_printed_parameters_of_rfdn_are_those_of_six_blocks_with_outer_gates() -> None:
    """All six printed cells: 534, 541, 550 K and 626, 633, 643 K."""
    for build, printed in (
        (rfdn_as_printed, (534_036, 540_531, 549_624)),
        (rfdn_l_as_printed, (625_962, 632_997, 642_846)),
    ):
        with torch.device("meta"):
            counts = [
                sum(value.numel() for value in build(scale=scale).parameters())
                for scale in (2, 3, 4)
            ]
        assert tuple(counts) == printed


def test_gates_of_the_deep_attention_come_from_a_coarse_map() -> None:
    torch.manual_seed(0)
    attention = DeepSpatialAttention(8, 2)
    x = torch.randn(1, 8, 20, 31)
    state = attention.state_dict()

    def conv(name: str, value: Tensor, **options: Any) -> Tensor:
        return F.conv2d(value, state[f"{name}.weight"], state[f"{name}.bias"], **options)

    reduced = conv("reduce", x)
    coarse = F.max_pool2d(conv("stride", reduced, stride=2), 7, 3)
    for index in (0, 2):
        coarse = conv(f"coarse.{index}", coarse, padding=1).relu()
    coarse = conv("coarse.4", coarse, padding=1)
    coarse = F.interpolate(coarse, (20, 31), mode="bilinear", align_corners=False)
    gates = conv("expand", coarse + conv("direct", reduced)).sigmoid()
    torch.testing.assert_close(attention(x), x * gates)


def test_a_strided_blueprint_convolution_is_one_dense_convolution() -> None:
    torch.manual_seed(0)
    conv = BlueprintConv(5, 4, stride=2)
    dense = conv.depthwise.weight * conv.pointwise.weight  # (4, 1, 3, 3) times (4, 5, 1, 1)
    x = torch.randn(2, 5, 9, 12)
    torch.testing.assert_close(conv(x), F.conv2d(x, dense, conv.depthwise.bias, stride=2))


def test_bsrn_has_the_channel_attention_of_imdn_with_four_hidden_channels() -> None:
    with torch.device("meta"):
        gates = registry.get("bsrn").build(scale=2).blocks[0].channel
    assert isinstance(gates, ContrastAttention)
    assert gates.squeeze.out_channels == 4


def test_gains_of_bsrn_s_start_around_one() -> None:
    built = registry.get("bsrn_s").build(scale=4)
    gains = torch.cat([block.channel.gain.flatten() for block in built.blocks])
    assert gains.mean().item() == pytest.approx(1, abs=0.05)
    assert gains.std().item() == pytest.approx(0.2, abs=0.05)


def test_channels_are_shuffled_in_eight_groups() -> None:
    mixer = SplitMixer(16)
    with torch.no_grad():
        for layer in (mixer.mix[0], mixer.mix[2]):
            layer.weight.zero_()
            layer.bias.zero_()
    x = torch.arange(16.0).view(1, 16, 1, 1)
    first_half_is_gone = [0, 0, 0, 0, 8, 10, 12, 14, 0, 0, 0, 0, 9, 11, 13, 15]
    assert mixer(x).flatten().tolist() == first_half_is_gone


def test_efdn_cuts_its_output_where_it_is_evaluated() -> None:
    torch.manual_seed(0)
    built = EFDN(scale=4, channels=8)
    lr = 255 * torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        built.tail.bias.copy_(torch.linspace(-1, 2, 48))
        trained, scored = built(lr), built.eval()(lr)
    assert trained.min() < 0
    assert trained.max() > 255
    torch.testing.assert_close(scored, trained.clamp(0, 255))


def test_attention_within_a_window_is_pytorchs_own() -> None:
    torch.manual_seed(0)
    ours = WindowAttention(12, 3)
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.qkv.weight,
            "in_proj_bias": ours.qkv.bias,
            "out_proj.weight": ours.project.weight,
            "out_proj.bias": ours.project.bias,
        }
    )
    windows = torch.randn(2, 64, 12)
    bias = torch.empty(3, 64, 64)
    for first in range(64):
        for second in range(64):
            down, right = first // 8 - second // 8, first % 8 - second % 8
            bias[:, first, second] = ours.table[15 * (down + 7) + right + 7]
    expected, _ = theirs(windows, windows, windows, attn_mask=bias.repeat(2, 1, 1))
    found = ours(windows.flatten(0, 1), None).view_as(windows)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_pixels_of_opposite_borders_do_not_see_each_other() -> None:
    """A change of one pixel reaches the pixels of its shifted window alone."""
    torch.manual_seed(0)
    block = TransformerBlock(6, 2, 12, shifted=True)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    x = torch.randn(1, 16, 24, 6)
    changed = x.clone()
    changed[0, 1, 9, 0] += 1
    mask = shift_mask(16, 24, device=x.device)
    assert mask.shape == (6, 1, 64, 64)
    with torch.no_grad():
        reached = (block(changed, mask) - block(x, mask)).abs().amax((0, 3)) > 1e-6
    expected = torch.zeros(16, 24, dtype=torch.bool)
    expected[:4, 4:12] = True  # shifted windows begin at row 4; what is above is on its own
    assert torch.equal(reached, expected)


def test_an_image_of_swinir_is_continued_by_reflection() -> None:
    built = SwinIR(scale=2, channels=12, num_groups=1, num_blocks=2, num_heads=2, hidden=8).eval()
    initialise(built, seed=0)
    lr = 255 * torch.rand(1, 3, 13, 10)
    with torch.no_grad():
        whole = built(F.pad(lr, (0, 6, 0, 3), mode="reflect"))
        assert torch.equal(built(lr), whole[..., :26, :20])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("pan", {"channels": 41}, "channels must be even, not 41"),
        ("rfdn", {"channels": 3}, "channels must be at least 4, not 3"),
        ("bsrn", {"num_blocks": 0}, "num_blocks must be at least 1, not 0"),
        ("efdn", {"channels": 2}, "channels must be at least 4, not 2"),
        ("shufflemixer", {"channels": 36}, "channels must be a multiple of 8, not 36"),
        ("swinir_light", {"channels": 64}, "channels must be a multiple of 6 heads, not 64"),
    ],
)
def test_what_no_such_network_can_have_is_refused(
    name: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        registry.get(name).build(scale=4, **options)

"""The RGB baselines: published counts, ranges, shared branches, start weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness.models import registry
from harness.models.bicubic import Bicubic
from harness.models.carn import CARN
from harness.models.initialise import initialise
from harness.models.layers import DIV2K_MEAN, Residual, Upsampler
from harness.models.rcan import ChannelAttention
from harness.models.selnet import SelectionUnit
from harness.models.srmdnf import SRMDNF

COUNTS = (
    # id, scale, trainable parameters, Multi-Adds in G at a 1280x720 output
    ("selnet", 2, 977155, 225.652),
    ("selnet", 3, 1161795, 120.049),
    ("selnet", 4, 1420291, 83.088),
    ("srmdnf", 2, 1513100, 347.701),
    ("srmdnf", 3, 1530395, 156.303),
    ("srmdnf", 4, 1554608, 89.314),
    ("msrn", 2, 5930307, 1366.607),
    ("msrn", 3, 6114947, 627.140),
    ("msrn", 4, 6078019, 376.820),
    ("msrn", 8, 6225731, 129.373),
    ("carn", 2, 964163, 222.821),
    ("carn", 3, 1148803, 118.791),
    ("carn", 4, 1111875, 90.873),
    ("carn_m", 2, 257027, 91.172),
    ("carn_m", 3, 303427, 46.124),
    ("carn_m", 4, 294147, 32.481),
    ("srresnet", 2, 1399636, 332.174),
    ("srresnet", 3, 1584276, 174.470),
    ("srresnet", 4, 1547348, 127.767),
    ("srresnet", 8, 1695060, 76.665),
    ("edsr_baseline", 2, 1369859, 316.249),
    ("edsr_baseline", 3, 1554499, 160.314),
    ("edsr_baseline", 4, 1517571, 114.230),
    ("edsr_baseline", 8, 1665283, 63.726),
    ("edsr", 2, 40729603, 9384.749),
    ("edsr", 3, 43680003, 4476.528),
    ("edsr", 4, 43089923, 2894.547),
    ("edsr", 8, 45450243, 1271.996),
    ("mdsr", 2, 7953987, 1497.784),
    ("mdsr", 3, 7953987, 685.441),
    ("mdsr", 4, 7953987, 409.614),
    ("rdn", 2, 22123395, 5096.183),
    ("rdn", 3, 22308035, 2284.729),
    ("rdn", 4, 22271107, 1309.214),
    ("rdn", 8, 22418819, 362.472),
    ("rcan", 2, 15444643, 3526.779),
    ("rcan", 3, 15629283, 1587.216),
    ("rcan", 4, 15592355, 916.863),
    ("rcan", 8, 15740067, 264.384),
    ("ddbpn", 2, 5956931, 1435.868),
    ("ddbpn", 4, 10429763, 681.586),
    ("ddbpn", 8, 23209283, 419.405),
)

SMALL: dict[str, dict[str, int]] = {
    "srmdnf": {"num_hidden": 1, "channels": 4},
    "msrn": {"num_blocks": 1, "channels": 4},
    "carn": {"num_blocks": 1, "num_units": 1, "channels": 4},
    "srresnet": {"num_blocks": 1, "channels": 4},
    "edsr": {"num_blocks": 1, "channels": 4},
    "mdsr": {"num_blocks": 1, "channels": 4},
    "rdn": {"num_blocks": 1, "num_layers": 1, "growth": 4, "channels": 4},
    "rcan": {"num_groups": 1, "num_blocks": 1, "channels": 4, "reduction": 2},
    "ddbpn": {"num_stages": 2, "channels": 4, "head_channels": 4},
}
DIV2K_COLOUR = tuple(255 * mean for mean in DIV2K_MEAN)


def _params(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _multi_adds(network: nn.Module, height: int, width: int) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, height, width, device="meta"))
    return int(counter.get_total_flops()) // 2


def _multi_adds_g_at_720p(network: nn.Module, scale: int) -> float:
    """Count in G; at x3 for 102,400 LR pixels, as the count is affine in their number."""
    if scale != 3:
        return _multi_adds(network, 720 // scale, 1280 // scale) / 1e9
    small, large = _multi_adds(network, 8, 10), _multi_adds(network, 8, 20)
    slope = (large - small) // 80
    return (small + slope * (102_400 - 80)) / 1e9


def _filled(network: nn.Module, value: float) -> nn.Module:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    return network.eval()


@pytest.mark.parametrize(
    ("name", "scale", "params", "multi_adds_g"), COUNTS, ids=[f"{c[0]}-x{c[1]}" for c in COUNTS]
)
def test_counts_are_the_known_ones(name: str, scale: int, params: int, multi_adds_g: float) -> None:
    with torch.device("meta"):
        network = registry.get(name).build(scale=scale).eval()
    assert _params(network) == params
    assert _multi_adds_g_at_720p(network, scale) == pytest.approx(multi_adds_g, abs=1e-3)


def test_counts_cover_every_scale_that_is_declared() -> None:
    counted = {(name, scale) for name, scale, _, _ in COUNTS}
    names = {name for name, _ in counted}
    assert counted == {(name, scale) for name in names for scale in registry.get(name).scales}


@pytest.mark.parametrize(("groups", "params"), [(None, 1591939), (4, 414787)])
def test_three_scale_carn_has_the_parameters_in_print(groups: int | None, params: int) -> None:
    with torch.device("meta"):
        network = CARN(scale=2, scales=(2, 3, 4), groups=groups)
    assert _params(network) == params


def test_srmdnf_with_merged_batch_norm_has_the_released_size() -> None:
    with torch.device("meta"):
        network = SRMDNF(scale=2, batch_norm=False)
    assert _params(network) == 1510540


@pytest.mark.parametrize("name", ["carn", "mdsr"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_declared_unused_modules_are_those_without_gradient(name: str, scale: int) -> None:
    network = registry.get(name).build(scale=scale, scales=(2, 3, 4), **SMALL[name])
    network(torch.rand(1, 3, 4, 5)).sum().backward()
    unused = network.unused_modules
    assert isinstance(unused, tuple)
    silent = {key for key, value in network.named_parameters() if value.grad is None}
    declared = {key for key, _ in network.named_parameters() if key.startswith(unused)}
    assert silent == declared != set()


def test_single_scale_carn_uses_everything() -> None:
    assert registry.get("carn").build(scale=2, **SMALL["carn"]).unused_modules == ()


@pytest.mark.parametrize("name", ["carn", "mdsr"])
def test_scale_without_weights_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"scale must be one of \(2, 4\), not 3"):
        registry.get(name).build(scale=3, scales=(2, 4), **SMALL[name])


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("srmdnf", (0.0, 0.0, 0.0)),
        ("msrn", DIV2K_COLOUR),
        ("carn", DIV2K_COLOUR),
        ("srresnet", (127.5, 127.5, 127.5)),
        ("edsr", DIV2K_COLOUR),
        ("mdsr", DIV2K_COLOUR),
        ("rdn", (0.0, 0.0, 0.0)),
        ("rcan", DIV2K_COLOUR),
        ("ddbpn", (0.0, 0.0, 0.0)),
    ],
)
def test_network_of_zeros_returns_the_centre_of_its_range(
    name: str, colour: tuple[float, float, float]
) -> None:
    network = _filled(registry.get(name).build(scale=2, **SMALL[name]), 0)
    sr = network(255 * torch.rand(1, 3, 3, 5))
    torch.testing.assert_close(sr, torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 6, 10))


def test_selnet_of_zeros_is_bicubic() -> None:
    lr = 255 * torch.rand(1, 3, 5, 6)
    network = _filled(registry.get("selnet").build(scale=3, num_units=1, channels=4), 0)
    torch.testing.assert_close(network(lr), Bicubic(scale=3)(lr))


def test_selection_unit_weighs_its_input_by_the_gate() -> None:
    unit = SelectionUnit(1)
    with torch.no_grad():
        unit.conv.weight.fill_(2)
        unit.conv.bias.fill_(-1)
    x = torch.tensor([-3.0, 1.5]).view(1, 1, 1, 2)
    expected = torch.tensor([-3 / (1 + math.exp(1)), 1.5 / (1 + math.exp(-2))])
    torch.testing.assert_close(unit(x).flatten(), expected)


def test_channel_attention_weighs_all_pixels_alike() -> None:
    attention = _filled(ChannelAttention(channels=2, reduction=2), 1)
    x = torch.tensor([[[[1.0, 3.0]], [[0.0, 2.0]]]])
    weight = 1 / (1 + math.exp(-5))  # means 2 and 1, squeezed to 2 + 1 + 1, gated at 4 + 1
    torch.testing.assert_close(attention(x), weight * x)


def test_residual_scales_only_its_body() -> None:
    x = torch.rand(1, 2, 3, 3)
    torch.testing.assert_close(Residual(nn.Identity(), scaling=0.1)(x), 1.1 * x)


def test_carn_m_steps_of_a_block_share_one_unit() -> None:
    network = registry.get("carn_m").build(scale=2, num_blocks=1, channels=4)
    calls: list[Tensor] = []
    unit = network.body.units[0].units[0]
    unit.register_forward_hook(lambda _module, _inputs, output: calls.append(output))
    network(torch.rand(1, 3, 4, 4))
    assert len(calls) == 3


@pytest.mark.parametrize(("scale", "convs"), [(2, 1), (3, 1), (4, 2), (8, 3)])
def test_upsampler_has_a_convolution_per_step(scale: int, convs: int) -> None:
    upsampler = Upsampler(channels=2, scale=scale, activation=nn.ReLU)
    assert sum(isinstance(layer, nn.Conv2d) for layer in upsampler) == convs
    assert upsampler(torch.rand(1, 2, 3, 4)).shape == (1, 2, 3 * scale, 4 * scale)


def test_upsampler_refuses_a_scale_it_has_no_steps_for() -> None:
    with pytest.raises(ValueError, match="scale must be one of 2, 3, 4, 8, not 5"):
        Upsampler(channels=2, scale=5)


def test_ddbpn_refuses_a_scale_without_kernel() -> None:
    with pytest.raises(ValueError, match="scale must be one of 2, 4, 8, not 3"):
        registry.get("ddbpn").constructor(scale=3)


def test_ddbpn_starts_from_he_normal_weights() -> None:
    network = registry.get("ddbpn").build(scale=2, num_stages=1)
    initialise(network, seed=0)
    head = network.head[0]
    assert isinstance(head, nn.Conv2d)
    assert head.weight.std().item() == pytest.approx(math.sqrt(2 / 27), rel=0.05)
    assert head.bias is not None
    assert not head.bias.any()


@pytest.mark.parametrize("name", sorted({count[0] for count in COUNTS}))
def test_layer_counts_below_one_are_refused(name: str) -> None:
    option = next(key for key in registry.get(name).options() if key.startswith("num_"))
    with pytest.raises(ValueError, match=f"{option} must be at least 1, not 0"):
        registry.get(name).build(scale=2, **{option: 0})


def test_attention_cannot_squeeze_to_nothing() -> None:
    with pytest.raises(ValueError, match=r"reduction must be at most channels \(8\), not 16"):
        registry.get("rcan").build(scale=2, channels=8)

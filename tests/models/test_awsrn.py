"""Parameter and structure facts of the AWSRN family and WDSR."""

import pytest
import torch
from torch import nn

from harness.models import registry
from harness.models.adaptive import learned_scalars
from harness.models.awsrn import AWSRN
from harness.models.initialise import initialise

# Trainable parameters, all printed cells of Table 5 to the digit.
PARAMS = {
    ("awsrn", 2): 1_396_872,
    ("awsrn", 3): 1_476_147,
    ("awsrn", 4): 1_587_132,
    ("awsrn", 8): 2_348_172,
    ("awsrn_m", 2): 1_063_742,
    ("awsrn_m", 3): 1_143_017,
    ("awsrn_m", 4): 1_254_002,
    ("awsrn_m", 8): 2_015_042,
    ("awsrn_s", 2): 397_482,
    ("awsrn_s", 3): 476_757,
    ("awsrn_s", 4): 587_742,
    ("awsrn_s", 8): 1_348_782,
    ("awsrn_sd", 2): 348_098,
    ("awsrn_sd", 3): 388_013,
    ("awsrn_sd", 4): 443_894,
    ("awsrn_sd", 8): 827_078,
    # The ablations, x2 (Tables 1 to 3).
    ("wdsr_basic", 2): 1_190_100,
    ("wdsr_wru", 2): 1_190_100 + 8_768,
    ("wdsr_awru", 2): 1_190_100 + 32,
    ("awsrn_b", 2): 1_337_276,
    ("awsrn_na", 2): 1_337_244,
    ("awsrn_nl", 2): 1_189_556,
}


def params(network):
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


@pytest.mark.parametrize(("name", "scale"), PARAMS)
def test_trainable_parameters(name, scale):
    with torch.device("meta"):
        network = registry.get(name).build(scale=scale)
    assert params(network) == PARAMS[name, scale]


def silence(conv):
    """Make a weight-normalised convolution return zero."""
    nn.init.zeros_(conv.parametrizations.weight.original0)
    nn.init.zeros_(conv.bias)


def test_awsrn_b_with_awms_is_awsrn():
    variant = registry.get("awsrn_b")
    with torch.device("meta"):
        network = variant.build(scale=2, kernel_sizes=(3, 5, 7, 9), weighted=True)
    assert params(network) == PARAMS["awsrn", 2]


def test_awms_on_wdsr_adds_branches_and_weights():
    # 12 output channels from 32: bias + gain + weights of 5x5, 7x7, 9x9, and 4 scalars.
    added = 12 * 32 * (25 + 49 + 81) + 3 * 2 * 12 + 4
    with torch.device("meta"):
        network = registry.get("wdsr_awms").build(scale=2)
    assert params(network) == PARAMS["wdsr_basic", 2] + added


@pytest.mark.parametrize("option", [{"unit": "awru"}, {"num_units": 15}, {"skip_kernel": 3}])
def test_options_change_what_they_name(option):
    with torch.device("meta"):
        changed = registry.get("wdsr_basic").build(scale=2, **option)
    assert params(changed) != PARAMS["wdsr_basic", 2]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"unit": "awr"}, "basic, wru, awru"),
        ({"num_blocks": 0}, "num_blocks must be at least 1"),
        ({"kernel_sizes": (3, 3)}, "different odd numbers"),
        ({"kernel_sizes": (4,)}, "must be odd"),
        ({"kernel_sizes": ()}, "different odd numbers"),
        ({"weighted": False}, "several branches need weights"),
    ],
)
def test_impossible_options_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        AWSRN(scale=2, **option)


def test_wdsr_at_scale_3_and_odd_size():
    network = registry.get("wdsr_awru").build(scale=3, num_units=1)
    assert network(torch.rand(2, 3, 5, 7) * 255).shape == (2, 3, 15, 21)


def test_mean_colour_in_gives_mean_colour_out_when_all_weights_are_zero():
    # Eq. (3) with zero convolutions leaves the mean: 255 * (0.4488, 0.4371, 0.4040).
    network = AWSRN(scale=2, num_blocks=1, num_units=1)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            silence(part)
    with torch.no_grad():
        colour = network(torch.rand(1, 3, 4, 4) * 255)[0, :, 0, 0]
    assert colour.tolist() == pytest.approx([114.444, 111.4605, 103.02], abs=1e-3)


def test_mean_colour_is_in_no_checkpoint():
    names = AWSRN(scale=2, num_blocks=1, num_units=1).state_dict().keys()
    assert not [name for name in names if "mean" in name]


def test_lfb_without_residual_weight_returns_its_input():
    # Eq. (4) with lambda_res = 0 and lambda_x = 1 is the identity on the block.
    network = AWSRN(scale=2, num_blocks=2, num_units=2)
    for fusion in network.fusions:
        nn.init.zeros_(fusion.get_parameter("lambda_res"))
    features = torch.randn(1, 32, 6, 6)
    assert torch.equal(network.map(features), features)


def test_learned_scalars_are_read_in_depth_order():
    network = registry.get("awsrn_s").build(scale=2)
    for number, unit in enumerate(network.get_submodule("units").children()):
        nn.init.constant_(unit.get_parameter("lambda_res"), number)
    nn.init.constant_(network.tail.alpha["k7"], -0.5)
    learned = learned_scalars(network)
    assert learned["lambda_res"] == [0, 1, 2, 3]
    assert learned["lambda_x"] == [1, 1, 1, 1]
    assert learned["lfb_lambda_res"] == [1]
    assert learned["alpha"] == {"3": 0.25, "5": 0.25, "7": -0.5, "9": 0.25}
    assert learned_scalars(registry.get("wdsr_basic").build(scale=2, num_units=1)) == {}


def test_bf16_keeps_the_levels_of_a_flat_image():
    # Under autocast the global path stays float32: neighbouring grey levels stay apart.
    torch.manual_seed(0)
    network = registry.get("awsrn_s").build(scale=2)
    for branch in network.tail.branches.values():
        silence(branch)
    levels = torch.linspace(200, 204, 64).view(1, 1, 1, 64).expand(1, 3, 8, 64)
    with torch.no_grad():
        exact = network(levels)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = network(levels)
    assert mixed.dtype == torch.float32
    assert (exact - mixed).abs().max() < 0.01


def test_initialise_depends_on_seed_and_name_only():
    small, large = (AWSRN(scale=2, num_blocks=blocks, num_units=2) for blocks in (1, 2))
    other = AWSRN(scale=2, num_blocks=1, num_units=2)
    initialise(small, seed=3)
    initialise(large, seed=3)
    initialise(other, seed=4)
    shared = small.state_dict().keys() & large.state_dict().keys()
    assert "units.1.body.2.parametrizations.weight.original1" in shared
    for name in shared:
        assert torch.equal(small.state_dict()[name], large.state_dict()[name]), name
    conv = "head.parametrizations.weight.original1"
    assert not torch.equal(small.state_dict()[conv], other.state_dict()[conv])


def test_initialise_draws_pytorch_s_own_distribution():
    # Conv2d: uniform in +-1/sqrt(fan_in), before weight normalisation splits it.
    network = AWSRN(scale=2)
    initialise(network, seed=0)
    bound = (32 * 9) ** -0.5
    weight = torch.cat([unit.body[0].weight.flatten() for unit in network.units])
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
    assert network.units[0].body[0].bias.abs().max() <= bound


def test_initialise_leaves_the_global_generator_alone():
    network = AWSRN(scale=2, num_blocks=1, num_units=1)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    initialise(network, seed=9)
    assert torch.equal(torch.rand(1), expected)

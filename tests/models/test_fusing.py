"""The merged form of networks: equal outputs, and the counts of a script of others.

Oracles: the plain forward passes, in float64; PyTorch's own batch norm; for the counts, numbers
that were made apart from this project by hand arithmetic of the layers' shapes.
"""

import copy
import json

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils import weight_norm as old_weight_norm

from harness.efficiency.counting.multi_adds import count
from harness.models import registry
from harness.models.adapted import Expects, adapt
from harness.models.awms import drop_branches
from harness.models.awsrn import AWSRN, drop_units
from harness.models.carn import CARN
from harness.models.edsr import EDSR
from harness.models.fusing import CannotMerge, fold_norms, fused
from harness.models.initialise import initialise
from harness.models.layers import Residual, same_conv
from harness.models.merged import MergedAWSRN
from harness.models.srresnet import SRResNet
from harness.models.units import AWRU
from harness.weights.load import load
from tests.models.test_contract import FIRST, shallow

# Trainable scalars with lambda_x merged and kept, and Multi-Adds for 1280x720 in G.
COUNTS = [
    ("awsrn_s", 2, 364_784, 364_789, "83.881"),
    ("awsrn_s", 3, 404_084, 404_089, "41.303"),
    ("awsrn_s", 4, 459_104, 459_109, "26.401"),
    ("awsrn_s", 8, 836_384, 836_389, "12.031"),
    ("awsrn_sd", 2, 330_848, 330_857, "75.952"),
    ("awsrn_sd", 3, 350_708, 350_717, "35.788"),
    ("awsrn_sd", 4, 378_512, 378_521, "21.731"),
    ("awsrn_sd", 8, 569_168, 569_177, "8.176"),
    ("awsrn_m", 2, 1_029_680, 1_029_695, "236.764"),
    ("awsrn_m", 3, 1_068_980, 1_068_995, "109.251"),
    ("awsrn_m", 4, 1_124_000, 1_124_015, "64.622"),
    ("awsrn_m", 8, 1_501_280, 1_501_295, "21.586"),
    ("awsrn", 2, 1_362_128, 1_362_148, "313.205"),
    ("awsrn", 3, 1_401_428, 1_401_448, "143.225"),
    ("awsrn", 4, 1_456_448, 1_456_468, "83.732"),
    ("awsrn", 8, 1_833_728, 1_833_748, "26.364"),
]
DTYPES = pytest.mark.parametrize(
    ("dtype", "within"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=str
)
old_style = pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")


@pytest.fixture(autouse=True)
def _whole_precision(monkeypatch):
    """Networks hand float32 on; in float64 they are to be compared without that rounding."""
    own = Tensor.float
    monkeypatch.setattr(
        Tensor, "float", lambda x, **more: x if x.dtype == torch.float64 else own(x, **more)
    )


def moved(network, seed=0, least=0.4, most=1.6):
    """A network whose weights are well away from where they start, scalars of either sign."""
    draw = torch.Generator().manual_seed(seed)
    initialise(network, seed=seed)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.numel() == 1:
                sign = 1 - 2 * torch.randint(2, (), generator=draw)
                weight.fill_(sign * (least + (most - least) * torch.rand((), generator=draw)))
            else:
                weight.mul_(0.5 + torch.rand(weight.shape, generator=draw))
                weight.add_(0.02 * torch.randn(weight.shape, generator=draw))
    return network


def image(height, width, dtype=torch.float32, batch=1):
    draw = torch.Generator().manual_seed(height)
    return (255 * torch.rand(batch, 3, height, width, generator=draw)).to(dtype)


@torch.no_grad()
def assert_equal(network, merged, dtype, within, sizes=((11, 7), (16, 20), (1, 5))):
    for height, width in sizes:
        lr = image(height, width, dtype, batch=2)
        expected = network.eval()(lr)
        assert expected.dtype == dtype
        torch.testing.assert_close(
            merged(lr), expected, rtol=0, atol=within * float(expected.abs().max())
        )


@pytest.mark.parametrize(("name", "scale", "merged", "with_scalars", "multi_adds"), COUNTS)
def test_the_merged_awsrns_have_the_counts_that_others_computed(
    name, scale, merged, with_scalars, multi_adds
):
    network = registry.get(name).build(scale=scale)
    cost = count(fused(network), scale=scale)
    assert cost.params == cost.params_deployed == merged
    assert cost.sure_multi_adds == pytest.approx(1e9 * float(multi_adds), abs=6e5)
    assert cost.convs == count(network, scale=scale).convs - 3
    kept = count(fused(network, rescale=False), scale=scale)
    assert (kept.params, kept.multi_adds) == (with_scalars, cost.multi_adds)


def test_flops_shows_what_fusing_saves(invoke, tmp_path):
    """Beside the paper's form; a network with a hook has no fused form, and the row says why."""
    (tmp_path / "hooked.py").write_text(
        "import torch\n\n\nclass Net(torch.nn.Module):\n"
        "    def __init__(self, *, scale):\n"
        "        super().__init__()\n"
        "        self.conv = torch.nn.Conv2d(3, 3 * scale**2, 3, padding=1)\n"
        "        self.conv.register_forward_hook(lambda conv, given, out: out)\n"
        "        self.shuffle = torch.nn.PixelShuffle(scale)\n\n"
        "    def forward(self, lr):\n"
        "        return self.shuffle(self.conv(lr))\n"
    )
    asked = ("awsrn_s", "espcn", f"{tmp_path}/hooked.py:Net", "--scale", 4, "--fused")
    result = invoke("flops", *asked, "--format", "json")
    assert result.exit_code == 0, result.output
    ours, plain, hooked = json.loads(result.stdout)
    assert (ours["params"], ours["fused_params"]) == (587_742, 459_104)
    assert ours["multi_adds"] / 1e9 == pytest.approx(33.74, abs=0.005)
    assert ours["fused_multi_adds"] / 1e9 == pytest.approx(26.401, abs=6e-4)
    assert (plain["fused_params"], plain["fused_multi_adds"]) == (
        plain["params"],
        plain["multi_adds"],
    )
    assert hooked["fused_params"] is None
    assert "no fused form" in hooked["note"]
    assert "(G, fused)" in invoke("flops", *asked[:1], *asked[3:]).stdout


@DTYPES
@pytest.mark.parametrize("rescale", [True, False])
@pytest.mark.parametrize(
    ("name", "scale", "options"),
    [
        ("awsrn", 2, {"num_blocks": 2, "num_units": 3}),
        ("awsrn_sd", 3, {}),
        ("awsrn_s", 8, {}),
        ("awsrn_nl", 2, {"num_blocks": 1}),
        ("awsrn_na", 4, {"num_blocks": 1}),
        ("wdsr_awru", 2, {"num_units": 3}),
        ("wdsr_awms", 4, {"num_units": 3}),
        ("wdsr_wru", 2, {"num_units": 2}),
        ("wdsr_basic", 2, {"num_units": 2, "unit": "scaled", "lambda_init": (0.1, 0.8)}),
    ],
)
def test_networks_with_moved_weights_keep_their_output(
    name, scale, options, rescale, dtype, within
):
    network = moved(registry.get(name).build(scale=scale, **options)).to(dtype)
    merged = fused(network, rescale=rescale)
    assert_equal(network, merged, dtype, within)
    assert isinstance(merged, MergedAWSRN)


@DTYPES
@pytest.mark.parametrize("scale", [2, 4])
def test_the_shipped_networks_keep_their_output(scale, dtype, within):
    network = load("awsrn_s", scale=scale, checkpoint=None).network.to(dtype)
    assert_equal(network, fused(network), dtype, within, sizes=((37, 23),))


@DTYPES
@pytest.mark.parametrize(
    ("lambda_res", "lambda_x"),
    [(-1.5, -0.3), (1e-6, 1.0), (0.7, 1e-6), (0.0, 1.0), (1.0, 0.0), (-1e-5, -1e-5), (1.0, 3e4)],
)
def test_negative_tiny_and_zero_scalars_keep_the_output(lambda_res, lambda_x, dtype, within):
    network = moved(AWSRN(scale=2, num_blocks=2, num_units=2, channels=8, inner_channels=12))
    for part in (network.units[0], network.units[2], network.fusions[0]):
        nn.init.constant_(part.lambda_res, lambda_res)
        nn.init.constant_(part.lambda_x, lambda_x)
    network = network.to(dtype)
    assert_equal(network, fused(network), dtype, within)


def test_a_lambda_x_that_cannot_go_into_kernels_stays():
    network = moved(AWSRN(scale=2, num_blocks=1, num_units=3, channels=4, inner_channels=4))
    nn.init.zeros_(network.units[1].lambda_x)
    kept = [unit.lambda_x for unit in fused(network).units]
    assert [weight is None for weight in kept] == [True, False, True]
    assert kept[1].item() == 0


@DTYPES
def test_dropped_branches_and_units_keep_the_output(dtype, within):
    network = moved(AWSRN(scale=3, num_blocks=2, num_units=2, channels=8, inner_channels=12))
    drop_branches(network, [9, 3])
    drop_units(network, [1, 2])
    network = network.to(dtype)
    merged = fused(network)
    assert merged.tail.kernel_size == (7, 7)
    assert_equal(network, merged, dtype, within)


@pytest.mark.parametrize(("name", "scale"), FIRST)
def test_every_registered_network_goes_through(name, scale):
    network = shallow(name, scale)
    merged = fused(network)
    lr = image(16, 20)
    with torch.no_grad():
        expected = network.eval()(lr)
        reach = 1e-4 * float(expected.abs().max())
        torch.testing.assert_close(merged(lr), expected, rtol=0, atol=reach)
    before, after = count(network, scale=scale), count(merged, scale=scale)
    assert after.multi_adds <= before.multi_adds
    assert after.params <= before.params


@DTYPES
def test_batch_norm_goes_into_the_convolution_before_it(dtype, within):
    network = moved(SRResNet(scale=2, num_blocks=2, channels=8))
    for norm in (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    network = network.to(dtype)
    merged = fused(network)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in merged.modules())
    assert_equal(network, merged, dtype, within)


@DTYPES
def test_a_constant_residual_scaling_goes_into_the_kernel(dtype, within):
    network = moved(EDSR(scale=2, num_blocks=2, channels=8)).to(dtype)
    merged = fused(network)
    assert not any(isinstance(layer, Residual) for layer in merged.modules())
    assert_equal(network, merged, dtype, within)


def test_a_network_without_anything_to_merge_is_copied():
    network = CARN(scale=2, num_blocks=1, num_units=1, channels=8)
    merged = fused(network)
    assert type(merged) is CARN
    lr = image(9, 8)
    with torch.no_grad():
        assert torch.equal(merged(lr), network.eval()(lr))
    assert not any(own is other for own in network.modules() for other in merged.modules())


def test_the_network_itself_stays_as_it_is():
    network = moved(AWSRN(scale=2, num_blocks=1, num_units=2, channels=8, inner_channels=8))
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    fused(network)
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert all(module.training for module in network.modules())
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
    network(image(8, 8)).sum().backward()
    assert network.head.parametrizations.weight.original0.grad is not None


def test_under_bf16_the_global_path_stays_in_float32():
    network = load("awsrn_s", scale=2, checkpoint=None).network
    merged, lr = fused(network), image(24, 20)
    with torch.no_grad():
        expected = network(lr)
        with torch.autocast("cpu", torch.bfloat16):
            sr = merged(lr)
    assert sr.dtype == torch.float32
    assert float((sr - expected).abs().mean()) < 0.5


@pytest.mark.parametrize("legacy", [False, True])
@old_style
def test_folding_weight_norm_changes_no_output(legacy):
    norm = old_weight_norm if legacy else parametrizations.weight_norm
    network = nn.Sequential(norm(nn.Conv2d(3, 4, 3)), nn.ReLU(), norm(nn.Conv2d(4, 3, 3)))
    lr = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        before = network(lr)
        assert fold_norms(network) == 2
        assert torch.allclose(network(lr), before, atol=1e-6)
    assert len(list(network.parameters())) == 4
    assert fold_norms(network) == 0


# Networks of a user's own.


class TwoPaths(nn.Module):
    """A part that is trained as two convolutions and deployed as their sum."""

    def __init__(self, channels):
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, 3, padding=1)
        self.narrow = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return self.wide(x) + self.narrow(x)

    def deploy(self):
        merged = copy.deepcopy(self.wide)
        merged.weight += nn.functional.pad(self.narrow.weight, (1, 1, 1, 1))
        merged.bias += self.narrow.bias
        return merged


class OfAUser(nn.Module):
    def __init__(self, middle, scale=2):
        super().__init__()
        self.head = same_conv(3, 6, 3)
        self.unit = AWRU(channels=6, inner_channels=9, lambda_init=(-0.7, 1.3))
        self.middle = middle
        self.tail = old_weight_norm(nn.Conv2d(6, 3 * scale**2, 3, padding=1))
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr):
        return self.shuffle(self.tail(self.middle(self.unit(self.head(lr / 255)))))


@old_style
@DTYPES
def test_parts_declare_their_merged_form(dtype, within):
    part = TwoPaths(6)
    network = moved(OfAUser(nn.Sequential(part, nn.ReLU(), part))).to(dtype)
    merged = fused(network)
    first, second = merged.middle[0], merged.middle[2]
    assert type(first) is nn.Conv2d
    assert first is second, "a part in two places stays one"
    assert_equal(network, merged, dtype, within)


@old_style
def test_a_whole_network_declares_its_merged_form_whatever_images_it_expects():
    class Whole(OfAUser):
        def deploy(self):
            self.middle = nn.Identity()
            self.shown = True
            return self

    network = moved(adapt(Whole(nn.Dropout()), Expects(range=1, pad_to=8), scale=2))
    merged = fused(network)
    assert merged.shown
    assert not hasattr(network, "shown")
    assert_equal(network, merged, torch.float32, 1e-4)


@old_style
@pytest.mark.parametrize(
    ("returns", "said"),
    [
        (lambda self: nn.Identity(), "OfAUser gives another output once merged: .* apart"),
        (lambda self: self.wide.weight, "Part.deploy.. returned Parameter, expected the merged"),
        (lambda self: self.nothing, "Part.deploy.. failed: .*nothing"),
    ],
)
def test_a_merged_form_that_is_none_is_refused(returns, said):
    part = type("Part", (TwoPaths,), {"deploy": returns})(6)
    with pytest.raises(CannotMerge, match=said):
        fused(moved(OfAUser(part)))


@old_style
def test_a_hook_is_refused_by_the_name_of_its_part():
    network = OfAUser(nn.ReLU())
    network.unit.register_forward_hook(lambda *_: None)
    with pytest.raises(CannotMerge, match=r"'unit' \(AWRU\) has a hook"):
        fused(network)


@old_style
def test_a_part_that_never_leaves_training_is_refused():
    class Always(nn.Dropout):
        def train(self, mode=True):
            return super().train(True)

    with pytest.raises(CannotMerge, match=r"'middle' \(Always\) stays in training mode"):
        fused(OfAUser(Always()))


@old_style
def test_a_network_that_runs_on_no_small_image_is_refused():
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("no such size")

    with pytest.raises(CannotMerge, match="fails on an image of 64x64 px: no such size"):
        fused(OfAUser(Broken()))


@old_style
@DTYPES
def test_units_with_a_forward_of_their_own_stay_as_they_are(dtype, within):
    class Twice(AWRU):
        def forward(self, x):
            return super().forward(super().forward(x))

    network = AWSRN(scale=2, num_blocks=1, num_units=2, channels=6, unit=Twice)
    network = moved(network).to(dtype)
    merged = fused(network)
    assert type(merged.units[0]) is Twice
    assert merged.fusions[0].lambda_x is not None, "features keep their units"
    assert_equal(network, merged, dtype, within)


@DTYPES
def test_other_parametrised_weights_are_folded(dtype, within):
    network = AWSRN(scale=2, num_blocks=1, num_units=1, channels=6, inner_channels=6)
    network.register_module("head", parametrizations.orthogonal(nn.Conv2d(3, 6, 3, padding=1)))
    network = moved(network).to(dtype)
    assert_equal(network, fused(network), dtype, within)


def test_one_unit_in_several_places_stays_one():
    network = moved(AWSRN(scale=2, num_blocks=1, num_units=3, channels=6, inner_channels=6))
    network.units = nn.ModuleList([network.units[0]] * 3)
    merged = fused(network)
    assert len({id(unit) for unit in merged.units}) == 1
    assert_equal(network, merged, torch.float32, 1e-4)

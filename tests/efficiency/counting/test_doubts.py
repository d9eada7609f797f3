"""A count that may have missed something says so."""

import pytest
import torch
from torch import library, nn
from torch.utils.flop_counter import flop_registry

from harness.efficiency.counting.doubts import FREE_OPERATORS, listed, unreviewed
from harness.efficiency.counting.multi_adds import count


@library.custom_op("harness_tests::fused", mutates_args=())
def fused(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """A convolution inside an operator that no counter can look into."""
    return nn.functional.conv2d(x, kernel, padding=1)


@fused.register_fake
def _(x, kernel):
    return torch.empty_like(x)


class Net(nn.Module):
    """Two convolutions around an inner one, and a pixel shuffle."""

    unused_modules: tuple[str, ...]

    def __init__(self, run_inner):
        super().__init__()
        self.head = nn.Conv2d(3, 16, 5, padding=2)
        self.inner = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.tail = nn.Conv2d(16, 12, 3, padding=1)
        self.run_inner = run_inner

    def forward(self, lr):
        x = self.run_inner(self.inner, self.head(lr))
        return nn.functional.pixel_shuffle(self.tail(x), 2)


def called(conv, x):
    return conv(x)


def left_out(conv, x):
    return x


def opaque(conv, x):
    return fused(x, conv.weight)


def functional(conv, x):
    return nn.functional.conv2d(x, conv.weight, padding=1)


def matrix_times_vector(conv, x):
    return x + torch.mv(conv.weight.flatten(1), conv.weight[0].flatten()).sum() + conv(x)


def test_a_plain_network_raises_no_doubt():
    assert count(Net(called), scale=2).doubts == ()


def test_an_invisible_fused_operator_is_named_and_so_is_the_module_it_hides():
    cost = count(Net(opaque), scale=2)
    assert cost.multi_adds < count(Net(called), scale=2).multi_adds
    assert cost.sure_multi_adds is None
    (operators,) = cost.doubts
    assert "harness_tests.fused" in operators


def test_a_module_that_is_bypassed_is_named_and_so_is_how_to_declare_it():
    (doubt,) = count(Net(left_out), scale=2).doubts
    assert doubt.startswith("parameters never read: inner (")
    assert "'unused_modules'" in doubt


def by_matrix(conv, x):
    columns = nn.functional.unfold(x, 3, padding=1)
    return (conv.weight.flatten(1) @ columns).unflatten(2, x.shape[2:])


def by_einsum(conv, x):
    columns = nn.functional.unfold(x, 3, padding=1)
    return torch.einsum("oc,ncp->nop", conv.weight.flatten(1), columns).unflatten(2, x.shape[2:])


class PythonFunction(torch.autograd.Function):
    """A product that PyTorch can look into."""

    @staticmethod
    def forward(ctx, x, kernel):
        return nn.functional.conv2d(x, kernel, padding=1)


def by_a_function(conv, x):
    return PythonFunction.apply(x, conv.weight)


@pytest.mark.parametrize("written", [functional, by_matrix, by_einsum, by_a_function])
def test_one_network_has_one_count_however_it_is_written(written):
    cost = count(Net(written), scale=2, output_px=(128, 96))
    assert cost.doubts == ()
    assert cost.multi_adds == count(Net(called), scale=2, output_px=(128, 96)).multi_adds


class ByNumPy(torch.autograd.Function):
    """The same product outside of PyTorch."""

    @staticmethod
    def forward(ctx, x, kernel):
        columns = nn.functional.unfold(x, 3, padding=1)[0].numpy()
        product = kernel.flatten(1).numpy() @ columns
        return torch.from_numpy(product).unflatten(1, x.shape[2:])[None]


def by_numpy(conv, x):
    return ByNumPy.apply(x, conv.weight)


def by_fourier(conv, x):
    spectrum = torch.fft.rfft2(x) * torch.fft.rfft2(conv.weight[0], s=x.shape[2:])
    return torch.fft.irfft2(spectrum, s=x.shape[2:])


@pytest.mark.parametrize(("written", "named"), [(by_numpy, "numpy"), (by_fourier, "aten._fft")])
def test_what_no_counter_sees_makes_the_count_unknown(written, named):
    cost = count(Net(written), scale=2, output_px=(128, 96))
    assert cost.sure_multi_adds is None
    assert named in cost.doubts[0]


def discarded(conv, x):
    conv(x)
    return x


def test_work_that_sr_does_not_depend_on_is_told():
    (doubt,) = count(Net(discarded), scale=2).doubts
    assert "inner" in doubt


def test_a_weight_that_two_modules_share_is_read_where_one_of_them_runs():
    network = Net(called)
    network.twin = nn.Conv2d(16, 16, 3, padding=1, bias=False)
    network.twin.weight = network.inner.weight
    assert count(network, scale=2).doubts == ()


class Pieces(nn.Module):
    """Attention over pieces of 64 pixels, between two convolutions."""

    def __init__(self, attention):
        super().__init__()
        self.head = nn.Conv2d(3, 16, 3, padding=1)
        self.attention = attention
        self.tail = nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, lr):
        x = self.head(lr)
        tokens = x.flatten(2).transpose(1, 2).reshape(-1, 64, 16)
        if isinstance(self.attention, nn.MultiheadAttention):
            tokens = self.attention(tokens, tokens, tokens, need_weights=False)[0]
        else:
            tokens = self.attention(tokens)
        x = x + tokens.reshape(1, -1, 16).transpose(1, 2).unflatten(2, x.shape[2:])
        return nn.functional.pixel_shuffle(self.tail(x), 2)


CONVOLUTIONS = 9 * 16 * (3 + 12)
PROJECTIONS, PRODUCTS, MLP = 4 * 16 * 16, 2 * 64 * 16, 2 * 16 * 32


@pytest.mark.parametrize(
    ("attention", "per_px"),
    [
        (nn.MultiheadAttention(16, 2, batch_first=True), PROJECTIONS + PRODUCTS),
        (
            nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, dropout=0.0),
            PROJECTIONS + PRODUCTS + MLP,
        ),
    ],
)
def test_attention_modules_are_counted_by_what_they_read(attention, per_px):
    cost = count(Pieces(attention), scale=2, output_px=(256, 256))
    assert cost.doubts == ()
    assert cost.multi_adds == (CONVOLUTIONS + per_px) * 128 * 128


def test_filling_a_tensor_is_free():
    def masked(conv, x):
        mask = x.new_zeros(x.shape)
        mask[:, :, :4] = 1
        return conv(x * mask)

    assert count(Net(masked), scale=2).doubts == ()


def test_a_product_that_flop_counter_mode_does_not_know_is_named():
    (doubt,) = count(Net(matrix_times_vector), scale=2).doubts
    assert "aten.mv" in doubt


@pytest.mark.parametrize("prefix", ["inner", "branches"])
def test_declared_branches_may_stay_unused(prefix):
    network = Net(left_out)
    network.branches = nn.ModuleList([nn.Conv2d(3, 3, 1), nn.Sequential(nn.Conv2d(3, 3, 1))])
    network.unused_modules = (prefix,)
    (doubt,) = count(network, scale=2).doubts
    assert f"read: {'branches' if prefix == 'inner' else 'inner'} (" in doubt


def test_a_prefix_covers_whole_names_only():
    network = Net(left_out)
    network.unused_modules = ("head",)
    network.headless = nn.Conv2d(3, 3, 1)
    (doubt,) = count(network, scale=2).doubts
    assert "read: inner, headless (" in doubt


class Thumbnail(nn.Module):
    """Does all its work on an eighth of the image's side."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, lr):
        small = self.conv(nn.functional.avg_pool2d(lr, 8))
        large = nn.functional.interpolate(small, scale_factor=8)
        return nn.functional.pixel_shuffle(large, 2)


def test_too_little_work_for_the_weights_is_told():
    (doubt,) = count(Thumbnail(), scale=2).doubts
    assert doubt == "0.02 Multi-Adds per deployed weight and LR pixel, expected at least 0.5"


def test_free_operators_are_none_of_the_counted_ones():
    products = {str(operator) for operator in flop_registry}
    others = {f"aten.{name}" for name in ("mv", "dot", "addmv", "einsum", "linear", "matmul")}
    assert not FREE_OPERATORS & (products | others)


def test_every_free_operator_exists():
    missing = [name for name in FREE_OPERATORS if not hasattr(torch.ops.aten, name[5:])]
    assert missing == []


def test_in_place_operators_go_by_their_base():
    assert unreviewed(["aten.relu_", "aten.add_", "aten.mv", "lib.gemm_"]) == (
        "aten.mv",
        "lib.gemm_",
    )


def test_long_lists_are_cut():
    assert listed("abc", most=2) == "a, b and 1 more"
    assert listed("abc") == "a, b, c"

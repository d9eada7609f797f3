"""Counts of small networks against hand arithmetic; what a count must never do."""

from fractions import Fraction

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.flop_counter import FlopCounterMode

from harness.efficiency.counting.multi_adds import count
from harness.errors import HarnessError
from harness.models import registry

LR_PX = 640 * 360  # x2 at 1280x720


class Toy(nn.Module):
    """A 3x3 convolution to 12 channels and a pixel shuffle, with something before them."""

    def __init__(self, scale=2, before=None):
        super().__init__()
        self.scale = scale
        self.before = before or nn.Identity()
        self.tail = nn.Conv2d(3, 3 * scale**2, 3, padding=1)

    def forward(self, lr):
        return nn.functional.pixel_shuffle(self.tail(self.before(lr)), self.scale)


TAIL = 3 * 12 * 9


@pytest.mark.parametrize(
    ("before", "per_pixel"),
    [
        (nn.Conv2d(3, 3, 5, padding=2), 3 * 3 * 25),
        (nn.Conv2d(3, 3, 3, padding=1, groups=3), 3 * 9),
        (weight_norm(nn.Conv2d(3, 3, 5, padding=2)), 3 * 3 * 25),
        (nn.Conv2d(3, 3, 1, bias=False), 9),
        (nn.Sequential(nn.PReLU(), nn.BatchNorm2d(3), nn.Sigmoid()), 0),
        (nn.Sequential(nn.Upsample(scale_factor=2, mode="bicubic"), nn.AvgPool2d(2)), 0),
    ],
)
def test_multi_adds_are_kernel_elements_times_pixels(before, per_pixel):
    assert count(Toy(before=before), scale=2).multi_adds == (TAIL + per_pixel) * LR_PX


@pytest.mark.parametrize("model", ["awsrn_sd", "fsrcnn", "ddbpn", "wdsr_wru"])
def test_multi_adds_are_half_of_what_an_untouched_flop_counter_mode_counts(model):
    network = registry.get(model).build(scale=2).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 8, 8))
    assert 2 * count(network, scale=2, input_px=(8, 8)).multi_adds == counter.get_total_flops()


def test_a_layer_counts_as_often_as_it_runs():
    conv = nn.Conv2d(3, 3, 3, padding=1)
    cost = count(Toy(before=nn.Sequential(conv, conv, conv, conv)), scale=2)
    assert cost.multi_adds == (TAIL + 4 * 81) * LR_PX
    assert cost.convs == 5
    assert cost.activations == (12 + 4 * 3) * LR_PX
    assert cost.params == TAIL + 12 + 81 + 3


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(12, 3, 3, 3))

    def forward(self, lr):
        return nn.functional.pixel_shuffle(nn.functional.conv2d(lr, self.kernel, padding=1), 2)


def test_functional_convolutions_are_seen():
    assert count(Functional(), scale=2).multi_adds == TAIL * LR_PX


class Attention(nn.Module):
    """Linear layers and matrix products over the pixels of 8x8 images."""

    def __init__(self, fused):
        super().__init__()
        self.fused = fused
        self.qkv = nn.Linear(3, 36)
        self.out = nn.Linear(12, 12)

    def forward(self, lr):
        batch, _, height, width = lr.shape
        q, k, v = self.qkv(lr.flatten(2).transpose(1, 2)).chunk(3, -1)
        if self.fused:
            mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            mixed = (q @ k.transpose(1, 2)).softmax(-1) @ v
        image = self.out(mixed).transpose(1, 2).view(batch, 12, height, width)
        return nn.functional.pixel_shuffle(image, 2)


@pytest.mark.parametrize("fused", [False, True])
def test_linear_layers_and_attention_are_counted(fused):
    px = 64
    by_hand = px * 3 * 36 + 2 * px * px * 12 + px * 12 * 12
    cost = count(Attention(fused), scale=2, input_px=(8, 8))
    assert cost.multi_adds == by_hand
    assert not cost.doubts


class Deconvolution(nn.Module):
    def __init__(self, scale, **options):
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 3, 9, stride=scale, **options)

    def forward(self, lr):
        return self.up(lr)[
            ..., : self.up.stride[0] * lr.shape[2], : self.up.stride[0] * lr.shape[3]
        ]


@pytest.mark.parametrize("options", [{"padding": 4, "output_padding": 1}, {}])
def test_conventions_differ_by_the_grid_of_transposed_convolutions(options):
    cost = count(Deconvolution(2, **options), scale=2)
    assert cost.multi_adds == cost.by("executed") == 9 * 81 * LR_PX
    assert cost.multi_adds_paper == cost.by("paper") == 9 * 81 * 4 * LR_PX


def test_x3_uses_the_exact_area():
    cost = count(Toy(scale=3), scale=3)
    assert cost.lr_px == 102_400
    assert cost.multi_adds == 3 * 27 * 9 * 102_400
    assert cost.activations == 27 * 102_400
    assert not cost.note


class Squeeze(nn.Module):
    """A gate whose cost does not grow with the image."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()


def test_what_does_not_grow_with_the_image_is_not_scaled():
    cost = count(Toy(scale=3, before=Squeeze()), scale=3)
    assert cost.multi_adds == 3 * 27 * 9 * 102_400 + 9


def test_an_area_that_is_no_whole_number_is_kept():
    cost = count(Toy(scale=3), scale=3, output_px=(100, 100))
    assert cost.lr_px == Fraction(10_000, 9)
    assert cost.multi_adds == 3 * 27 * 10_000  # 9 kernel elements on a ninth of the area


class Windows(nn.Module):
    """Pads to whole windows of 8 pixels, as transformers do."""

    def forward(self, x):
        height, width = x.shape[2:]
        padded = nn.functional.pad(x, (0, -width % 8, 0, -height % 8), mode="reflect")
        return nn.functional.conv2d(padded, x.new_zeros(3, 3, 1, 1))[..., :height, :width]


@pytest.mark.parametrize(
    ("before", "work"),
    [
        (Windows(), 9 * 432 * 240),
        (nn.Sequential(nn.Conv2d(3, 3, 3), nn.ZeroPad2d(1)), 81 * 425 * 238),
    ],
)
def test_a_network_that_is_not_affine_is_counted_at_a_real_size_and_says_so(before, work):
    cost = count(Toy(scale=3, before=before), scale=3)
    assert "427x240" in cost.note
    assert cost.multi_adds == 3 * 27 * 9 * 427 * 240 + work
    assert cost.lr_px == 427 * 240


def test_the_input_size_of_the_ntire_challenge():
    network = registry.get("awsrn").build(scale=4)
    cost = count(network, scale=4, input_px=(256, 256))
    assert cost.multi_adds == pytest.approx(103.63e9, rel=1e-4)
    assert cost.convs == 42


def test_bicubic_costs_nothing():
    cost = count(registry.get("bicubic").build(scale=3), scale=3)
    assert (cost.params, cost.multi_adds, cost.convs) == (0, 0, 0)
    assert not cost.doubts


def test_the_network_is_left_as_it_was():
    network = Toy(before=nn.Sequential(weight_norm(nn.Conv2d(3, 3, 3, padding=1)), nn.Dropout()))
    network.tail.eval()
    modes = [module.training for module in network.modules()]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count(network, scale=2)
    assert [module.training for module in network.modules()] == modes
    assert all(not module._forward_hooks for module in network.modules())
    assert not torch.nn.modules.module._global_forward_hooks
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())


def test_weights_are_not_copied():
    network = Toy(before=nn.Conv2d(3, 3, 1))
    with torch.device("meta"):
        huge = nn.Sequential(nn.Conv2d(3, 2**17, 3), nn.Conv2d(2**17, 2**17, 3))
    network.tail.register_module("huge", huge)
    assert count(network, scale=2).params > 10**11


@pytest.mark.parametrize("context", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_caller_s_gradient_mode_does_not_matter(context):
    with context():
        assert count(registry.get("awsrn_s").build(scale=4), scale=4).multi_adds == 33_744_384_000


class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = torch.ones(1, 3, 1, 1)  # neither parameter nor buffer

    def forward(self, x):
        return x - self.mean


def test_plain_tensors_as_attributes_are_moved_too():
    assert count(Toy(before=Constant()), scale=2).multi_adds == TAIL * LR_PX


class Item(nn.Module):
    def forward(self, x):
        return x if x.mean().item() > 0 else -x


class Compare(nn.Module):
    def forward(self, x):
        return x if x.mean() > 0 else -x


class Mask(nn.Module):
    def forward(self, x):
        return x + x[x > 0].sum()


@pytest.mark.parametrize("before", [Item(), Compare(), Mask()])
def test_a_forward_that_reads_values_is_counted_with_values(before):
    cost = count(Toy(before=before), scale=2)
    plain = count(Toy(), scale=2)
    assert cost.doubts == ()
    assert (cost.multi_adds, cost.activations, cost.convs) == (
        plain.multi_adds,
        plain.activations,
        plain.convs,
    )
    assert "32x40 and 64x40 px" in cost.note


def test_without_weights_it_cannot_be_counted():
    with torch.device("meta"):
        network = Toy(before=Item())
    with pytest.raises(
        HarnessError, match=r"Toy cannot be counted without values: .*item"
    ) as error:
        count(network, scale=2)
    assert "\n" not in str(error.value)


class Undecided(nn.Module):
    """Does more where the picture has contrast."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return self.conv(x) + self.conv(x) if x.std().item() > 0.1 else self.conv(x)


class NotAffine(nn.Module):
    """Reads a value, and its work grows with the square of the area."""

    def forward(self, x):
        pixels = x.flatten(2) - x.mean().item()
        weights = (pixels.transpose(1, 2) @ pixels).softmax(-1)
        return (pixels @ weights).unflatten(2, x.shape[2:])


class NeedsLarge(nn.Module):
    """Reads a value, and refuses small images."""

    def forward(self, x):
        if x.mean().item() < 2 and x.shape[2] < 100:
            raise ValueError("too small")
        return x


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (Undecided(), "depends on the picture"),
        (NotAffine(), "does not grow with their area"),
        (NeedsLarge(), "too small"),
    ],
)
def test_what_cannot_be_scaled_exactly_is_in_doubt(before, reason):
    cost = count(Toy(before=before), scale=2, output_px=(256, 128))
    assert cost.sure_multi_adds is None
    assert cost.params
    assert any(reason in doubt for doubt in cost.doubts)


def test_counting_with_values_leaves_random_numbers_and_weights_alone():
    network = Toy(before=Item())
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    count(network, scale=2)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())


def test_a_forward_that_fails_is_told_in_one_line():
    with pytest.raises(HarnessError, match=r"Toy .* 640x360 px: RuntimeError: ") as error:
        count(Toy(before=nn.Conv2d(4, 3, 3)), scale=2)
    assert "\n" not in str(error.value)


def test_a_wrong_scale_is_told():
    with pytest.raises(HarnessError, match=r"Toy returned \(1, 3, 540, 960\), expected .* at x2"):
        count(Toy(scale=3), scale=2, output_px=(640, 360))


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def test_something_that_is_no_image_is_told():
    with pytest.raises(HarnessError, match="returned a tuple"):
        count(Pair(), scale=2)


class Uncopyable(Toy):
    def __deepcopy__(self, memo):
        raise TypeError("no copies")


def test_a_network_that_cannot_be_copied_is_told():
    with pytest.raises(HarnessError, match="Uncopyable cannot be copied: TypeError: no copies"):
        count(Uncopyable(), scale=2)

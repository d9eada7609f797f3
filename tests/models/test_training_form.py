"""In training, weights are in the kernels: the same outputs and gradients as the plain form's.

The plain forms are written here anew, of the parameters alone. In float64 both agree to 1e-9 of
each tensor's largest value, in float32 to 1e-4.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from harness.models import registry
from harness.models.awms import AWMS, drop_branches
from harness.models.awsrn import LRFU
from harness.models.initialise import initialise
from harness.models.units import AWRU

SCALARS = [(1.0, 1.0), (0.25, -1.5), (-0.7, 0.3), (1e-6, 1.0), (0.0, 1.0)]
PRECISIONS = pytest.mark.parametrize(
    ("dtype", "within"), [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=str
)


def conv(layer, x):
    """A weight-normalised convolution with "same" padding, by Salimans & Kingma's Eq. 2."""
    norm_of = layer.parametrizations.weight
    gain, direction = norm_of.original0, norm_of.original1
    norm = direction.square().sum((1, 2, 3), keepdim=True).sqrt()
    kernel = gain / norm * direction
    return F.conv2d(x, kernel, layer.bias, padding=kernel.shape[-1] // 2)


def plain_awru(unit, x):
    residual = conv(unit.body[2], conv(unit.body[0], x).clamp(min=0))
    return unit.lambda_res * residual + unit.lambda_x * x


def plain_lrfu(fusion, x):
    fused = conv(fusion.conv, torch.cat([x, 2 * x], 1))
    return fusion.lambda_res * fused + fusion.lambda_x * x


def plain_awms(tail, x):
    return sum(tail.alpha[name] * conv(branch, x) for name, branch in tail.branches.items())


def awru(first, second, channels=6):
    unit = AWRU(channels=channels, inner_channels=10, lambda_init=(first, second))
    return unit, unit, plain_awru


def lrfu(first, second, channels=6):
    fusion = LRFU(channels=channels, num_units=2, kernel_size=3)
    nn.init.constant_(fusion.lambda_res, first)
    nn.init.constant_(fusion.lambda_x, second)
    return fusion, lambda x: fusion([x, 2 * x], x), plain_lrfu


def awms(first, second, channels=6):
    tail = AWMS(channels=channels, scale=2, kernel_sizes=(3, 9, 5), weighted=True)
    nn.init.constant_(tail.alpha["k3"], first)
    nn.init.constant_(tail.alpha["k9"], second)
    return tail, tail, plain_awms


def alone(first, second):
    tail = AWMS(channels=6, scale=2, kernel_sizes=(5,), weighted=True)
    nn.init.constant_(tail.alpha["k5"], first * second)
    return tail, tail, plain_awms


def cut(first, second):
    """A tail of which a branch was dropped, the largest one."""
    network = nn.Module()
    network.tail, _, plain = awms(first, second)
    drop_branches(network, [9])
    return network.tail, network.tail, plain


def moved(module, dtype):
    """The module in training, every direction, gain and bias off its start."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            if "lambda" not in name and "alpha" not in name:
                tensor.add_(0.2 * torch.randn_like(tensor))
    return module.to(dtype).train()


def gradients(module, output):
    """Gradients of all parameters, of a loss that weighs every pixel of its own."""
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(2))
    module.zero_grad()
    (output * weights.to(output.dtype)).sum().backward()
    return {name: tensor.grad.clone() for name, tensor in module.named_parameters()}


def assert_same(found, expected, within):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        far = (found[name] - tensor).abs().max()
        assert far <= within * tensor.abs().max(), name


@PRECISIONS
@pytest.mark.parametrize("scalars", SCALARS, ids=str)
@pytest.mark.parametrize("part", [awru, lrfu, awms, alone, cut])
def test_outputs_and_gradients_are_those_of_the_plain_form(part, scalars, dtype, within):
    module, run, plain = part(*scalars)
    moved(module, dtype)
    x = torch.randn(2, 6, 11, 9, dtype=dtype)
    output, expected = run(x), plain(module, x)
    assert_same({"": output}, {"": expected}, within)
    assert_same(gradients(module, output), gradients(module, expected), within)


@PRECISIONS
@pytest.mark.parametrize(("model", "scale"), [("awsrn_s", 2), ("awsrn_s", 4), ("wdsr_awms", 2)])
def test_a_network_in_training_learns_what_the_scored_one_would(model, scale, dtype, within):
    """The scored form has the paper's branches and scalars, each by itself."""
    network = registry.get(model).build(scale=scale, channels=8, inner_channels=16)
    initialise(network, seed=0)
    moved(network, dtype)
    lr = 255 * torch.rand(1, 3, 12, 10, dtype=dtype)
    output = network(lr)
    found = gradients(network, output)
    expected = network.eval()(lr)
    assert_same({"": output}, {"": expected}, within)
    assert_same(found, gradients(network, expected), within)


def convolutions(run):
    """Kernel sizes of the convolutions that a call executes."""
    with torch.profiler.profile(record_shapes=True) as profile:
        run()
    found = [event for event in profile.events() if event.name == "aten::convolution"]
    return sorted(event.input_shapes[1][-1] for event in found)


def test_a_tail_is_one_convolution_in_training_and_the_paper_s_when_scored():
    tail, _, _ = awms(0.25, 0.5)
    x = torch.randn(1, 6, 8, 8)
    assert convolutions(lambda: tail.train()(x)) == [9]
    assert convolutions(lambda: tail.eval()(x)) == [3, 5, 9]


class Doubled(nn.Conv2d):
    """A convolution that does more than its kernel says."""

    def forward(self, x):
        return 2 * super().forward(x)


def hooked(layer):
    layer.register_forward_hook(lambda _module, _inputs, output: 3 * output)
    return layer


OTHERS = [
    Doubled(6, 12, 3, padding=1),
    nn.Conv2d(6, 12, 3, padding=1, bias=False),
    nn.Conv2d(6, 12, 3, padding=1, padding_mode="reflect"),
    nn.Conv2d(6, 12, 3, padding=2, dilation=2),
    nn.Conv2d(6, 12, 3, padding=1, groups=2),
    nn.Conv2d(6, 12, 5, padding=2),
    nn.Conv2d(6, 12, 3, padding="same"),
    hooked(nn.Conv2d(6, 12, 3, padding=1)),
    nn.Sequential(nn.Conv2d(6, 12, 3, padding=1), nn.ReLU()),
]


@pytest.mark.parametrize("layer", OTHERS, ids=str)
def test_a_branch_of_another_kind_is_run_as_it_is(layer):
    tail, _, _ = awms(0.25, 0.5)
    tail.branches["k3"] = layer
    x = torch.randn(2, 6, 9, 8)
    torch.testing.assert_close(tail.train()(x), tail.eval()(x))


@pytest.mark.parametrize("layer", OTHERS, ids=str)
def test_a_body_that_ends_in_another_kind_is_run_as_it_is(layer):
    unit = AWRU(channels=12, inner_channels=6, lambda_init=(0.5, -2.0))
    unit.body[2] = layer
    x = torch.randn(2, 12, 9, 9)
    torch.testing.assert_close(unit.train()(x), 0.5 * unit.body(x) - 2 * x)


def test_a_hook_on_a_whole_body_is_kept():
    unit = AWRU(channels=6, inner_channels=8)
    hooked(unit.body)
    x = torch.randn(1, 6, 7, 7)
    torch.testing.assert_close(unit.train()(x), unit.eval()(x))


def weighed(part, value):
    """The output of a part in training under bf16, the scalars in its kernels at one value."""
    torch.manual_seed(0)
    module, run, _ = part(1.0, 1.0, 32)
    for name, scalar in module.named_parameters():
        if scalar.ndim == 0:
            nn.init.constant_(scalar, 0.0 if name == "lambda_x" else value)
    x = torch.randn(4, 32, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = run(x)
    return output.double(), module, x


@pytest.mark.parametrize("part", [awru, lrfu, awms])
def test_a_scalar_is_not_rounded_under_autocast(part):
    """Kernels are weighed in float32; the rounding of their elements cancels out, as always.

    bf16 holds numbers from 1 to 2 in steps of 0.0078: of 16 scalars rounded to it, the errors
    would be 0.002 in the root mean square.
    """
    before = weighed(part, 1.0)[0]
    errors = []
    for value in torch.linspace(1.0005, 1.0105, 16).tolist():
        ratio = (weighed(part, value)[0] * before).sum() / before.square().sum()
        errors.append(ratio.item() - value)
    assert max(map(abs, errors)) < 4e-4
    assert torch.tensor(errors).square().mean().sqrt() < 2e-4


@pytest.mark.parametrize("part", [awru, lrfu, awms])
def test_the_gradient_of_a_scalar_under_autocast_is_that_of_float32(part):
    plain = {awru: plain_awru, lrfu: plain_lrfu, awms: plain_awms}[part]
    output, module, x = weighed(part, 1.0)
    upstream = output.detach()
    output.backward(upstream)
    found = {name: one.grad.clone() for name, one in module.named_parameters() if one.ndim == 0}
    module.zero_grad()
    plain(module, x).double().backward(upstream)
    for name, gradient in found.items():
        exact = module.get_parameter(name).grad
        assert gradient.item() == pytest.approx(exact.item(), rel=1e-3), name

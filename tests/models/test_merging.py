"""Merged forms against what they are merged from, in both precisions, borders included."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models import merging, registry
from harness.models.adapted import Expects, adapt
from harness.models.ecbsr import EdgeOrientedBlock
from harness.models.fusing import CannotMerge, deployed
from harness.models.initialise import initialise
from harness.models.span import LinearConv

NETWORKS: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("ecbsr_m4c8", 2, {}),
    ("ecbsr_m16c64", 4, {"num_blocks": 4}),
    ("span", 2, {}),
    ("span_s", 3, {}),
    ("span_28", 4, {"merged": False}),
    ("spanf", 4, {"merged": False}),
)
BOUNDS = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Of the largest difference, as a share of the output's largest value."""


def moved(network: nn.Module, seed: int) -> nn.Module:
    """Move all weights well away from their start: gains, biases and slopes as well.

    Kernels keep features at about their size. With larger ones SPAN's gates make of rounding in
    float32 what is more than the bound, in the form that is trained alone.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            fan = parameter[0].numel() if parameter.ndim == 4 else 1
            spread = 0.6 / fan**0.5 if fan > 1 else 0.5
            parameter.copy_(spread * torch.randn(parameter.shape, generator=generator))
    return network.eval()


def off(one: Tensor, other: Tensor) -> float:
    assert one.dtype == other.dtype
    return float(((one - other).abs().max() / one.abs().max()).detach())


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize(("name", "scale", "options"), NETWORKS, ids=[n for n, *_ in NETWORKS])
def test_the_deploy_form_is_the_train_form(
    name: str, scale: int, options: dict[str, Any], dtype: torch.dtype
) -> None:
    network = moved(registry.get(name).build(scale=scale, **options), seed=1).to(dtype)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    merged = network.deploy()
    lr = 255 * torch.rand(2, 3, 13, 9, generator=torch.Generator().manual_seed(2)).to(dtype)
    with torch.no_grad():
        if name.startswith("ecbsr"):  # the frame of luma networks rounds to float32
            sr, ours = network.forward_luma(lr[:, :1] / 255), merged.forward_luma(lr[:, :1] / 255)
        else:
            sr, ours = network(lr), merged(lr)
    assert ours.dtype == dtype
    assert off(sr, ours) < BOUNDS[dtype]
    assert not any(module.training for module in merged.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(("name", "scale", "options"), NETWORKS, ids=[n for n, *_ in NETWORKS])
def test_the_deploy_form_is_built_of_plain_layers_and_takes_its_weights(
    name: str, scale: int, options: dict[str, Any]
) -> None:
    with torch.device("meta"):
        merged = registry.get(name).build(scale=scale, **options).deploy()
        built = registry.get(name).build(scale=scale, **options | {"merged": True})
    shapes = {key: value.shape for key, value in merged.state_dict().items()}
    assert shapes == {key: value.shape for key, value in built.state_dict().items()}
    leaves = {
        type(m).__module__ for m in merged.modules() if next(m.parameters(False), None) is not None
    }
    assert all(module.startswith("torch.nn") for module in leaves)
    assert not [p for p in merged.parameters() if not p.requires_grad]


@pytest.mark.parametrize("part", [LinearConv, EdgeOrientedBlock])
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 4)], ids=str)
def test_a_part_is_one_convolution_up_to_the_border(part: Any, size: tuple[int, int]) -> None:
    module = moved(part(3, 5), seed=4).double()
    conv = module.deploy()
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    assert isinstance(conv, nn.Conv2d)
    assert off(module(x), conv(x)) < 1e-13


def test_rows_of_kernels_are_what_torch_computes_one_after_the_other() -> None:
    torch.manual_seed(0)
    mix, wide, narrow = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 6, 5, bias=False), nn.Conv2d(6, 2, 1)
    x = torch.randn(1, 3, 9, 8)
    row = merging.in_a_row(merging.kernel_of(mix), merging.kernel_of(wide))
    row = merging.in_a_row(row, merging.kernel_of(narrow))
    ours = F.conv2d(x.double(), row.weight, row.bias)
    torch.testing.assert_close(ours.float(), narrow(wide(mix(x))))
    with pytest.raises(ValueError, match="one of the two kernels must be 1x1"):
        merging.in_a_row(merging.kernel_of(wide), merging.kernel_of(nn.Conv2d(6, 6, 3)))


def test_only_parts_that_declare_it_are_merged() -> None:
    class Half(nn.Module):
        """Has an attribute of that name that is no method, as RepVGG's blocks do."""

        def __init__(self) -> None:
            super().__init__()
            self.deploy = False
            self.inner = LinearConv(3, 3)

    merged = merging.with_merged_parts(nn.Sequential(Half(), nn.ReLU(), LinearConv(3, 3)))
    assert isinstance(merged[0], Half)
    assert isinstance(merged[0].inner, nn.Conv2d)
    assert isinstance(merged[2], nn.Conv2d)


class Own(nn.Module):
    """A network of the user's that merges itself in place."""

    branches: Any

    def __init__(self, returned: object = None) -> None:
        super().__init__()
        self.branches = nn.ModuleList([nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(3, 12, 1)])
        self.returned = returned

    def forward(self, lr: Tensor) -> Tensor:
        return F.pixel_shuffle(sum(branch(lr) for branch in self.branches), 2)

    def deploy(self) -> Any:
        kernels = [merging.kernel_of(branch) for branch in self.branches]
        conv = merging.same_conv_of(merging.side_by_side(*kernels), self.branches[0].weight)
        self.branches = nn.ModuleList([conv])
        return self if self.returned is None else self.returned


def test_merging_in_place_leaves_the_network_as_it_is() -> None:
    network, lr = Own(), torch.rand(1, 3, 6, 5)
    merged: Any = deployed(network)
    assert (len(network.branches), len(merged.branches)) == (2, 1)
    torch.testing.assert_close(merged(lr), network(lr))
    assert deployed(plain := nn.Conv2d(3, 3, 1)) is plain


def test_the_merged_form_expects_the_images_that_the_network_was_said_to() -> None:
    lr = 255 * torch.rand(1, 3, 6, 5)
    expects = Expects(range=1.0, mean=(0.4, 0.5, 0.6))

    class Fresh(Own):
        def deploy(self) -> nn.Module:
            other = Own()
            other.branches = super().deploy().branches
            return other

    for network in (Own(), Fresh()):
        adapt(network, expects, scale=2)
        torch.testing.assert_close(deployed(network)(lr), network(lr), rtol=1e-4, atol=1e-3)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(CannotMerge, match=r"Own\.deploy\(\) returned bool, expected the merged"):
        deployed(Own(returned=True))


class InPlace(nn.Module):
    """The example of models/README.md: it adds to a kernel in place."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 4, 3, padding=1)
        self.narrow = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(x) + self.narrow(x)

    def deploy(self) -> nn.Module:
        assert not self.training
        merged = copy.deepcopy(self.wide)
        merged.weight += F.pad(self.narrow.weight, (1, 1, 1, 1))
        assert merged.bias is not None
        assert self.narrow.bias is not None
        merged.bias += self.narrow.bias
        return merged


def test_it_is_called_in_evaluation_mode_and_without_gradients() -> None:
    """With them PyTorch refuses to change a parameter in place."""
    network, x = InPlace(), torch.rand(1, 3, 6, 5)
    merged = deployed(network)
    assert isinstance(merged, nn.Conv2d)
    torch.testing.assert_close(merged(x), network(x))
    assert network.training
    assert all(weight.requires_grad for weight in merged.parameters())


def test_a_layer_of_that_name_declares_nothing() -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.deploy = nn.Conv2d(3, 3, 1)

    assert deployed(network := Layer()) is network
    assert isinstance(merging.with_merged_parts(nn.Sequential(network))[0], Layer)


def test_the_start_of_gains_is_drawn_by_the_seed() -> None:
    one, other, third = (registry.get("ecbsr_m4c8").build(scale=2) for _ in range(3))
    for network, seed in ((one, 0), (other, 0), (third, 1)):
        initialise(network, seed=seed)
    gains = [network.blocks[0].edges[1].gain for network in (one, other, third)]
    assert torch.equal(gains[0], gains[1])
    assert not torch.equal(gains[0], gains[2])
    assert 0 < gains[0].abs().max() < 6e-3

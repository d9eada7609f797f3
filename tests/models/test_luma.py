"""Colour, chroma and bicubic of the luma networks, their options and their start."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2ycbcr, rgb2ypbpr
from skimage.data import astronaut
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from harness.models import registry
from harness.models.bicubic import Bicubic
from harness.models.drcn import DRCN
from harness.models.drrn import DRRN
from harness.models.espcn import ESPCN
from harness.models.falsr import (
    FALSR,
    YPBPR,
    depth_to_space,
    pillow_bicubic,
)
from harness.models.falsr_graphs import FALSR_B, FALSR_C, Graph, GraphCell
from harness.models.fsrcnn import FSRCNN
from harness.models.initialise import initialise
from harness.models.lapsrn import LapSRN
from harness.models.luma import YCBCR, InterpolatedNetwork, MixedNetwork, doublings
from harness.models.memnet import MemNet, with_one_reconstruction
from harness.models.srcnn import SRCNN
from harness.models.srdensenet import SRDenseNet
from harness.models.vdsr import VDSR


class Untouched(InterpolatedNetwork):
    """A network that does nothing to the interpolated image."""

    def refine(self, y: Tensor) -> Tensor:
        """Return it."""
        return y


def image(*shape: int, seed: int = 0) -> Tensor:
    return 255 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def luma(*shape: int, seed: int = 0) -> Tensor:
    return image(*shape, seed=seed) / 255


def channels_last(rgb: Tensor) -> NDArray[np.float64]:
    return rgb[0].permute(1, 2, 0).double().numpy() / 255


def test_luma_is_that_of_scikit_image() -> None:
    rgb = image(1, 3, 6, 5)
    expected = rgb2ycbcr(channels_last(rgb)) / 255
    y, chroma = YCBCR.split(rgb)
    np.testing.assert_allclose(y[0, 0], expected[..., 0], atol=1e-6)
    np.testing.assert_allclose(chroma[0].permute(1, 2, 0), expected[..., 1:], atol=1e-6)


def test_luma_of_searched_networks_is_full_range() -> None:
    rgb = image(1, 3, 6, 5)
    expected = rgb2ypbpr(channels_last(rgb))
    y, chroma = YPBPR.split(rgb)
    np.testing.assert_allclose(y[0, 0], expected[..., 0], atol=1e-6)
    np.testing.assert_allclose(chroma[0].permute(1, 2, 0), expected[..., 1:], atol=1e-6)


def test_colour_comes_back() -> None:
    rgb = image(2, 3, 6, 5)
    torch.testing.assert_close(YCBCR.join(*YCBCR.split(rgb)), rgb, rtol=0, atol=1e-3)


def test_the_released_graphs_tint_grey_and_keep_its_luma() -> None:
    grey = torch.full((1, 3, 1, 1), 100.0)
    back = YPBPR.join(*YPBPR.split(grey))
    # Chroma 127.5 of 255 in a conversion centred at 128, by hand.
    expected = [100 - 0.5 * 1.402, 100 + 0.5 * 1.05828, 100 - 0.5 * 1.772]
    assert back.flatten().tolist() == pytest.approx(expected, abs=1e-3)
    assert YPBPR.split(back)[0].item() == pytest.approx(100 / 255, abs=1e-4)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_without_layers_the_image_is_bicubic(scale: int) -> None:
    lr = image(1, 3, 5, 4)
    sr = Untouched(scale=scale)(lr)
    torch.testing.assert_close(sr, Bicubic(scale=scale)(lr), rtol=0, atol=1e-3)


def test_colour_and_bicubic_count_no_multi_adds() -> None:
    with FlopCounterMode(display=False) as counter:
        Untouched(scale=2)(image(1, 3, 8, 8))
    assert counter.get_total_flops() == 0


@pytest.mark.parametrize("network", [ESPCN(scale=2), VDSR(scale=2, num_layers=3)])
def test_forward_carries_the_luma_that_forward_luma_gives(network: ESPCN | VDSR) -> None:
    lr = image(1, 3, 6, 5)
    with torch.no_grad():
        y, _ = YCBCR.split(network(lr))
        torch.testing.assert_close(y, network.forward_luma(YCBCR.split(lr)[0]))


def test_chroma_is_bicubic_whatever_the_network_does() -> None:
    lr = image(1, 3, 6, 5)
    with torch.no_grad():
        _, chroma = YCBCR.split(ESPCN(scale=3)(lr))
        _, expected = YCBCR.split(Bicubic(scale=3)(lr))
    torch.testing.assert_close(chroma, expected, rtol=0, atol=1e-5)


def test_autocast_keeps_the_levels_of_the_image() -> None:
    network = VDSR(scale=2, num_layers=3)
    nn.init.zeros_(network.convs[-1].weight)  # type: ignore[arg-type]
    lr = image(1, 3, 6, 5)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        sr = network(lr)
    torch.testing.assert_close(sr, Bicubic(scale=2)(lr), rtol=0, atol=1e-3)


@pytest.mark.parametrize(("scale", "steps"), [(2, 1), (4, 2), (8, 3)])
def test_doublings(scale: int, steps: int) -> None:
    assert doublings(scale) == steps


@pytest.mark.parametrize("scale", [0, 1, 3, 6])
def test_scales_without_doublings_are_refused(scale: int) -> None:
    with pytest.raises(ValueError, match=f"power of two, not {scale}"):
        doublings(scale)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_lapsrn_pyramid_ends_in_the_image(scale: int) -> None:
    network = LapSRN(scale=scale, depth=1, channels=4)
    y = luma(1, 1, 5, 3)
    with torch.no_grad():
        pyramid = network.forward_luma_pyramid(y)
        assert torch.equal(pyramid[-1], network.forward_luma(y))
    sizes = [tuple(level.shape[2:]) for level in pyramid]
    assert sizes == [(5 * step, 3 * step) for step in (2, 4, 8) if step <= scale]


def test_lapsrn_levels_add_their_residual_to_the_doubled_image() -> None:
    network = LapSRN(scale=4, depth=1, channels=4)
    for level in network.levels:
        nn.init.zeros_(level.residual.weight)  # type: ignore[arg-type]
    first, second = network.forward_luma_pyramid(torch.full((1, 1, 6, 6), 0.5))
    # Bilinear weights sum to one everywhere but at the border, where zeros are mixed in.
    torch.testing.assert_close(first[..., 1:-1, 1:-1], torch.full((1, 1, 10, 10), 0.5))
    assert first[0, 0, 0, 0].item() == pytest.approx(0.5 * 0.75**2)
    torch.testing.assert_close(second[..., 3:-3, 3:-3], torch.full((1, 1, 18, 18), 0.5))


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (DRCN(scale=2, channels=4, num_recursions=5), 5),
        (MemNet(scale=2, channels=4, num_blocks=3, num_units=2).eval(), 3),
    ],
)
def test_predictions_are_mixed_by_learned_weights(network: MixedNetwork, count: int) -> None:
    nn.init.normal_(network.mixture)
    y = luma(1, 1, 4, 5)
    with torch.no_grad():
        sr, predictions = network.forward_luma_predictions(y)
        assert torch.equal(sr, network.forward_luma(y))
    assert len(predictions) == count
    expected = sum(
        weight * prediction
        for weight, prediction in zip(network.mixture.tolist(), predictions, strict=True)
    )
    torch.testing.assert_close(sr, expected)


def test_memnet_with_one_reconstruction_keeps_the_weight_of_the_last_prediction() -> None:
    network = with_one_reconstruction(scale=2).eval()
    weight = nn.init.constant_(network.mixture, 0.25)
    with torch.inference_mode():
        mixed, (last,) = network.forward_luma_predictions(luma(1, 1, 4, 4))
    assert weight.shape == (1,)
    assert torch.allclose(mixed, last / 4)


def test_drcn_recursions_start_as_identity() -> None:
    network = DRCN(scale=2, channels=4, num_recursions=3)
    with torch.no_grad():
        first, *others = network.predict(luma(1, 1, 6, 6))
    assert all(torch.equal(first, other) for other in others)


def test_drrn_recursions_share_convolutions_and_not_batch_norm() -> None:
    one, two = DRRN(scale=2, num_recursions=1), DRRN(scale=2, num_recursions=2)
    extra = set(dict(two.named_parameters())) - set(dict(one.named_parameters()))
    assert extra == {
        f"{part}_norms.1.0.{kind}" for part in ("first", "second") for kind in ("weight", "bias")
    }


def test_drrn_without_batch_norm_adds_the_rectified_entry() -> None:
    network = DRRN(scale=2, channels=4, num_recursions=2, batch_norm=False)
    nn.init.zeros_(network.second.weight)
    y = luma(1, 1, 6, 6)
    with torch.no_grad():
        entry = nn.functional.conv2d(y.relu(), network.entry.weight, padding=1).relu()
        expected = y + nn.functional.conv2d(entry, network.output.weight, padding=1)
        torch.testing.assert_close(network.refine(y), expected)


def test_depth_to_space_orders_channels_like_tensorflow() -> None:
    # The example of TensorFlow's documentation: 1x1x12 values, block size 2.
    packed = torch.arange(1.0, 13.0).view(1, 12, 1, 1)
    expected = torch.tensor([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]).float()
    assert torch.equal(depth_to_space(packed, 2), expected.permute(2, 0, 1)[None])


def test_cells_read_the_outputs_they_name() -> None:
    reads = FALSR(scale=2, graph=FALSR_B).inputs
    assert reads == [
        (-1,),
        (-1, 0),
        (-1, 0, 1),
        (2,),
        (1, 2, 3),
        (1, 3, 4),
        (-1, 0, 1, 5),
        (0, 3, 5, 6),
    ]
    assert FALSR(scale=2, graph=FALSR_C).last.in_channels == 32 + 64 + 48 + 16


def test_a_skip_adds_the_first_output_of_the_cell() -> None:
    plain = FALSR(scale=2, graph=Graph((GraphCell("conv", 8, 3, 2),)))
    skipping = FALSR(scale=2, graph=Graph((GraphCell("conv", 8, 3, 2, skip=True),)))
    skipping.load_state_dict(plain.state_dict())
    x = luma(1, 32, 5, 5)
    first = plain.cells[0].convs[0](x).relu()
    torch.testing.assert_close(skipping.cells[0](x), plain.cells[0](x) + first)


def test_inverted_cells_start_from_a_linear_projection() -> None:
    network = FALSR(scale=2, graph=Graph((GraphCell("inverted", 8, 3, 2, skip=True),)))
    cell = network.cells[0]
    for bottleneck in cell.bottlenecks:
        nn.init.zeros_(bottleneck[-1].weight)
        nn.init.zeros_(bottleneck[-1].bias)
    x = luma(1, 32, 5, 5)
    torch.testing.assert_close(cell(x), 2 * cell.entry(x))


def test_searched_networks_are_for_x2_only() -> None:
    with pytest.raises(ValueError, match="scale must be 2, not 3"):
        FALSR(scale=3, graph=FALSR_C)


def spread(weight: Tensor) -> float:
    return weight.detach().std().item()


@pytest.mark.parametrize("again", [False, True], ids=["built", "initialise"])
def test_published_start_weights(again: bool) -> None:
    torch.manual_seed(0)
    vdsr, fsrcnn, lapsrn, drrn = VDSR(scale=2), FSRCNN(scale=2), LapSRN(scale=2), DRRN(scale=2)
    if again:
        for network in (vdsr, fsrcnn, lapsrn, drrn):
            initialise(network, seed=3)
    # He et al. by fan-out: 64 outputs of 3x3, and one output at the end.
    assert spread(vdsr.convs[0].weight) == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.1)  # type: ignore[arg-type]
    assert spread(vdsr.convs[-1].weight) == pytest.approx(math.sqrt(2 / 9), rel=0.1)  # type: ignore[arg-type]
    assert spread(fsrcnn.output.weight) == pytest.approx(1e-3, rel=0.05)
    assert spread(lapsrn.entry.weight) == pytest.approx(1e-3, rel=0.1)
    level = lapsrn.levels[0]
    assert spread(level.convs[0].weight) == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.05)
    kernel = level.upscale_image.weight[0, 0]
    assert kernel[1].tolist() == [0.1875, 0.5625, 0.5625, 0.1875]
    assert spread(drrn.first.weight) == pytest.approx(math.sqrt(2 / (9 * 128)), rel=0.05)
    assert drrn.first.bias is not None
    assert not drrn.first.bias.any()


@pytest.mark.parametrize(
    ("constructor", "options", "message"),
    [
        (SRCNN, {"channels": (64, 0)}, "channels must be at least 1, not 0"),
        (SRCNN, {"kernel_sizes": (9, 4, 5)}, "kernel_size must be odd and positive, not 4"),
        (SRCNN, {"kernel_sizes": (9, 5)}, "kernel_sizes three"),
        (VDSR, {"num_layers": 1}, "num_layers must be at least 2, not 1"),
        (VDSR, {"scale": 0}, "scale must be at least 1, not 0"),
        (FSRCNN, {"num_mappings": 0}, "num_mappings must be at least 1, not 0"),
        (MemNet, {"num_units": -1}, "num_units must be at least 1, not -1"),
        (LapSRN, {"scale": 3}, "scale must be a power of two, not 3"),
        (SRDenseNet, {"scale": 3}, "scale must be a power of two, not 3"),
    ],
)
def test_impossible_values_are_refused_by_name(
    constructor: type[nn.Module], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        constructor(**{"scale": 2} | options)


def test_luma_networks_differ_only_in_what_they_learn() -> None:
    learned = set(dict(registry.get("vdsr").build(scale=2).named_parameters()))
    assert learned == {f"convs.{index}.weight" for index in range(20)}


def test_chroma_of_falsr_is_pillow_s() -> None:
    pixels = astronaut()[100:141, 80:133]
    size = (2 * pixels.shape[1], 2 * pixels.shape[0])
    theirs = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    ours = pillow_bicubic(torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0), 2)
    difference = np.abs(ours[0].permute(1, 2, 0).numpy() - theirs)
    assert difference.max() <= 1, "Pillow sums in fixed point, so that ties may go either way"
    assert (difference > 0).mean() < 0.001

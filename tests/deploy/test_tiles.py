"""Self-ensemble and tiles, against what the whole image and hand arithmetic give."""

import dataclasses

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import nn

from harness.config import protocols
from harness.data.catalogue import TestSet as ImageSet
from harness.deploy import receptive_field
from harness.deploy.receptive_field import ReceptiveField
from harness.deploy.tiles import spans, tiled
from harness.errors import HarnessError, UsageError
from harness.evaluation import evaluate, metrics
from harness.evaluation.self_ensemble import SelfEnsemble
from harness.models import registry
from harness.models.initialise import initialise

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build(name, scale=2, **options):
    network = registry.get(name).build(scale=scale, **options).eval()
    initialise(network, seed=0)
    return network


def photo(height=61, width=83):
    pixels = astronaut()[:height, 180 : 180 + width].astype(np.float32)
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]


def run(network, lr):
    with torch.no_grad():
        return network(lr)


# Self-ensemble


def test_self_ensemble_is_the_mean_over_the_square_s_symmetries():
    network, lr = build("espcn"), photo(12, 17)
    turned_back = []
    for mirrored in (False, True):
        for quarters in range(4):
            image = lr.numpy()[..., ::-1] if mirrored else lr.numpy()
            image = np.rot90(image, quarters, axes=(2, 3)).copy()
            output = run(network, torch.from_numpy(image)).numpy()
            output = np.rot90(output, -quarters, axes=(2, 3))
            turned_back.append(output[..., ::-1] if mirrored else output)
    assert np.ptp(turned_back, axis=0).max() > 1  # the network is not symmetric itself
    ours = run(SelfEnsemble(network), lr).numpy()
    np.testing.assert_allclose(ours, np.mean(turned_back, axis=0), atol=1e-3)


@pytest.mark.parametrize("protocol", ["awsrn", "luma_png"])
def test_self_ensemble_of_a_network_of_luma_is_scored_on_rgb_and_on_luma(protocol, tmp_path):
    from PIL import Image

    Image.fromarray(astronaut()[:40, :48]).save(tmp_path / "one.png")
    test = ImageSet("own", (tmp_path / "one.png",), None)
    chosen, network = protocols.get(protocol), build("espcn")
    plain, plus = (
        evaluate.score(one, test, scale=2, device=CPU, protocol=chosen).psnr_db
        for one in (network, SelfEnsemble(network))
    )
    assert plus != plain
    assert plus == pytest.approx(plain, abs=1)


def test_self_ensemble_of_luma_is_the_mean_of_luma():
    network, luma = build("espcn"), photo(12, 17)[:, :1]
    ours = evaluate.luma_part(SelfEnsemble(network))
    grey = run(SelfEnsemble(network), luma.sub(16).mul(255 / 219).expand(-1, 3, -1, -1))
    np.testing.assert_allclose(
        run(ours, luma).numpy()[0, 0], grey.numpy()[0, 0] * 219 / 255 + 16, atol=1e-2
    )


def test_self_ensemble_of_a_network_of_rgb_is_refused_on_luma_by_its_name():
    with pytest.raises(UsageError, match="CARN is no network of BT"):
        evaluate.luma_part(SelfEnsemble(build("carn", num_blocks=1, num_units=1)))


# Receptive field


@pytest.mark.parametrize(
    ("name", "radius"),
    [
        ("bicubic", 2),  # 4 taps, up to 2 px away
        ("espcn", 2 + 1 + 1),  # 5x5, 3x3, 3x3 at LR size
        ("vdsr", 20 // 2 + 2),  # 20 layers of 3x3 at HR size, after bicubic
        ("fsrcnn", 2 + 4 + 2),  # 5x5, four 3x3, 9x9 transposed with stride 2: 2 LR px
        ("edsr_baseline", 1 + 2 * 16 + 1 + 1 + 1),  # the last 3x3 at HR size: half a px
    ],
)
def test_receptive_field_is_that_of_the_layers(name, radius):
    assert receptive_field.measure(build(name), scale=2) == ReceptiveField(radius, shifts=True)


class OneSided(nn.Module):
    """Looks 9 px to the right and 5 px up."""

    def forward(self, lr):
        padded = nn.functional.pad(lr, (0, 9, 5, 0))
        return lr + padded[..., 5:, 9:] + padded[..., : lr.shape[2], : lr.shape[3]]


def test_receptive_field_is_measured_in_every_direction():
    assert receptive_field.measure(OneSided(), scale=1).radius == 9


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("imdn", {"num_blocks": 1}),
        ("rcan", {"num_groups": 1, "num_blocks": 1}),
        ("wdsr_wru", {"num_units": 1}),
    ],
)
def test_global_pooling_has_no_bound(name, options):
    assert receptive_field.measure(build(name, **options), scale=2) == ReceptiveField(
        None, shifts=False
    )


class EveryThird(nn.Module):
    def forward(self, lr):
        coarse = nn.functional.max_pool2d(lr, 3, ceil_mode=True)
        wide = coarse.repeat_interleave(3, 2).repeat_interleave(3, 3)
        return wide[..., : lr.shape[2], : lr.shape[3]]


@pytest.mark.parametrize(
    ("network", "scale"), [(EveryThird(), 1), (build("rlfn", 4, num_blocks=1), 4)]
)
def test_pooling_on_a_grid_is_bounded_but_does_not_shift(network, scale):
    measured = receptive_field.measure(network, scale=scale)
    assert measured.radius is not None
    assert not measured.shifts
    assert not measured.exact


def test_a_tenth_of_a_level_is_enough_not_to_shift():
    class Striped(nn.Module):
        def forward(self, lr):
            return lr + 0.1 * (torch.arange(lr.shape[3]) % 2)

    assert receptive_field.measure(Striped(), scale=1) == ReceptiveField(0, shifts=False)


def test_a_network_that_refuses_strips_has_no_bound():
    class Picky(nn.Module):
        def forward(self, lr):
            raise ValueError("sides must be equal")

    assert not receptive_field.measure(Picky(), scale=2).exact


# Tiles

BOUNDED = [
    ("bicubic", 3, {}),
    ("espcn", 3, {}),
    ("fsrcnn", 2, {}),
    ("vdsr", 2, {"num_layers": 6}),
    ("lapsrn", 4, {"depth": 1}),
    ("awsrn_s", 2, {"num_units": 1}),
    ("carn", 3, {"num_blocks": 1, "num_units": 1}),
    ("srmdnf", 2, {"num_hidden": 2}),
    ("ddbpn", 2, {"num_stages": 1, "channels": 8, "head_channels": 8}),
]


@pytest.mark.parametrize(("name", "scale", "options"), BOUNDED)
def test_tiles_that_overlap_by_the_field_give_the_whole_image(name, scale, options):
    network, lr = build(name, scale, **options), photo(45, 59)
    seen = receptive_field.measure(network, scale=scale)
    assert seen.exact
    assert seen.radius is not None
    whole = run(network, lr)
    with torch.no_grad():
        stitched = tiled(network, lr, scale=scale, tile=16, overlap=seen.radius)
    torch.testing.assert_close(stitched, whole, rtol=1e-5, atol=2e-3)
    # Away from the ties, where the order of additions decides.
    off_tie = ((whole % 1) - 0.5).abs() > 4e-3
    assert off_tie.float().mean() > 0.9
    first, second = (metrics.to_uint8(image[off_tie].numpy()) for image in (stitched, whole))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(("name", "scale", "options"), BOUNDED)
def test_tiles_that_overlap_too_little_differ_at_the_seams_only(name, scale, options):
    network, lr = build(name, scale, **options), photo(45, 59)
    with torch.no_grad():
        stitched = tiled(network, lr, scale=scale, tile=30, overlap=0)
    different = ((stitched - run(network, lr)).abs() > 2e-3).any(1)[0]
    radius = receptive_field.measure(network, scale=scale).radius
    assert different[:, scale * (29 - radius) : scale * (29 + radius)].any()
    # Seams lie before row 22 and column 29.
    near = torch.zeros_like(different)
    near[scale * (22 - radius) : scale * (22 + radius)] = True
    near[:, scale * (29 - radius) : scale * (29 + radius)] = True
    assert not (different & ~near).any()


def test_self_ensemble_in_tiles_is_self_ensemble():
    network, lr = SelfEnsemble(build("espcn")), photo(31, 40)
    with torch.no_grad():
        stitched = tiled(network, lr, scale=2, tile=11, overlap=4)
    torch.testing.assert_close(stitched, run(network, lr), rtol=1e-5, atol=1e-3)


def test_spans_share_an_axis_evenly_and_end_at_the_image():
    cut = [dataclasses.astuple(one) for one in spans(10, tile=4, overlap=2)]
    assert cut == [(0, 3, 0, 5), (3, 6, 1, 8), (6, 10, 4, 10)]
    assert [dataclasses.astuple(one) for one in spans(10, tile=0, overlap=2)] == [(0, 10, 0, 10)]
    assert len(spans(10, tile=10, overlap=3)) == 1
    assert len(spans(1, tile=16, overlap=3)) == 1


def test_every_tile_is_announced():
    seen = []
    tiled(build("bicubic"), photo(20, 30), scale=2, tile=10, overlap=2, done=lambda: seen.append(1))
    assert len(seen) == 2 * 3


def test_output_of_the_wrong_size_is_refused():
    with pytest.raises(HarnessError, match="makes 60x40 pixels of 30x20, expected 90x60 at x3"):
        tiled(build("bicubic"), photo(20, 30), scale=3, tile=0, overlap=0)

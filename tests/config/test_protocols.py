"""The named protocols: what each does differently, shown on small images."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn

from harness.config import protocols
from harness.data.catalogue import TestSet as ImageSet
from harness.data.catalogue import find_test
from harness.data.images import read_rgb
from harness.data.resize import downscale, imresize
from harness.errors import UsageError
from harness.evaluation import evaluate, metrics, pixels
from harness.models import registry
from harness.models.luma import LumaNetwork
from harness.records import record as records
from tests.shipped import EARLIER

CPU = torch.device("cpu")


class Levels(nn.Module):
    """Nearest-neighbour upscaling, all levels raised by a constant."""

    def __init__(self, scale=2, shift=0.0):
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, lr):
        return lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3) + self.shift


class LumaLevels(LumaNetwork):
    """The same, as a network of luma; remembers what it was given."""

    def forward_luma(self, y):
        self.seen = y
        return y.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)


def write(folder, pixels, name="one"):
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def hr():
    return astronaut()[40:104, 200:272]


@pytest.fixture
def one(tmp_path, hr):
    return ImageSet("own", (write(tmp_path, hr),), None)


def score(network, test, name):
    protocol = protocols.get(name)
    return evaluate.score(network, test, scale=2, device=CPU, protocol=protocol).images[0]


def nearest(lr):
    return lr.repeat(2, axis=0).repeat(2, axis=1)


def test_the_default_is_the_authors():
    assert protocols.names()[0] == protocols.DEFAULT.name == "awsrn"
    assert len(set(protocols.names())) == len(protocols.PROTOCOLS) == 10


def test_unknown_protocol_names_the_nearest():
    with pytest.raises(UsageError, match=r"unknown protocol 'lapsrm' \(did you mean 'lapsrn'"):
        protocols.get("lapsrm")


def test_a_protocol_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocols.DEFAULT.border = 0  # type: ignore[misc]


@pytest.mark.parametrize("protocol", protocols.PROTOCOLS, ids=protocols.names())
def test_each_protocol_states_everything(protocol):
    for part in ("LR: ", "to 8 bits", "compared: ", "border ", "grey images: ", "SSIM: "):
        assert part in protocol.describe()


def test_no_two_protocols_do_the_same():
    plain = [dataclasses.replace(one, name="", source="") for one in protocols.PROTOCOLS]
    assert len(set(plain)) == len(plain)


def test_awsrn_is_scikit_image_s_luma_without_the_border(one, hr):
    sr = nearest(downscale(hr, 2))
    first, second = (rgb2ycbcr(image)[2:-2, 2:-2, 0] for image in (sr, hr))
    expected = peak_signal_noise_ratio(second, first, data_range=255)
    assert score(Levels(), one, "awsrn").psnr_db == pytest.approx(expected, abs=1e-9)


def test_y_rounded_rounds_both_lumas(one, hr):
    sr = nearest(downscale(hr, 2))
    first, second = (np.round(rgb2ycbcr(image)[2:-2, 2:-2, 0]) for image in (sr, hr))
    expected = peak_signal_noise_ratio(second, first, data_range=255)
    assert score(Levels(), one, "y_rounded").psnr_db == pytest.approx(expected, abs=1e-9)


def test_rgb_is_scikit_image_s_on_three_channels(one, hr):
    sr, hr = (image[2:-2, 2:-2] for image in (nearest(downscale(hr, 2)), hr))
    result = score(Levels(), one, "rgb")
    expected = peak_signal_noise_ratio(hr, sr, data_range=255)
    assert result.psnr_db == pytest.approx(expected, abs=1e-9)
    similarity = structural_similarity(
        sr.astype(float),
        hr.astype(float),
        data_range=255,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert result.ssim == pytest.approx(similarity, abs=1e-9)


def test_ntire_cuts_four_pixels_and_is_for_x4_only(one):
    protocol = protocols.get("ntire_esr")
    assert protocol.border_px(4) == 4
    with pytest.raises(UsageError, match="ntire_esr is defined for x4, not x2"):
        evaluate.score(Levels(), one, scale=2, device=CPU, protocol=protocol)


@pytest.mark.parametrize(("name", "level"), [("y_rounded", 101), ("falsr", 100)])
def test_falsr_truncates_what_others_round(name, level):
    lr = np.full((4, 4, 3), 100, np.uint8)
    sr = evaluate.upscale(Levels(shift=0.75), lr, CPU, protocol=protocols.get(name))
    assert (sr == level).all()


def test_falsr_selfexsr_makes_lr_as_old_matlab_did(one, hr):
    [(_, lr, _)] = pixels.pairs(one, scale=2, protocol=protocols.get("falsr_selfexsr"))
    assert np.array_equal(lr, imresize(hr, Fraction(1, 2), boundary="replicate"))
    assert not np.array_equal(lr, downscale(hr, 2))


def test_falsr_selfexsr_does_not_look_at_the_files(one, tmp_path):
    black = write(tmp_path, np.zeros((32, 36, 3), np.uint8), "onex2")
    own_lr = dataclasses.replace(one, lr=(black,))
    results = [
        evaluate.score(Levels(), test, scale=2, device=CPU, protocol=protocols.get(name))
        for name in ("falsr", "falsr_selfexsr")
        for test in (own_lr, one)
    ]
    assert results[0].psnr_db != results[1].psnr_db
    assert results[2] == results[3]
    assert [result.lr for result in results] == ["files", "made", "made", "made"]


def test_luma_unquantised_gives_float_luma_of_rounded_luma(one, hr):
    network = LumaLevels(scale=2)
    result = score(network, one, "luma_unquantised")
    y = np.round(rgb2ycbcr(hr)[..., 0])
    lr = downscale(y, 2)
    assert np.any(lr != np.round(lr))
    np.testing.assert_allclose(255 * network.seen[0, 0].numpy(), lr, atol=1e-4)
    sr = np.round(nearest(lr))[2:-2, 2:-2]
    expected = peak_signal_noise_ratio(y[2:-2, 2:-2], sr, data_range=255)
    assert result.psnr_db == pytest.approx(expected, abs=1e-3)  # float32, ties of the rounding


def test_luma_png_gives_the_luma_of_the_8_bit_lr(one, hr):
    network = LumaLevels(scale=2)
    score(network, one, "luma_png")
    expected = rgb2ycbcr(downscale(hr, 2))[..., 0]
    np.testing.assert_allclose(255 * network.seen[0, 0].numpy(), expected, atol=1e-4)


def test_lapsrn_gives_rgb_that_is_not_quantised(one, hr):
    network = LumaLevels(scale=2)
    score(network, one, "lapsrn")
    expected = rgb2ycbcr(downscale(hr / 255, 2))[..., 0]
    np.testing.assert_allclose(255 * network.seen[0, 0].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["luma_unquantised", "luma_png", "lapsrn"])
def test_protocols_of_luma_refuse_other_networks(name, one):
    with pytest.raises(UsageError, match=r"Levels is no network of BT\.601 luma.*such as awsrn"):
        score(Levels(), one, name)
    falsr = registry.get("falsr_a").build(scale=2)
    with pytest.raises(UsageError, match=r"FALSR is no network of BT\.601 luma"):
        score(falsr, one, name)


@pytest.mark.parametrize("name", ["luma_unquantised", "luma_png", "lapsrn"])
def test_grey_file_is_its_own_luma_where_the_protocol_says_so(name, tmp_path, hr):
    grey = ImageSet("own", (write(tmp_path, hr[..., 0]),), None)
    network = LumaLevels(scale=2)
    score(network, grey, name)
    lr = hr[..., 0] if name == "luma_png" else hr[..., 0].astype(float)
    np.testing.assert_allclose(255 * network.seen[0, 0].numpy(), downscale(lr, 2), atol=1e-4)


def test_the_pixels_of_another_protocol_have_another_fingerprint(one):
    digests = {
        name: pixels.fingerprint(one, scale=2, protocol=protocols.get(name))
        for name in protocols.names()
    }
    assert digests["awsrn"] == digests["y_rounded"] == digests["rgb"] == digests["falsr"]
    different = ("awsrn", "luma_unquantised", "luma_png", "lapsrn", "falsr_selfexsr")
    assert len({digests[name] for name in different}) == len(different)


@pytest.mark.data
def test_earlier_records_are_of_the_same_pixels_and_scores(data_root):
    stored = records.load_all(EARLIER)
    bicubic = next(record for record in stored if record.model == "bicubic")
    network = registry.get("bicubic").build(scale=2)
    again = evaluate.score(network, find_test("Set5", data_root, 2), scale=2, device=CPU)
    assert bicubic.protocol == protocols.DEFAULT.name
    assert dataclasses.replace(again, lr_from="") == bicubic.score("Set5")  # not kept then


# PSNR and SSIM of bicubic on Set5 as SRCNN, VDSR and LapSRN print them.
TEXTBOOK_SET5 = {2: (33.66, 0.9299), 3: (30.39, 0.8682), 4: (28.42, 0.8104)}


@pytest.mark.data
@pytest.mark.parametrize("scale", TEXTBOOK_SET5)
def test_bicubic_on_set5_as_the_textbooks_have_it(scale, data_root):
    network = registry.get("bicubic").build(scale=scale)
    result = evaluate.score(
        network,
        find_test("Set5", data_root, scale),
        scale=scale,
        device=CPU,
        protocol=protocols.get("luma_unquantised"),
    )
    assert result.psnr_db == pytest.approx(TEXTBOOK_SET5[scale][0], abs=0.005)
    assert result.ssim == pytest.approx(TEXTBOOK_SET5[scale][1], abs=0.0002)


@pytest.mark.data
def test_lr_of_selfexsr_is_that_of_its_files(data_root):
    files = data_root / "benchmark" / "Set5" / "LR_selfexsr" / "X2"
    if not files.is_dir():
        pytest.skip("HARNESS_DATA lacks Set5/LR_selfexsr")
    test, protocol = find_test("Set5", data_root, 2), protocols.get("falsr_selfexsr")
    for name, lr, _ in pixels.pairs(test, scale=2, protocol=protocol):
        assert np.array_equal(read_rgb(files / f"{name}x2.png"), lr)


def test_metrics_of_luma_images_do_not_convert_again():
    luma = np.arange(400, dtype=np.uint8).reshape(20, 20)
    assert np.array_equal(metrics.planes(luma, protocols.DEFAULT)[0], luma.astype(float))

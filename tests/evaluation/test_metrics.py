"""PSNR, SSIM and luma against scikit-image and hand arithmetic."""

import math

import numpy as np
import pytest
from skimage.color import rgb2ycbcr
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from harness.errors import DataError
from harness.evaluation import metrics


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    first = astronaut()[100:197, 150:261]  # odd sides
    noise = rng.integers(-20, 21, first.shape)
    return first, np.clip(first + noise, 0, 255).astype(np.uint8)


def test_luma_is_scikit_image_s(images):
    expected = rgb2ycbcr(images[0])[..., 0]
    np.testing.assert_allclose(metrics.luma(images[0]), expected, atol=1e-9)


def test_luma_of_black_and_white_is_studio_range():
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(metrics.luma(ends), [[16, 235]], atol=1e-9)


def test_luma_is_not_rounded():
    # 16 + 65.481 / 255
    assert metrics.luma(np.array([[[1, 0, 0]]], np.uint8))[0, 0] == pytest.approx(16.2567882)


def test_psnr_is_scikit_image_s(images):
    first, second = map(metrics.luma, images)
    expected = peak_signal_noise_ratio(first, second, data_range=255)
    assert metrics.psnr(first, second) == pytest.approx(expected, abs=1e-9)


def test_psnr_by_hand():
    # Every pixel off by 5: 20 log10(255 / 5).
    flat = np.full((4, 4), 100.0)
    assert metrics.psnr(flat, flat + 5) == pytest.approx(20 * math.log10(51))


def test_equal_images_have_infinite_psnr_and_ssim_1(images):
    luma = metrics.luma(images[0])
    assert metrics.psnr(luma, luma) == math.inf
    assert metrics.ssim(luma, luma) == pytest.approx(1)


def test_ssim_is_scikit_image_s(images):
    first, second = map(metrics.luma, images)
    expected = structural_similarity(
        first,
        second,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert metrics.ssim(first, second) == pytest.approx(expected, abs=1e-9)


def test_score_cuts_the_border(images):
    first, second = images
    spoilt = second.copy()
    spoilt[:3] = spoilt[-3:] = 255 - spoilt[-3:]
    spoilt[:, :3] = spoilt[:, -3:] = 0
    scores = [metrics.score(sr, first, scale=3, name="a") for sr in (second, spoilt)]
    assert scores[0] == scores[1]
    assert metrics.score(spoilt, first, scale=2, name="a") != scores[1]


def test_to_uint8_rounds_halves_up_and_clips():
    values = np.array([-3.0, 0.49, 0.5, 1.5, 2.5, 254.5, 300.0])
    assert metrics.to_uint8(values).tolist() == [0, 0, 1, 2, 3, 255, 255]


@pytest.mark.parametrize("shape", [(1, 1, 3), (14, 40, 3), (40, 14, 3)])
def test_image_smaller_than_border_and_window_is_named(shape):
    image = np.zeros(shape, np.uint8)
    with pytest.raises(DataError, match=r"'tiny' is too small to score: .* at least 15x15"):
        metrics.score(image, image, scale=2, name="tiny")


def test_smallest_image_that_can_be_scored():
    image = np.zeros((15, 15, 3), np.uint8)
    assert metrics.score(image, image, scale=2, name="a") == (math.inf, pytest.approx(1))


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        metrics.psnr(np.zeros((4, 4)), np.zeros((4, 5)))

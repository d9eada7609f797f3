"""``imresize`` against files that MATLAB made, Pillow's resampling and hand arithmetic."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from harness.data.images import list_images, read_rgb
from harness.data.resize import crop_to_multiple, downscale, imresize, upscale
from harness.models.resampling import Boundary

EDGE = np.repeat(np.array([0, 0, 0, 0, 255, 255, 255, 255], np.uint8)[:, None], 4, axis=1)

PUBLISHED: list[tuple[str, str, int, Boundary]] = [
    *[
        (name, "LR_bicubic", scale, "symmetric")
        for name in ("Set5", "Set14")
        for scale in (2, 3, 4)
    ],
    *[(name, "LR_bicubic", 8, "replicate") for name in ("Set5", "Set14", "B100")],
    *[
        (name, "LR_selfexsr", scale, "replicate")
        for name in ("Set5", "Set14", "B100")
        for scale in (2, 3, 4)
    ],
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "folder", "scale", "boundary"), PUBLISHED)
def test_every_pixel_equals_the_file_matlab_made(
    data_root: Path, name: str, folder: str, scale: int, boundary: Boundary
) -> None:
    home = data_root / "benchmark" / name
    files = list_images(home / "HR")
    assert len(files) == {"Set5": 5, "Set14": 14, "B100": 100}[name]
    wrong: dict[str, int] = {}
    for file in files:
        ours = downscale(crop_to_multiple(read_rgb(file), scale), scale, boundary=boundary)
        theirs = read_rgb(home / folder / f"X{scale}" / f"{file.stem}x{scale}.png")
        if not np.array_equal(ours, theirs):
            wrong[file.name] = int((ours != theirs).sum())
    assert not wrong


@pytest.mark.data
@pytest.mark.parametrize("name", ["comic", "flowers", "zebra"])
def test_matlab_cropped_sides_that_leave_remainders_before_it_resized(
    data_root: Path, name: str
) -> None:
    home = data_root / "benchmark" / "Set14"
    hr = read_rgb(home / "HR" / f"{name}.png")
    assert hr.shape[0] % 4 or hr.shape[1] % 4
    theirs = read_rgb(home / "LR_bicubic" / "X4" / f"{name}x4.png")
    whole = imresize(hr, Fraction(1, 4))[: theirs.shape[0], : theirs.shape[1]]
    np.testing.assert_array_equal(downscale(crop_to_multiple(hr, 4), 4), theirs)
    assert (whole != theirs).any()


@pytest.mark.data
def test_boundaries_differ_only_within_two_pixels_of_the_border(data_root: Path) -> None:
    hr = crop_to_multiple(read_rgb(data_root / "benchmark" / "Set5" / "HR" / "baby.png"), 2)
    today, older = downscale(hr, 2), downscale(hr, 2, boundary="replicate")
    assert (today != older).any()
    np.testing.assert_array_equal(today[2:-2, 2:-2], older[2:-2, 2:-2])


def test_edge_is_halved_as_computed_by_hand() -> None:
    # 256ths of 255: -3, 29 - 9 - 3, 256 - 17, 256 + 3; rounded and clipped.
    assert downscale(EDGE, 2)[:, 0].tolist() == [0, 17, 238, 255]


def test_float_is_neither_rounded_nor_clipped() -> None:
    small = downscale(EDGE.astype(np.float64), 2)
    assert small[:, 1].tolist() == [-765 / 256, 4335 / 256, 60945 / 256, 66045 / 256]


def test_tie_is_rounded_up() -> None:
    image = np.zeros((7, 3), np.uint8)
    image[3] = 192  # 111 / 128 of it is 166.5; rounding half to even would give 166
    assert upscale(image, 2)[6, 0] == 167


def test_eight_bit_image_is_rounded_between_the_passes() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    once = np.clip(np.floor(downscale(image.astype(np.float64), 2) + 0.5), 0, 255)
    share = (once != downscale(image, 2)).mean()
    assert 0.03 < share < 0.3


def test_rows_come_first() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 40), dtype=np.uint8)
    assert (downscale(image, 2) != downscale(image.T.copy(), 2).T).any()


@pytest.mark.parametrize("ratio", ["1/2", "1/3", "1/4", "1/8", "2/3", "3/4", "2", "3", "4", "8"])
def test_interior_equals_pillow(ratio: str) -> None:
    scale = Fraction(ratio)
    image = np.random.default_rng(2).uniform(0, 255, (96, 72)).astype(np.float32)
    ours = imresize(image.astype(np.float64), scale)
    height, width = ours.shape
    # Pillow's bicubic has a = -0.5 and the same antialiasing, but no samples beyond the border.
    theirs = np.asarray(
        Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC), np.float64
    )
    margin = 3 * max(1, round(scale))
    inside = np.s_[margin:-margin, margin:-margin]
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=2e-3)


def test_channels_do_not_mix() -> None:
    image = np.random.default_rng(3).integers(0, 256, (24, 30, 3), dtype=np.uint8)
    small = downscale(image, 3)
    assert small.shape == (8, 10, 3)
    for channel in range(3):
        np.testing.assert_array_equal(small[..., channel], downscale(image[..., channel], 3))


def test_layout_in_memory_does_not_matter() -> None:
    image = np.random.default_rng(4).integers(0, 256, (24, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        downscale(np.asfortranarray(image), 2), downscale(image.copy(), 2)
    )
    np.testing.assert_array_equal(downscale(image[::-1], 2), downscale(image[::-1].copy(), 2))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_one_pixel_becomes_a_block(scale: int) -> None:
    pixel = np.array([[[1, 128, 255]]], np.uint8)
    np.testing.assert_array_equal(upscale(pixel, scale), np.broadcast_to(pixel, (scale, scale, 3)))
    np.testing.assert_array_equal(downscale(upscale(pixel, scale), scale), pixel)


def test_crop_keeps_the_top_left() -> None:
    image = np.arange(7 * 5, dtype=np.uint8).reshape(7, 5)
    np.testing.assert_array_equal(crop_to_multiple(image, 3), image[:6, :3])


def test_size_that_is_no_multiple_is_refused() -> None:
    with pytest.raises(ValueError, match="5x7 pixels are no multiple of 2"):
        downscale(np.zeros((7, 5), np.uint8), 2)


@pytest.mark.parametrize("dtype", ["uint16", "int64", "float32"])
def test_other_types_are_refused(dtype: str) -> None:
    image: NDArray[Any] = np.zeros((4, 4), dtype)
    with pytest.raises(TypeError, match="uint8 or float64"):
        imresize(image, Fraction(1, 2))

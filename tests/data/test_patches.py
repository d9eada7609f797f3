"""Training patches: alignment, augmentation, and dependence on seed and step alone."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from harness.data.catalogue import TrainSet
from harness.data.images import list_images
from harness.data.patches import Patches
from harness.data.prepare import Prepared, prepare
from harness.errors import DataError

SIZES = [(12, 30), (20, 14), (9, 9), (40, 50)]  # of LR; the third is too small for a patch of 10


def prepared_at(tmp_path: Path, scale: int) -> Prepared:
    """Prepare images in which every LR pixel, and its HR block, holds (image, row, column)."""
    for number, (height, width) in enumerate(SIZES):
        lr = np.empty((height, width, 3), np.uint8)
        lr[..., 0] = number
        lr[..., 1] = np.arange(height)[:, None]
        lr[..., 2] = np.arange(width)
        for folder, image in (("lr", lr), ("hr", lr.repeat(scale, 0).repeat(scale, 1))):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / folder / f"{number}.png")
    hr, lr_files = list_images(tmp_path / "hr"), list_images(tmp_path / "lr")
    return prepare([TrainSet("made", hr, lr_files, ())], scale, tmp_path / "cache")


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    return prepared_at(tmp_path, 2)


def patches(prepared: Prepared, *, batch: int = 16, seed: int = 0, patch: int = 10) -> Patches:
    return Patches(prepared, patch=patch, batch=batch, seed=seed)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_hr_patch_lies_over_its_lr_patch_and_is_turned_alike(tmp_path: Path, scale: int) -> None:
    lr, hr = patches(prepared_at(tmp_path, scale), batch=64)[0]
    assert lr.shape == (64, 3, 10, 10)
    assert hr.shape == (64, 3, 10 * scale, 10 * scale)
    assert lr.dtype == hr.dtype == np.uint8
    np.testing.assert_array_equal(lr.repeat(scale, 2).repeat(scale, 3), hr)


def test_patch_is_a_window_of_one_image_in_one_of_eight_poses(prepared: Prepared) -> None:
    lr, _ = patches(prepared, batch=400)[0]
    seen: Counter[int] = Counter()
    for patch in lr:
        number, top, left = patch[0, 0, 0], patch[1].min(), patch[2].min()
        window = prepared.lr(int(number))[top : top + 10, left : left + 10].transpose(2, 0, 1)
        flips = [window, window[:, :, ::-1]]
        poses = [np.rot90(one, turns, axes=(1, 2)) for one in flips for turns in range(4)]
        (pose,) = (n for n, one in enumerate(poses) if np.array_equal(one, patch))
        seen[pose] += 1
    assert len(seen) == 8
    assert min(seen.values()) > 23  # 50 expected, less 4 sigma


def test_batch_depends_on_seed_and_step_alone(prepared: Prepared) -> None:
    one, other = patches(prepared), patches(prepared)
    expected = [one[step] for step in range(4)]
    for step in (3, 0, 2, 1, 1):
        for ours, theirs in zip(other[step], expected[step], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_steps_and_seeds_differ(prepared: Prepared) -> None:
    batches = [patches(prepared, seed=seed)[step][0] for seed in (0, 1) for step in (0, 1, 2)]
    assert len({batch.tobytes() for batch in batches}) == 6


def test_smaller_batch_is_the_beginning_of_a_larger_one(prepared: Prepared) -> None:
    np.testing.assert_array_equal(
        patches(prepared, batch=4)[7][1], patches(prepared, batch=16)[7][1][:4]
    )


def test_lr_positions_are_the_same_at_every_scale(tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    (tmp_path / "4").mkdir()
    two, four = (patches(prepared_at(tmp_path / str(scale), scale)) for scale in (2, 4))
    np.testing.assert_array_equal(two[5][0], four[5][0])


def test_images_are_equally_likely_whatever_their_size(prepared: Prepared) -> None:
    lr, _ = patches(prepared, batch=3000)[0]
    counts = np.bincount(lr[:, 0, 0, 0], minlength=4)
    assert counts[2] == 0
    assert (abs(counts[[0, 1, 3]] - 1000) < 103).all()  # 4 sigma


def test_every_position_is_reached(prepared: Prepared) -> None:
    lr, _ = patches(prepared, batch=3000)[0]
    tops, lefts = lr[lr[:, 0, 0, 0] == 1][:, 1].min((1, 2)), lr[:, 2].min((1, 2))
    assert set(tops.tolist()) == set(range(11))
    assert set(lefts[lr[:, 0, 0, 0] == 0].tolist()) == set(range(21))


def test_order_is_the_one_earlier_releases_had(prepared: Prepared) -> None:
    digest = hashlib.sha256()
    for step in (0, 1, 1_000_000):
        for part in patches(prepared, seed=3)[step]:
            digest.update(part.data)
    assert digest.hexdigest()[:16] == "1604d0bf45fa0f61"


def test_bytes_are_those_of_the_sampler_that_cut_one_patch_at_a_time(tmp_path: Path) -> None:
    """The digest was written down before patches were cut in two passes."""
    for number, (height, width) in enumerate([(95, 130), (61, 200), (240, 97), (77, 78)]):
        row, column, channel = np.mgrid[:height, :width, :3]
        pixels = row * 7 + column * 13 + channel * 29 + number * 31 + row * column // 5
        Image.fromarray((pixels % 256).astype(np.uint8)).save(tmp_path / f"{number}.png")
    images = TrainSet("made", list_images(tmp_path), None, ())
    total = hashlib.sha256()
    for scale in (2, 3, 4, 8):
        made = prepare([images], scale, tmp_path / "cache")
        for patch, batch, seed in ((7, 5, 0), (5, 3, 11), (8, 1, 2**31)):
            cut = patches(made, patch=patch, batch=batch, seed=seed)
            for step in (0, 1, 7, 999_999):
                for part in cut[step]:
                    form = (part.shape, part.dtype.str, part.flags.c_contiguous)
                    total.update(repr(form).encode() + part.tobytes())
    assert total.hexdigest()[:32] == "83f278be0dd8abf37e6f2cf8af969a60"


def test_no_file_is_decoded(prepared: Prepared, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "hr")
    shutil.rmtree(tmp_path / "lr")
    assert patches(prepared)[0][0].any()


def test_batch_may_be_written_to(prepared: Prepared) -> None:
    lr, hr = patches(prepared)[0]
    before: NDArray[np.uint8] = patches(prepared)[0][1]
    lr[:], hr[:] = 0, 0
    np.testing.assert_array_equal(patches(prepared)[0][1], before)


def test_set_without_an_image_as_large_as_the_patch_is_refused(prepared: Prepared) -> None:
    with pytest.raises(DataError) as caught:
        patches(prepared, patch=48)
    assert str(caught.value) == (
        "made: expected an image of at least 96x96 pixels (a patch of 48 at x2), "
        "but all 4 are smaller"
    )

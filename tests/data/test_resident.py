"""Patches cut where the pixels lie: byte for byte those of the sampler."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from harness.data.catalogue import TrainSet
from harness.data.images import list_images
from harness.data.patches import Patches, below
from harness.data.prepare import Prepared, prepare
from harness.data.resident import ResidentPatches

SIZES = [(12, 30), (21, 13), (9, 9), (41, 57), (10, 10), (11, 10)]  # of LR; the third is too small
DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
        ],
    ),
]


def noise(tmp_path: Path, scale: int) -> Prepared:
    """Prepare images of noise, of odd and even sides, LR and HR drawn apart."""
    generator = np.random.default_rng(scale)
    for number, (height, width) in enumerate(SIZES):
        for folder, times in (("lr", 1), ("hr", scale)):
            (tmp_path / folder).mkdir(exist_ok=True)
            pixels = generator.integers(0, 256, (height * times, width * times, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}.png")
    hr, lr = list_images(tmp_path / "hr"), list_images(tmp_path / "lr")
    return prepare([TrainSet("noise", hr, lr, ())], scale, tmp_path / "cache")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("scale", "patch"), [(2, 10), (3, 7), (4, 9), (8, 1)])
def test_batches_are_the_sampler_s_byte_for_byte(
    tmp_path: Path, scale: int, patch: int, device: str
) -> None:
    patches = Patches(noise(tmp_path, scale), patch=patch, batch=16, seed=5)
    resident = ResidentPatches(patches, torch.device(device))
    poses: set[int] = set()
    images: set[int] = set()
    for step in (*range(60), 1_000_000, 2**40):
        for ours, theirs in zip(resident.cut(step), patches[step], strict=True):
            assert ours.device.type == device
            assert ours.dtype is torch.uint8
            np.testing.assert_array_equal(ours.cpu().numpy(), theirs)
        poses |= {below(8, turn) for turn in patches.draws(step)[:, 3].tolist()}
        images |= {
            below(len(patches.usable), image) for image in patches.draws(step)[:, 0].tolist()
        }
    assert poses == set(range(8))
    assert images == set(range(len(patches.usable)))


def test_a_share_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    patches = Patches(noise(tmp_path, 2), patch=10, batch=7, seed=0)
    resident = ResidentPatches(patches, torch.device("cpu"))
    for rank in range(3):
        share = slice(rank, None, 3)
        for ours, theirs in zip(resident.cut(4, share), patches[4], strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs[share])


def test_largest_and_smallest_numbers_reach_the_edges_and_no_further() -> None:
    bits = np.array([0, 2**32 - 1], np.int64)
    limits = np.array([2**31 - 1, 2**31 - 1], np.int64)
    assert below(limits, bits).tolist() == [0, 2**31 - 2]
    assert [below(2**31 - 1, int(number)) for number in bits] == [0, 2**31 - 2]


def test_pixels_are_sent_in_parts_that_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.data.resident._CHUNK", 1001)
    prepared = noise(tmp_path, 3)
    patches = Patches(prepared, patch=9, batch=32, seed=1)
    resident = ResidentPatches(patches, torch.device("cpu"))
    digests = []
    for cut in (resident.cut(0), patches[0]):
        parts: list[NDArray[np.uint8]] = [np.asarray(part) for part in cut]
        digests.append(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
    assert prepared.hr_pixels.size > 10 * 1001
    assert digests[0] == digests[1]

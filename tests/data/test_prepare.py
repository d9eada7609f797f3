"""The prepared cache: its pixels, when it is made again, and what stops it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from harness.data import prepare as module
from harness.data.catalogue import TestSet, TrainSet, find_test, find_train
from harness.data.images import list_images, read_rgb
from harness.data.prepare import load_pair, prepare
from harness.data.resize import downscale
from harness.errors import DataError


def pixels(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, image: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def folder_set(folder: Path, lr: Path | None = None, excluded: tuple[str, ...] = ()) -> TrainSet:
    return TrainSet(folder.name, list_images(folder), list_images(lr) if lr else None, excluded)


@pytest.fixture
def photos(tmp_path: Path) -> TrainSet:
    save(tmp_path / "photos" / "a.png", pixels(41, 35, seed=1))
    save(tmp_path / "photos" / "b.png", pixels(20, 64, seed=2))
    return folder_set(tmp_path / "photos")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> NDArray[np.uint8]:
        pytest.fail(f"decoded {path}")

    monkeypatch.setattr(module, "read_rgb", refuse)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_hr_is_cropped_and_lr_made_from_it(photos: TrainSet, cache: Path, scale: int) -> None:
    prepared = prepare([photos], scale, cache)
    assert [entry.name for entry in prepared.entries] == ["photos/a", "photos/b"]
    for index, (height, width) in enumerate([(41, 35), (20, 64)]):
        height, width = height // scale * scale, width // scale * scale
        hr = pixels(*[(41, 35), (20, 64)][index], seed=index + 1)[:height, :width]
        np.testing.assert_array_equal(prepared.hr(index), hr)
        np.testing.assert_array_equal(prepared.lr(index), downscale(hr, scale))


def test_lr_files_are_used_where_there_are_any(tmp_path: Path, cache: Path) -> None:
    save(tmp_path / "hr" / "a.png", pixels(41, 35))
    lr = pixels(20, 17, seed=9)
    save(tmp_path / "lr" / "ax2.png", lr)
    prepared = prepare([folder_set(tmp_path / "hr", tmp_path / "lr")], 2, cache)
    np.testing.assert_array_equal(prepared.lr(0), lr)


def test_lr_that_does_not_fit_is_refused_with_both_sizes(tmp_path: Path, cache: Path) -> None:
    save(tmp_path / "hr" / "a.png", pixels(41, 35))
    path = save(tmp_path / "lr" / "ax2.png", pixels(20, 18))
    with pytest.raises(DataError) as caught:
        prepare([folder_set(tmp_path / "hr", tmp_path / "lr")], 2, cache)
    assert str(caught.value) == (
        f"{path}: expected 17x20 pixels, as a.png is 35x41, but it is 18x20"
    )


def test_all_bad_files_are_named_together(photos: TrainSet, cache: Path) -> None:
    folder = photos.images[0].parent
    (folder / "c.png").write_text("not an image")
    (folder / "d.png").write_bytes(photos.images[0].read_bytes()[:500])
    with pytest.raises(DataError) as caught:
        prepare([folder_set(folder)], 2, cache)
    head, first, second = str(caught.value).splitlines()
    assert head == "2 images cannot be used:"
    assert first.startswith(f"{folder / 'c.png'}: expected an image")
    assert second.startswith(f"{folder / 'd.png'}: expected a readable image (image file is trunc")
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_second_call_decodes_nothing(
    photos: TrainSet, cache: Path, request: pytest.FixtureRequest
) -> None:
    first = prepare([photos], 2, cache)
    request.getfixturevalue("no_decoding")
    second = prepare([photos], 2, cache)
    assert second.sha256 == first.sha256
    assert second.entries == first.entries
    np.testing.assert_array_equal(second.hr(1), first.hr(1))


def test_prepared_pixels_are_read_only(photos: TrainSet, cache: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        prepare([photos], 2, cache).hr(0)[0, 0] = 0


def test_changed_file_is_prepared_again(photos: TrainSet, cache: Path) -> None:
    before = prepare([photos], 2, cache).sha256
    changed = pixels(41, 35, seed=1)
    changed[5, 5, 0] ^= 1
    save(photos.images[0], changed)
    os.utime(photos.images[0], (1, 1))
    after = prepare([photos], 2, cache)
    assert after.sha256 != before
    np.testing.assert_array_equal(after.hr(0), changed[:40, :34])


def test_hash_follows_the_pixels_and_not_the_files(tmp_path: Path, photos: TrainSet) -> None:
    before = prepare([photos], 2, tmp_path / "cache").sha256
    for index, path in enumerate(photos.images):
        with Image.open(path) as image:
            (tmp_path / "elsewhere").mkdir(exist_ok=True)
            image.save(tmp_path / "elsewhere" / f"{index}.bmp")
    moved = folder_set(tmp_path / "elsewhere")
    assert prepare([moved], 2, tmp_path / "other").sha256 == before
    assert prepare([moved], 3, tmp_path / "other").sha256 != before
    swapped = TrainSet("swapped", moved.images[::-1], None, ())
    assert prepare([swapped], 2, tmp_path / "other").sha256 != before


def test_same_bytes_in_another_shape_have_another_hash(tmp_path: Path, cache: Path) -> None:
    grey = np.full((8, 16, 3), 100, np.uint8)
    save(tmp_path / "wide" / "a.png", grey)
    save(tmp_path / "tall" / "a.png", grey.swapaxes(0, 1))
    wide, tall = (prepare([folder_set(tmp_path / name)], 2, cache) for name in ("wide", "tall"))
    assert wide.sha256 != tall.sha256


def truncate(folder: Path) -> None:
    with (folder / "hr.u8").open("r+b") as file:
        file.truncate(100)


def lengthen(folder: Path) -> None:
    with (folder / "lr.u8").open("ab") as file:
        file.write(b"\0")


def lose_pixels(folder: Path) -> None:
    (folder / "lr.u8").unlink()


def spoil_index(folder: Path) -> None:
    (folder / "index.json").write_text('{"images": [{"name": "a"')


def strip_index(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    del index["images"][0]["width"]
    (folder / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize("damage", [truncate, lengthen, lose_pixels, spoil_index, strip_index])
def test_damaged_cache_is_made_again_with_a_warning(
    photos: TrainSet, cache: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    before = prepare([photos], 2, cache)
    expected = before.hr(1).copy()
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    del before
    damage(folder)
    with caplog.at_level(logging.WARNING):
        after = prepare([photos], 2, cache)
    assert f"{folder} is damaged" in caplog.text
    np.testing.assert_array_equal(after.hr(1), expected)


def test_remains_of_a_killed_process_are_cleared(photos: TrainSet, cache: Path) -> None:
    prepare([photos], 2, cache)
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    folder.rename(f"{folder}.partial-killed")
    prepare([photos], 2, cache)
    assert [path for path in cache.iterdir() if path.is_dir()] == [folder]


def test_two_processes_prepare_once(photos: TrainSet, cache: Path) -> None:
    script = (
        "import logging, sys; from pathlib import Path\n"
        "from harness.data.catalogue import find_train; from harness.data.prepare import prepare\n"
        "logging.basicConfig(level='INFO', stream=sys.stdout, format='%(message)s')\n"
        "print(prepare(find_train(sys.argv[1], None, 2), 2, Path(sys.argv[2])).sha256)\n"
    )
    command = [sys.executable, "-c", script, str(photos.images[0].parent), str(cache)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert outputs[0][-1] == outputs[1][-1] == prepare([photos], 2, cache).sha256
    assert sum(line.startswith("preparing") for output in outputs for line in output) == 1


def test_cache_that_cannot_be_written_is_named(
    shared_tmp: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    save(shared_tmp / "a.png", pixels(8, 8))
    cache = shared_tmp / "cache"
    cache.mkdir(mode=0o755)
    cache.chmod(0o555)
    with unprivileged(), pytest.raises(DataError) as caught:
        prepare([folder_set(shared_tmp)], 2, cache)
    assert str(caught.value) == (
        f"{cache}: expected a folder to keep prepared images in (Permission denied)"
    )


def test_file_in_place_of_the_cache_is_named(photos: TrainSet, cache: Path) -> None:
    cache.touch()
    with pytest.raises(DataError, match=r"keep prepared images in \(File exists\)"):
        prepare([photos], 2, cache)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 256 KiB, where the system lets us."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk_is_reported_and_left_clean(tmp_path: Path, small_disk: Path) -> None:
    save(tmp_path / "photos" / "a.png", pixels(400, 400))
    with pytest.raises(DataError, match=r"disk: expected a folder .*\(the disk is full\)"):
        prepare([folder_set(tmp_path / "photos")], 2, small_disk)
    assert [path.suffix for path in small_disk.iterdir()] == [".lock"]


def test_failing_write_is_reported_and_left_clean(tmp_path: Path, cache: Path) -> None:
    resource = pytest.importorskip("resource")
    save(tmp_path / "photos" / "a.png", pixels(400, 400))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(DataError, match=r"cache: expected a folder .*\(File too large\)"):
            prepare([folder_set(tmp_path / "photos")], 2, cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_file_that_vanished_is_named(photos: TrainSet, cache: Path) -> None:
    photos.images[1].unlink()
    with pytest.raises(DataError, match=r"b\.png: expected a readable image \(No such file"):
        prepare([photos], 2, cache)


def test_description_says_what_is_left_out_and_why(tmp_path: Path, cache: Path) -> None:
    for name, size in {"big": 40, "dot": 1, "c": 19, "d": 19, "e": 19}.items():
        save(tmp_path / "photos" / f"{name}.png", pixels(size, 40))
    save(tmp_path / "photos" / "dot.png", pixels(1, 1))
    prepared = prepare([folder_set(tmp_path / "photos", excluded=("leak.png",))], 2, cache)
    assert prepared.usable(10) == (0,)
    assert prepared.usable(9) == (0, 1, 2, 4)
    assert prepared.describe(10) == (
        "photos x2: 1 images, 0.0 MP, LR made; "
        "left out as smaller than the 20x20 patch: 4 (photos/c, photos/d, photos/dot, ...); "
        "left out by EXCLUDE.txt: 1 (photos/leak.png)"
    )
    assert (
        prepare([folder_set(tmp_path / "photos")], 2, cache).describe(0).endswith("0.0 MP, LR made")
    )


def test_set_of_one_pixel_images_is_prepared_but_usable_for_nothing(
    tmp_path: Path, cache: Path
) -> None:
    save(tmp_path / "photos" / "dot.png", pixels(1, 1))
    prepared = prepare([folder_set(tmp_path / "photos")], 2, cache)
    assert prepared.hr(0).shape == prepared.lr(0).shape == (0, 0, 3)
    assert prepared.usable(1) == ()


def test_sets_are_joined(photos: TrainSet, tmp_path: Path, cache: Path) -> None:
    save(tmp_path / "more" / "a.png", pixels(10, 12, seed=3))
    joined = prepare([photos, folder_set(tmp_path / "more")], 2, cache)
    assert joined.name == "photos+more"
    assert [entry.name for entry in joined.entries] == ["photos/a", "photos/b", "more/a"]
    np.testing.assert_array_equal(joined.hr(2), pixels(10, 12, seed=3))


def test_pair_to_score_on_has_lr_made_from_the_cropped_hr(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", pixels(41, 35))
    lr, hr = load_pair(TestSet("x", (path,), None), 0, 3)
    np.testing.assert_array_equal(hr, pixels(41, 35)[:39, :33])
    np.testing.assert_array_equal(lr, downscale(hr, 3))


def test_pair_to_score_on_must_fit(tmp_path: Path) -> None:
    hr = save(tmp_path / "a.png", pixels(41, 35))
    lr = save(tmp_path / "ax2.png", pixels(41, 35))
    with pytest.raises(DataError, match=r"ax2\.png: expected 17x20 pixels"):
        load_pair(TestSet("x", (hr,), (lr,)), 0, 2)


def test_one_pixel_image_cannot_be_scored_on(tmp_path: Path) -> None:
    path = save(tmp_path / "dot.png", pixels(1, 1))
    with pytest.raises(DataError, match=r"dot\.png: expected at least 2x2 pixels"):
        load_pair(TestSet("x", (path,), None), 0, 2)


@pytest.mark.data
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_lr_made_equals_lr_read_on_set5(data_root: Path, scale: int) -> None:
    read = find_test("Set5", data_root, scale)
    made = TestSet("Set5", read.hr, None)
    assert read.lr is not None
    for index in range(len(read.hr)):
        np.testing.assert_array_equal(
            load_pair(read, index, scale)[0], load_pair(made, index, scale)[0]
        )


@pytest.mark.data
def test_t291_is_prepared_whole(data_root: Path, cache: Path) -> None:
    sets = find_train("T291", data_root, 2)
    prepared = prepare(sets, 2, cache)
    assert prepared.describe(48) == (
        "T291 x2: 288 images, 35.9 MP, LR made; left out as smaller than the 96x96 patch: 1 "
        "(T291/T91_t20); left out by EXCLUDE.txt: 2 (T291/BSD200_302003.png, T291/T91_t65.png)"
    )
    last = read_rgb(sets[0].images[-1])
    height, width = prepared.hr(-1).shape[:2]
    np.testing.assert_array_equal(prepared.hr(-1), last[:height, :width])

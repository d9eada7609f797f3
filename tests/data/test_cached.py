"""Prepared images are checked by their pixels before anything is trained on them."""

import multiprocessing
import os

import numpy as np
import pytest
from PIL import Image

from harness.data import cached
from harness.data import prepare as prepare_module
from harness.data.catalogue import TrainSet
from harness.data.images import list_images
from harness.data.prepare import prepare

PROCESSES = 8


@pytest.fixture
def photos(tmp_path):
    generator = np.random.default_rng(0)
    for name, shape in (("a", (41, 35, 3)), ("b", (20, 64, 3))):
        (tmp_path / "photos").mkdir(exist_ok=True)
        image = Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8))
        image.save(tmp_path / "photos" / f"{name}.png")
    return TrainSet("photos", list_images(tmp_path / "photos"), None, ())


def flip_a_bit(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(("file", "at"), [("hr.u8", 0), ("hr.u8", -1), ("lr.u8", 77)])
@pytest.mark.parametrize("scale", [2, 3])
def test_a_flipped_bit_is_found_and_the_images_prepared_again(photos, tmp_path, file, at, scale):
    before = prepare([photos], scale, tmp_path / "cache")
    good = before.hr(1).copy(), before.lr(0).copy()
    (folder,) = [path.parent for path in (tmp_path / "cache").glob("*/index.json")]
    assert [one.problem for one in cached.check_all(tmp_path / "cache")] == [""]
    flip_a_bit(folder / file, at)
    assert [bool(one.problem) for one in cached.check_all(tmp_path / "cache")] == [True]
    again = prepare([photos], scale, tmp_path / "cache")
    assert again.sha256 == before.sha256
    np.testing.assert_array_equal(again.hr(1), good[0])
    np.testing.assert_array_equal(again.lr(0), good[1])
    assert [one.problem for one in cached.check_all(tmp_path / "cache")] == [""]


def test_verify_names_a_damaged_folder(photos, tmp_path, invoke, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    prepare([photos], 2, tmp_path / "cache")
    (folder,) = [path.parent for path in (tmp_path / "cache").glob("*/index.json")]
    flip_a_bit(folder / "hr.u8", 5)
    (tmp_path / "root").mkdir()
    result = invoke("data", "verify", "--data-root", tmp_path / "root")
    assert result.exit_code == 1
    assert str(folder) in result.output
    assert "digest" in result.output


def _prepare(photos, cache, barrier, made):
    barrier.wait()
    prepared = prepare([photos], 2, cache)
    made.put((prepared.sha256, int(prepared.hr_pixels.sum())))


def test_eight_processes_prepare_a_set_once(photos, tmp_path, monkeypatch):
    build, built = prepare_module._build, tmp_path / "built"

    def counted(*arguments):
        with built.open("a") as log:
            log.write(f"{os.getpid()}\n")
        build(*arguments)

    monkeypatch.setattr(prepare_module, "_build", counted)
    context = multiprocessing.get_context("fork")
    barrier, made = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=_prepare, args=(photos, tmp_path / "cache", barrier, made))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    results = [made.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(set(results)) == 1
    (index,) = (tmp_path / "cache").glob("*/index.json")
    assert not list(index.parent.parent.glob("*.partial-*"))
    assert len(built.read_text().split()) == 1

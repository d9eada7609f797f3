"""``harness upscale``: which files it writes, which it refuses, and what is in them."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio

from harness.data import resize
from harness.data.catalogue import find_test
from harness.data.images import survey
from harness.data.prepare import load_pair
from harness.deploy import upscale
from harness.evaluation import evaluate
from harness.experiment import checkpoints
from harness.models import registry
from harness.models.initialise import initialise
from harness.weights import load

RGB = astronaut()[:30, 180:221]
BICUBIC = ("--model", "bicubic", "--scale", 2)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number, name in enumerate(("a.png", "b.tif", "c.PNG")):
        Image.fromarray(np.roll(RGB, number, 0)).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    (folder / "more").mkdir()
    Image.fromarray(RGB).save(folder / "more" / "d.png")
    return folder


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_upscaled_into_a_new_one(photos, tmp_path, invoke):
    result = invoke("upscale", photos, "-o", tmp_path / "new" / "out", *BICUBIC)
    assert result.exit_code == 0, result.output
    assert names(tmp_path / "new" / "out") == ["a_x2.png", "b_x2.png", "c_x2.png"]
    for number, name in enumerate("abc"):
        expected = resize.upscale(np.roll(RGB, number, 0), 2)
        assert np.array_equal(pixels(tmp_path / "new" / "out" / f"{name}_x2.png"), expected)
    assert result.stdout.split() == [
        str(tmp_path / "new" / "out" / f"{name}_x2.png") for name in "abc"
    ]


@pytest.mark.parametrize("name", ["o.png", "o.TIF", "o.jpg", "o.webp"])
def test_one_image_may_have_a_file_name(name, photos, tmp_path, invoke):
    result = invoke("upscale", photos / "a.png", "-o", tmp_path / name, *BICUBIC)
    assert result.exit_code == 0, result.output
    loss = pixels(tmp_path / name).astype(int) - resize.upscale(RGB, 2)
    assert np.abs(loss).max() <= (40 if name.endswith("jpg") else 0)


def test_one_image_may_have_a_folder(photos, tmp_path, invoke):
    (tmp_path / "v1.5").mkdir()
    for folder in ("plain", "v1.5"):
        result = invoke("upscale", photos / "a.png", "-o", tmp_path / folder, *BICUBIC)
        assert result.exit_code == 0, result.output
        assert names(tmp_path / folder) == ["a_x2.png"]


def test_an_image_named_twice_is_upscaled_once(photos, tmp_path, invoke):
    result = invoke("upscale", photos, photos / "a.png", "-o", tmp_path / "out", *BICUBIC)
    assert result.exit_code == 0, result.output
    assert names(tmp_path / "out") == ["a_x2.png", "b_x2.png", "c_x2.png"]


# Refused before anything is done


@pytest.mark.parametrize(
    ("inputs", "output", "options", "message"),
    [
        (["in/a.png"], "x.gif", BICUBIC, "'.*x.gif' has no known ending: expected .png, .tif"),
        (["in"], "x.png", BICUBIC, "'.*x.png' is no folder: several images need one"),
        (["in/a.png", "in/b.tif"], "file", BICUBIC, "'.*file' is no folder"),
        (["in/a.png"], "file", BICUBIC, "'.*file' is a file without an ending"),
        (["in/aa.png"], "out", BICUBIC, r"no file or folder '.*aa.png' \(did you mean 'a.png'\?\)"),
        (["nowhere"], "out", BICUBIC, "there is no file or folder '.*nowhere'"),
        (["empty"], "out", BICUBIC, "'.*empty' is a folder without images"),
        (["in/a.png", "in/more/a.jpg"], "out", BICUBIC, "would both be written to '.*a_x2.png'"),
        (["in/a.png"], "in/b.tif", BICUBIC, "'.*b.tif' exists: use --force"),
        (["in/a.png"], "in/a.png", (*BICUBIC, "--force"), "is an input and an output"),
        (["in/a.png"], "full", BICUBIC, "'.*a_x2.png' exists: use --force"),
        (["in"], "full", BICUBIC, "'.*a_x2.png' exists, and 1 more: use --force"),
        (["in/a.png"], "out", ("--model", "bicubik", "--scale", 2), "did you mean 'bicubic'"),
        (["in/a.png"], "out", ("--model", "bicubic", "--scale", 5), "not x5"),
        (["in/a.png"], "out", ("--model", "carn", "--scale", 2), "expected --checkpoint FILE"),
        (["in/a.png"], "out", (*BICUBIC, "--checkpoint", "no.pth"), "bicubic has no weights"),
        (["in/a.png"], "out", (*BICUBIC, "--memory", "much"), "'much' is no size of memory"),
        (["in/a.png"], "out", (*BICUBIC, "--memory", "9kB"), "expected --memory 1MB or more"),
    ],
)
def test_what_cannot_be_is_refused_first(
    inputs, output, options, message, photos, tmp_path, invoke
):
    Image.fromarray(RGB).save(photos / "more" / "a.jpg")
    for folder in ("empty", "full"):
        (tmp_path / folder).mkdir()
    for name in ("file", "full/a_x2.png", "full/b_x2.png"):
        (tmp_path / name).write_text("kept")
    result = invoke(
        "upscale", *(tmp_path / one for one in inputs), "-o", tmp_path / output, *options
    )
    assert result.exit_code == 2, result.output
    assert re.search(f"^Error: .*{message}", result.stderr, re.MULTILINE), result.stderr
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "full/a_x2.png").read_text() == "kept"
    assert np.array_equal(pixels(photos / "a.png"), RGB)


def test_weights_that_cannot_be_read_are_refused(photos, tmp_path, invoke):
    (tmp_path / "half.pth").write_bytes(b"PK\x03\x04")
    result = invoke(
        *("upscale", photos, "-o", tmp_path / "out", "--model", "espcn", "--scale", 2),
        *("--checkpoint", tmp_path / "half.pth"),
    )
    assert result.exit_code == 1
    assert re.match("Error: .*half.pth", result.stderr)
    assert not (tmp_path / "out").exists()


def test_force_replaces_what_is_there(photos, tmp_path, invoke):
    (tmp_path / "o.png").write_text("old")
    result = invoke("upscale", photos / "a.png", "-o", tmp_path / "o.png", *BICUBIC, "--force")
    assert result.exit_code == 0, result.output
    assert np.array_equal(pixels(tmp_path / "o.png"), resize.upscale(RGB, 2))


# What goes wrong on the way


def test_images_that_fail_are_reported_and_the_others_go_on(photos, tmp_path, invoke):
    (photos / "b.tif").write_bytes(b"no image")
    Image.fromarray(RGB).convert("CMYK").save(photos / "b2.jpg")
    result = invoke("upscale", photos, "-o", tmp_path / "out", *BICUBIC)
    assert result.exit_code == 1
    assert names(tmp_path / "out") == ["a_x2.png", "c_x2.png"]
    assert "b.tif: expected an image" in result.stderr
    assert "b2.jpg: expected RGB or grey, but it has CMYK inks" in result.stderr
    assert result.stderr.endswith("Error: 2 of 4 images could not be upscaled\n")


def test_a_format_that_cannot_hold_the_image_is_refused_by_name(photos, tmp_path, invoke):
    Image.fromarray(np.dstack([RGB, RGB[..., 0]])).save(photos / "a.png")
    result = invoke("upscale", photos / "a.png", "-o", tmp_path / "o.jpg", *BICUBIC)
    assert result.exit_code == 1
    assert "a.png: alpha does not fit into JPEG" in result.stderr
    assert not (tmp_path / "o.jpg").exists()


def test_an_old_file_outlives_a_failure_and_nothing_is_left_behind(
    photos, tmp_path, invoke, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "out").mkdir()
    (tmp_path / "out/a_x2.png").write_text("old")
    monkeypatch.setattr(os, "replace", full)
    result = invoke("upscale", photos / "a.png", "-o", tmp_path / "out", *BICUBIC, "--force")
    assert result.exit_code == 1
    assert "the disk is full" in result.stderr
    assert names(tmp_path / "out") == ["a_x2.png"]
    assert (tmp_path / "out/a_x2.png").read_text() == "old"


SLOW = """
import time
from harness.models.bicubic import Bicubic

class Slow(Bicubic):
    def __init__(self, *, scale):
        super().__init__(scale=scale)
        self.runs = 0
    def forward(self, lr):
        self.runs += lr.device.type == "cpu"
        if self.runs > 1:
            time.sleep(60)
        return super().forward(lr)
"""


@pytest.fixture
def _sigint_reaches_children():
    """A job that a shell starts in the background has SIGINT ignored, and its children too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_sigint_reaches_children")
def test_ctrl_c_keeps_the_finished_files(photos, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    running = subprocess.Popen(
        [
            *(sys.executable, "-m", "harness", "upscale", photos, "-o", tmp_path / "out"),
            *("--model", f"{tmp_path / 'slow.py'}:Slow", "--scale", "2"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = running.stdout.readline()
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert first.strip() == str(tmp_path / "out" / "a_x2.png")
    assert errors.splitlines()[-2:] == ["stopped: 1 of 3 images are written", "Interrupted."]
    assert names(tmp_path / "out") == ["a_x2.png"]


# What comes out


def alike(first, second):
    """Equal, but for ties that the order of additions decides."""
    difference = np.abs(first.astype(int) - second)
    return difference.max() <= 1 and difference.mean() < 1e-3


def tiny(tmp_path):
    network = registry.get("espcn").build(scale=2)
    initialise(network, seed=0)
    checkpoints.write_weights(tmp_path, network)
    return network.eval(), ("--checkpoint", tmp_path / checkpoints.WEIGHTS_FILE)


def test_tiles_and_self_ensemble_by_the_command_line(photos, tmp_path, invoke):
    network, weights = tiny(tmp_path)
    common = ("upscale", photos / "a.png", "--model", "espcn", "--scale", 2, *weights)
    for name, options in (
        ("whole.png", ("--tile", 0)),
        ("tiles.png", ("--tile", 9)),
        ("plus.png", ("--self-ensemble", "--tile", 9)),
        ("seams.png", ("--tile", 9, "--overlap", 0)),
    ):
        result = invoke(*common, "-o", tmp_path / name, *options)
        assert result.exit_code == 0, result.output
    whole = pixels(tmp_path / "whole.png")
    assert alike(whole, evaluate.upscale(network, RGB, torch.device("cpu")))
    assert alike(pixels(tmp_path / "tiles.png"), whole)
    assert not alike(pixels(tmp_path / "plus.png"), whole)
    assert not alike(pixels(tmp_path / "seams.png"), whole)


def test_a_memory_limit_cuts_the_image_without_a_trace(tmp_path, invoke):
    _, weights = tiny(tmp_path)
    Image.fromarray(astronaut()[:200, :200]).save(tmp_path / "big.png")
    common = ("upscale", tmp_path / "big.png", "--model", "espcn", "--scale", 2, *weights)
    for memory in ("1GB", "5MB"):
        output = tmp_path / f"{memory}.png"
        result = invoke(*common, "-o", output, "--memory", memory)
        assert result.exit_code == 0, result.output
        assert ("tiles overlap by 4 LR px" in result.stderr) is (memory == "5MB")
    assert alike(pixels(tmp_path / "1GB.png"), pixels(tmp_path / "5MB.png"))


@pytest.mark.data
def test_files_have_the_pixels_that_are_scored(data_root, public_checkpoints, tmp_path, invoke):
    weights = public_checkpoints / "imdn_x2.pth"
    test = find_test("Set5", data_root, 2)
    butterfly = 2
    lr = test.lr[butterfly]
    result = invoke(
        *("upscale", lr, "-o", tmp_path / "o.png", "--model", "imdn", "--scale", 2),
        *("--checkpoint", weights, "--as-built"),
    )
    assert result.exit_code == 0, result.output
    network = load.build("imdn", scale=2, checkpoint=weights)
    small, hr = load_pair(test, butterfly, 2)
    assert np.array_equal(
        pixels(tmp_path / "o.png"), evaluate.upscale(network, small, torch.device("cpu"))
    )
    assert peak_signal_noise_ratio(hr, pixels(tmp_path / "o.png")) > 30


def test_no_bar_where_there_is_no_terminal(photos, tmp_path, invoke):
    assert invoke("-q", "upscale", photos, "-o", tmp_path / "out", *BICUBIC).stderr == ""


def test_plan_touches_nothing(photos, tmp_path):
    jobs = upscale.plan(
        [photos], tmp_path / "out", scale=3, force=False, listings={photos: survey(photos)}
    )
    assert [target.name for target in jobs.values()] == ["a_x3.png", "b_x3.png", "c_x3.png"]
    assert not (tmp_path / "out").exists()


def test_what_a_folder_holds_beside_images_is_named(tmp_path, invoke, caplog):
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(astronaut()[:9, :9]).save(folder / "a.jfif", "JPEG")
    (folder / "notes.txt").write_text("none")
    run = ("upscale", folder, "--model", "bicubic", "-o", tmp_path / "out", "--force")
    result = invoke(*run)
    assert result.exit_code == 0
    assert "passed over 1 file (notes.txt): no images" in result.stderr
    (folder / "b.png~").write_bytes((folder / "a.jfif").read_bytes())
    result = invoke(*run)
    assert result.exit_code == 1
    assert "passed over 1 file (b.png~)" in result.stderr
    (folder / "b.png~").rename(folder / "a.NEF")
    result = invoke(*run)
    assert result.exit_code == 1
    assert "passed over 1 file (a.NEF)" in result.stderr
    assert (tmp_path / "out" / "a_x2.png").is_file()


def test_names_that_are_not_utf_8_are_kept(tmp_path, invoke):
    name = os.fsdecode(b"caf\xe9.png")
    Image.fromarray(astronaut()[:9, :9]).save(tmp_path / name)
    result = invoke("upscale", tmp_path / name, "--model", "bicubic")
    assert result.exit_code == 0
    assert result.stdout_bytes.endswith(b"caf\xe9_x2.png\n")

"""The bundled weights: what the card says of them, and using them."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file
from skimage.data import astronaut, coffee
from skimage.metrics import peak_signal_noise_ratio

from harness.data import resize
from harness.errors import UsageError
from harness.models import registry
from harness.records import record as records
from harness.weights import load, pretrained

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "pretrained"
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")
FILES = sorted(FOLDER.glob("*.safetensors"))
MOST_BYTES = 2_500_000


def record_of(path):
    model, _, scale = path.stem.rpartition("_x")
    (name,) = re.findall(rf"results/runs/({model}-x{scale}-[\w-]+)", CARD)
    return records.read(ROOT, name)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_small_and_holds_finite_weights_of_its_network(path):
    assert path.stat().st_size <= MOST_BYTES
    model, _, scale = path.stem.rpartition("_x")
    network = registry.get(model).build(scale=int(scale))
    tensors = load_file(path)
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        name: tensor.shape for name, tensor in network.state_dict().items()
    }
    assert all(tensor.isfinite().all() for tensor in tensors.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_card_repeats_the_record_of_the_training(path):
    record = record_of(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in CARD
    (row,) = (line for line in CARD.splitlines() if line.startswith(f"| `{path.name}`"))
    assert f"{record.steps:,}" in row
    for score in record.scores:
        assert f"{score.psnr_db:.2f}/{score.ssim:.4f}" in row


@pytest.mark.data
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_file_scores_as_the_record_says(path, data_root, invoke):
    record = record_of(path)
    asked = ("--scale", record.scale, "--data", "Set5", "--format", "json")
    result = invoke("eval", record.model, *asked)
    assert result.exit_code == 0, result.output
    (score,) = json.loads(result.stdout)["scores"]
    assert score["psnr_db"] == pytest.approx(record.score("Set5").psnr_db, abs=0.006)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_photograph_is_upscaled_with_no_more_than_its_name(path, tmp_path, invoke):
    scale = int(path.stem.rpartition("_x")[2])
    hr = astronaut()[40:232, 140:332]
    lr = resize.downscale(hr, scale)
    Image.fromarray(lr).save(tmp_path / "photo.png")
    options = () if scale == pretrained.SCALE else ("--scale", scale)
    result = invoke("upscale", tmp_path / "photo.png", *options)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / f"photo_x{scale}.png")
    cut = (slice(8, -8), slice(8, -8))
    ours = peak_signal_noise_ratio(hr[cut], pixels(tmp_path / f"photo_x{scale}.png")[cut])
    bicubic = peak_signal_noise_ratio(hr[cut], resize.upscale(lr, scale)[cut])
    assert ours > bicubic + 1


def test_without_an_output_results_lie_beside_the_inputs(tmp_path, invoke, monkeypatch):
    (tmp_path / "album").mkdir()
    for name in ("one.png", "album/two.png", "album/three.jpg"):
        Image.fromarray(coffee()[:20, :30]).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    result = invoke("upscale", "one.png", "album", "album/two.png")
    assert result.exit_code == 0, result.output
    assert sorted(result.stdout.split()) == [
        "album_x2/three_x2.png",
        "album_x2/two_x2.png",
        "one_x2.png",
    ]
    monkeypatch.chdir(tmp_path / "album")
    result = invoke("upscale", ".", "--force")
    assert result.exit_code == 0, result.output
    assert {Path(line) for line in result.stdout.split()} == {
        tmp_path / "album_x2" / "two_x2.png",
        tmp_path / "album_x2" / "three_x2.png",
    }


def test_a_second_time_nothing_is_overwritten(tmp_path, invoke):
    Image.fromarray(coffee()[:20, :30]).save(tmp_path / "one.png")
    assert invoke("upscale", tmp_path / "one.png").exit_code == 0
    result = invoke("upscale", tmp_path / "one.png")
    assert result.exit_code == 2
    assert "one_x2.png' exists: use --force" in result.output


def test_another_scale_is_refused_and_those_there_are_named(tmp_path, invoke):
    Image.fromarray(coffee()[:20, :30]).save(tmp_path / "one.png")
    result = invoke("upscale", tmp_path / "one.png", "--scale", 8)
    assert result.exit_code == 2
    known = ", ".join(f"x{scale}" for scale in pretrained.scales("awsrn_s"))
    assert (
        f"awsrn_s x8 needs weights: expected --checkpoint FILE (for {known} some are bundled"
        in (result.output)
    )


def test_a_changed_network_does_not_get_the_weights():
    with pytest.raises(UsageError, match=r"expected --checkpoint FILE$"):
        load.load("awsrn_s", scale=2, checkpoint=None, overrides={"channels": 24})


def test_weights_are_compared_by_the_id_alone(invoke, tmp_path):
    result = invoke(
        *("compare", "bicubic", "awsrn_s", "--scale", 2, "--data", "sample"),
        *("--results", tmp_path, "--format", "csv"),
    )
    assert result.exit_code == 0, result.output
    bicubic, ours = csv.DictReader(io.StringIO(result.stdout))
    (mean,) = (key for key in ours if key.endswith("mean_psnr_db"))
    assert float(ours[mean]) > float(bicubic[mean]) + 1


def test_the_parts_of_a_picture_are_drawn_from_them(invoke, tmp_path):
    result = invoke(
        *("figures", "branches", "--scale", 2, "--model", "awsrn_s"),
        *("--image", "sample/coffee", "--box", "100,100,60,40", "-o", tmp_path / "parts.png"),
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "parts.png").is_file()


def test_branches_are_ranked_and_pruned_from_them(invoke, tmp_path, tiny_root, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(tiny_root))
    result = invoke(
        *("prune", "awsrn_s", "--scale", 2, "--data", "own", "--tolerance-db", 0),
        *("-o", tmp_path / "smaller.safetensors", "--format", "json"),
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    branches = [loss["candidate"]["number"] for loss in found["ranking"]]
    assert sorted(branches) == [3, 5, 7, 9]
    assert round(found["before"]["params"] / 1000) == 397  # as the paper prints


@pytest.mark.data
@pytest.mark.parametrize(("scale", "removed", "loss_db"), [(2, [], 0.060), (4, [9], 0.007)])
def test_pruning_them_gives_what_the_readme_says(scale, removed, loss_db, invoke, tmp_path):
    result = invoke(
        *("prune", "awsrn_s", "--scale", scale, "--data", "Set5", "--format", "json"),
        *("-o", tmp_path / "smaller.safetensors"),
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [loss["candidate"]["number"] for loss in found["removed"]] == removed
    assert found["ranking"][0]["candidate"]["number"] == 9
    assert found["ranking"][0]["loss_db"] == pytest.approx(loss_db, abs=0.002)
    if removed:
        # 9x9 weights, gains, biases of 48 channels from 32; alpha.
        saved = found["before"]["params"] - found["after"]["params"]
        assert saved == 81 * 32 * 48 + 48 + 48 + 1
        readme = (ROOT / "harness" / "deploy" / "README.md").read_text(encoding="utf-8")
        assert f"{saved:,} of {found['before']['params']:,}" in readme

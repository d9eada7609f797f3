"""Records of another machine come over whole, once, and only if they fit; the rest is named."""

import csv
import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError
from harness.host import files
from harness.records import conditions, importing, record
from harness.records.marks import RECIPE
from harness.records.record import Record

FILES = ("record.json", "weights.safetensors")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_root):
    """What another machine has: the tiny ablation, trained and scored, with a cut row."""
    from click.testing import CliRunner

    from harness.cli.main import main
    from tests.conftest import TINY_ROWS

    root = tmp_path_factory.mktemp("elsewhere")
    cut = "  - {label: cut, model: awsrn_s, with: {num_units: 1, channels: 4, inner_channels: 8}"
    (root / "tiny.yaml").write_text(
        TINY_ROWS.replace("config:\n", f"{cut}, drop: [9]}}\nconfig:\n")
    )
    words = [
        *("run", f"ablation={root / 'tiny.yaml'}", f"data.root={tiny_root}", "data.test=own"),
        *(f"results.root={root}", "tracking.mlflow=false", "threads=1"),
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def elsewhere(trained, tmp_path):
    shutil.copytree(trained / "results", tmp_path / "elsewhere" / "results")
    return tmp_path / "elsewhere"


def cells(root):
    return {path.name: path for path in (root / "results" / "runs").iterdir()}


def content(root):
    """What a root holds, apart from locks and logs."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in (root / "results").rglob("*")
        if path.name in FILES
    }


def changed(path, **values):
    raw = json.loads((path / "record.json").read_text())
    (path / "record.json").write_text(json.dumps(raw | values))
    return path


def plain(root):
    """A cell that was trained, and whose training no other row shares."""
    return next(path for path in cells(root).values() if '"basic"' in record_text(path))


def record_text(cell):
    return (cell / "record.json").read_text()


@pytest.mark.parametrize("where", ["", "results/runs"])
def test_records_and_weights_are_taken_over_once(where, elsewhere, tmp_path, invoke):
    here = tmp_path / "here"
    first = invoke("records", "import", elsewhere / where, "--results", here)
    assert first.exit_code == 0, first.output
    assert "taken over: 4, passed over as they are here: 0, refused: 0" in first.stdout
    assert "weights taken over: 3" in first.stdout  # bicubic has none
    assert content(here) == content(elsewhere)
    assert {path.name for path in (here / "results").iterdir()} == {"runs"}
    again = invoke("records", "import", elsewhere / where, "--results", here)
    assert again.exit_code == 0
    assert "taken over: 0, passed over as they are here: 4, refused: 0" in again.stdout
    assert content(here) == content(elsewhere)


def test_a_run_takes_what_came_over_as_done(trained, elsewhere, tmp_path, tiny_root, invoke):
    here = tmp_path / "here"
    invoke("records", "import", elsewhere, "--results", here)
    plan = invoke(
        *("run", f"ablation={trained / 'tiny.yaml'}", f"data.root={tiny_root}", "data.test=own"),
        *(f"results.root={here}", "tracking.mlflow=false", "threads=1", "--dry-run"),
        *("--format", "csv"),
    )
    states = [row["state"] for row in csv.DictReader(plan.stdout.splitlines())]
    assert states == ["done"] * 4


def test_one_cell_comes_alone_and_missing_weights_come_later(elsewhere, tmp_path, invoke):
    here, cell = tmp_path / "here", plain(elsewhere)
    invoke("records", "import", cell, "--results", here)
    assert cells(here).keys() == {cell.name}
    (cells(here)[cell.name] / "weights.safetensors").unlink()
    again = invoke("records", "import", cell, "--results", here)
    assert "passed over as they are here: 1" in again.stdout
    assert "weights taken over: 1" in again.stdout
    assert content(here).items() <= content(elsewhere).items()


def test_another_record_of_the_same_id_is_a_conflict(elsewhere, tmp_path, invoke):
    here, cell = tmp_path / "here", plain(elsewhere)
    invoke("records", "import", elsewhere, "--results", here)
    before = content(here)
    changed(cell, wall_time_s=1.5)
    result = invoke("records", "import", elsewhere, "--results", here)
    assert result.exit_code == 1
    assert cell.name in result.stderr
    assert "wall_time_s" in result.stderr
    assert "passed over as they are here: 3, refused: 1" in result.stdout
    assert content(here) == before


def test_bicubic_of_another_machine_is_the_one_that_is_here(elsewhere, tmp_path, invoke):
    """Every results root has its own, with the same scores and another time and device."""
    here, cell = tmp_path / "here", next(elsewhere.glob("results/runs/bicubic-*"))
    invoke("records", "import", elsewhere, "--results", here)
    before = content(here)
    raw = json.loads((cell / "record.json").read_text())
    raw["provenance"] |= {"device": "cpu (another)", "started": "2026-12-01T00:00:00+00:00"}
    (cell / "record.json").write_text(json.dumps(raw))
    result = invoke("records", "import", elsewhere, "--results", here)
    assert result.exit_code == 0, result.output
    assert "passed over as they are here: 4, refused: 0" in result.stdout
    assert content(here) == before
    raw["params"] = 7
    (cell / "record.json").write_text(json.dumps(raw))
    result = invoke("records", "import", elsewhere, "--results", here)
    assert (result.exit_code, "params" in result.stderr) == (1, True)


def _no_json(cell):
    (cell / "record.json").write_text("{")


def _means_that_do_not_follow(cell):
    raw = json.loads((cell / "record.json").read_text())
    raw["scores"][0]["psnr_db"] += 1
    (cell / "record.json").write_text(json.dumps(raw))


def _other_threads(cell):
    raw = json.loads((cell / "record.json").read_text())
    raw["config"]["threads"] += 1
    (cell / "record.json").write_text(json.dumps(raw))


def _other_weights(cell):
    tensors = load_file(cell / "weights.safetensors")
    name = next(iter(tensors))
    save_file(tensors | {name: tensors[name] + 1}, cell / "weights.safetensors")


def _damaged_weights(cell):
    raw = bytearray((cell / "weights.safetensors").read_bytes())
    raw[-1] ^= 1
    (cell / "weights.safetensors").write_bytes(raw)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_json, "JSON"),
        (_means_that_do_not_follow, "mean over the images"),
        (_other_threads, "group"),
        (lambda cell: changed(cell, fingerprint="0" * 64), "fingerprint"),
        (lambda cell: changed(cell, scale=3), "scale"),
        (lambda cell: changed(cell, steps=0), "steps"),
        (lambda cell: changed(cell, id="../../elsewhere-s0"), "folder of another name"),
        (_other_weights, "weights are others"),
        (_damaged_weights, "damaged"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_rest_comes(damage, said, elsewhere, tmp_path, invoke):
    here, cell = tmp_path / "here", plain(elsewhere)
    damage(cell)
    result = invoke("records", "import", elsewhere, "--results", here)
    assert result.exit_code == 1
    assert cell.name in result.stderr
    assert said in result.stderr
    assert cell.name not in cells(here)
    assert "refused: 1" in result.stdout
    taken = {name for name in cells(elsewhere) if not name.startswith(cell.name)}
    assert taken <= cells(here).keys()


def test_weights_without_a_digest_to_know_them_by_are_named_and_left(elsewhere, tmp_path, invoke):
    here, cell = tmp_path / "here", changed(plain(elsewhere), weights_sha256="")
    result = invoke("records", "import", cell, "--results", here)
    assert result.exit_code == 0
    assert f"weights not taken over, {cell.name}" in result.stdout
    assert [*cells(here)[cell.name].iterdir()] == [cells(here)[cell.name] / "record.json"]


def test_cut_weights_come_only_with_those_that_they_are_cut_from(elsewhere, tmp_path, invoke):
    here = tmp_path / "here"
    (cut,) = [path for name, path in cells(elsewhere).items() if "drop" in name]
    whole = cells(elsewhere)[cut.name.partition("-drop")[0]] / "weights.safetensors"
    saved = whole.read_bytes()
    whole.unlink()
    result = invoke("records", "import", cut, "--results", here)
    assert "weights taken over: 0" in result.stdout
    whole.write_bytes(saved)
    tensors = load_file(cut / "weights.safetensors")
    name = next(iter(tensors))
    save_file(tensors | {name: torch.zeros_like(tensors[name]) - 1}, cut / "weights.safetensors")
    result = invoke("records", "import", cut, "--results", tmp_path / "there")
    assert result.exit_code == 1
    assert "not cut from" in result.stderr


def test_other_weights_in_the_place_of_a_record_are_not_joined_with_it(elsewhere, tmp_path, invoke):
    here, cell = tmp_path / "here", plain(elsewhere)
    place = here / "results" / "runs" / cell.name
    place.mkdir(parents=True)
    shutil.copy(cell / "weights.safetensors", place)
    _other_weights(place)
    before = content(here)
    result = invoke("records", "import", cell, "--results", here)
    assert result.exit_code == 1
    assert "other weights lie in its place" in result.stderr
    assert content(here) == before


@pytest.mark.parametrize("there", [True, False], ids=["a folder is there", "none is there"])
def test_nothing_is_left_half_copied_where_writing_fails(there, elsewhere, tmp_path, monkeypatch):
    here, cell = tmp_path / "here", plain(elsewhere)
    place = here / "results" / "runs" / cell.name
    if there:
        place.mkdir(parents=True)
        (place / "failure.json").write_text("{}")
    write = files.write_atomic

    def full(path, content):
        if path.name == "record.json":
            raise HarnessError("the disk is full")
        write(path, content)

    monkeypatch.setattr(importing, "write_atomic", full)
    with pytest.raises(HarnessError, match="disk is full"):
        importing.take([cell], here)
    left = {path.name for path in (here / "results").rglob("*") if path.is_file()}
    assert left <= {"failure.json", ".lock"}
    monkeypatch.undo()
    importing.take([cell], here)
    assert {path.name for path in place.iterdir()} - {".lock"} == {*FILES}


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_folder_without_records_is_refused(name, tmp_path, invoke):
    (tmp_path / "empty").mkdir()
    result = invoke("records", "import", tmp_path / name, "--results", tmp_path)
    assert result.exit_code == 2
    assert "results/runs" in result.stderr


def test_options_before_the_command_are_not_lost(tmp_path, invoke):
    result = invoke("records", "--results", tmp_path, "import", tmp_path)
    assert result.exit_code == 2
    assert "behind" in result.stderr


def of_another_machine(root, change):
    """Make the records of a root those of another machine; ids and groups follow."""
    for path in record.files(root):
        raw = json.loads(path.read_text())
        if not raw["group"]:
            continue
        change(raw)
        made = Record.from_json(json.dumps(raw), source="made")
        raw["group"] = conditions.group(conditions.of_record(made) or {})
        raw["fingerprint"] = raw["group"] + raw["fingerprint"][12:]
        head, _, _ = raw["id"].partition("-s0-")
        dropped = "-drop9" if raw["drop"] else ""
        raw["id"] = f"{head}-s0-{raw['fingerprint'][:12]}{dropped}"
        if raw["overrides"].get("unit") == "basic":
            raw["fingerprint"] = "f" * 12 + raw["fingerprint"][12:]
            raw["id"] = f"{head}-s0-{'f' * 12}"
        os.rename(path.parent, path.parent.with_name(raw["id"]))
        place = path.parent.with_name(raw["id"]) / "record.json"
        place.write_text(json.dumps(raw))


def set_in(section, key, value):
    return lambda raw: raw[section].update({key: value})


def other_images(raw):
    raw["data"]["train"]["sha256"] = "0" * 64


def other_recipe(raw):
    raw["recipe"] = 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_in("config", "threads", 4), "CPU threads (4, here 1)"),
        (set_in("config", "precision", "bf16-mixed"), "precision (bf16-mixed, here fp32)"),
        (set_in("config", "device", "cuda"), "device (cuda, here cpu)"),
        (set_in("provenance", "torch", "1.0+cu1"), "PyTorch (1.0, here "),
        (other_images, "training images (own, 3 images, digest 000000000000, here own, 3 images"),
        (other_recipe, f"training recipe (1, here {RECIPE})"),
        (lambda raw: raw["config"]["train"].update(batch=3), "train.batch (3, here 2)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_says_why_records_cannot_be_compared(change, reason, elsewhere, trained, invoke):
    here = elsewhere.with_name("here")
    shutil.copytree(trained / "results", here / "results")
    of_another_machine(elsewhere, change)
    result = invoke("records", "import", elsewhere, "--results", here)
    assert result.exit_code == 0, result.output
    assert "not comparable with any record here" in result.stdout
    assert f"of other {reason}" in result.stdout
    assert ("--merge-threads" in result.stdout) == reason.startswith("CPU threads")


def test_it_says_what_can_be_compared_and_with_what_reserve(elsewhere, trained, invoke):
    here = elsewhere.with_name("here")
    shutil.copytree(trained / "results", here / "results")
    for path in cells(here).values():
        raw = json.loads((path / "record.json").read_text())
        if raw["drop"] or raw["overrides"].get("unit") == "basic":
            shutil.rmtree(path)
            continue
        raw["scores"][0]["sha256"] = "0" * 64
        (path / "record.json").write_text(json.dumps(raw))
    cell = next(path for path in cells(elsewhere).values() if "drop" in path.name)
    changed(cell, marks=json.loads((cell / "record.json").read_text())["marks"] | {"code": ["0"]})
    result = invoke("records", "import", cell, "--results", here)
    assert result.exit_code == 0, result.output
    assert "comparable with 1 record here" in result.stdout
    assert "own was scored on other images or LR" in result.stdout
    assert f"other code here today: {cell.name}" in result.stdout


def test_where_nothing_was_trained_there_is_nothing_to_compare_with(elsewhere, tmp_path, invoke):
    result = invoke("records", "import", elsewhere, "--results", tmp_path / "here")
    assert "no training here to compare it with" in result.stdout
    assert "1 record of loaded weights or of bicubic" in result.stdout

"""Names of cells, how far they are, and that looking changes nothing."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from harness.config import ablation, settings
from harness.data.prepare import prepare
from harness.experiment import checkpoints, plan
from harness.experiment.session import CellStatus, Session, statuses
from harness.experiment.training_state import TrainingState
from harness.host.paths import cache_folder
from harness.records.marks import Marks
from harness.records.record import load_all, read, read_again, read_file, write
from harness.weights import networks

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, which is not there yet."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def made(arguments):
    values, problems = settings.parse_arguments(arguments)
    return plan.make(ablation.load(values.pop("ablation")), values, problems)


def begun(planned_run):
    """The session of a plan whose training images are prepared."""
    folder = cache_folder()
    images = {scale: prepare(sets, scale, folder) for scale, sets in planned_run.train.items()}
    return Session(planned_run, images)


def words(arguments):
    """The states of the plan's cells, by the label of the row."""
    return {status.cell.row.label: status.words for status in statuses(made(arguments))}


def files(*folders):
    """All files and folders below some folders, with size and time of change."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*")) if path.exists()]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


def test_records_and_weights_lie_where_the_planned_cell_says(tiny, tmp_path, invoke):
    assert invoke("run", *tiny).exit_code == 0
    planned_run = made(tiny)
    session = begun(planned_run)
    for planned in map(session.identify, planned_run.cells):
        stored = read(tmp_path, planned.record_id)
        assert (stored.fingerprint, stored.group) == (planned.fingerprint, planned.group)
        weights = planned.folder / checkpoints.WEIGHTS_FILE
        assert weights.is_file() == planned.cell.trained
        assert session.stored(planned).complete


def test_rows_that_only_drop_branches_share_the_training_and_not_the_record(tiny):
    planned_run = made(tiny)
    session = begun(planned_run)
    whole = planned_run.cells[1]
    cut = replace(whole, row=replace(whole.row, drop=(7, 9)))
    first, second = session.identify(whole), session.identify(cut)
    assert (first.training_id, first.folder) == (second.training_id, second.folder)
    assert first.record_id == first.training_id
    assert second.record_id == f"{first.training_id}-drop7.9"


def test_states_of_a_cell_from_to_do_to_done(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    assert words(tiny) == {"Bicubic": "done", "plain": "done", "basic": "done"}
    planned_run = made(tiny)
    planned = begun(planned_run).identify(planned_run.cells[1])
    (planned.folder / "record.json").unlink()
    assert words(tiny)["plain"] == "to score"
    (planned.folder / checkpoints.WEIGHTS_FILE).unlink()
    assert words(tiny)["plain"] == "to do"
    state = TrainingState(planned.fingerprint, 1234, {}, {}, torch.get_rng_state(), [], [], 0.0)
    checkpoints.write_state(planned.folder, state)
    assert words(tiny)["plain"] == "at step 1,234"


def test_a_record_without_scores_of_a_set_is_to_be_scored(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    assert set(words([*tiny, "data.test=own,sample"]).values()) == {"to score"}


@pytest.mark.parametrize("damage", [False, True])
def test_without_prepared_images_a_state_names_the_record_it_depends_on(
    damage, tiny, tmp_path, invoke, cache
):
    invoke("run", *tiny)
    ids = {record.overrides.get("unit"): record.id for record in load_all(tmp_path) if record.steps}
    if damage:
        next(cache.glob("*/index.json")).write_text("{}")
    else:
        shutil.rmtree(cache)
    condition = "done, if the training images are those of "
    assert words(tiny) == {
        "Bicubic": "done",
        "plain": condition + ids[None],
        "basic": condition + ids["basic"],
    }
    assert {status.to_train for status in statuses(made(tiny)) if status.cell.trained} == {True}
    assert words([*tiny, "train.lr=0.1"])["plain"] == "to do"
    assert words([*tiny, "data.train=sample"])["plain"] == "to do", "a set of another name"


def test_weights_and_checkpoints_count_too_where_images_are_not_prepared(
    tiny, tmp_path, invoke, cache
):
    invoke("run", *tiny)
    plain, basic = (record for record in load_all(tmp_path) if record.steps)
    folder = tmp_path / "results" / "runs" / basic.id
    (folder / "record.json").unlink()
    shutil.rmtree(cache)
    label = "basic" if basic.overrides.get("unit") else "plain"
    assert words(tiny)[label] == f"to score, if the training images are those of {plain.id}"


def test_other_training_images_of_the_same_name_are_told_once_they_are_prepared(
    tiny, tiny_root, tmp_path, invoke
):
    invoke("run", *tiny)
    root = tmp_path / "copy"
    shutil.copytree(tiny_root, root)
    Image.new("RGB", (60, 60)).save(root / "train/own/at0.png")
    arguments = [*tiny, f"data.root={root}"]
    assert words(arguments)["plain"].startswith("done, if ")
    begun(made(arguments))
    assert words(arguments)["plain"] == "to do"


def test_the_words_of_each_state(tiny):
    cell = made(tiny).cells[1]
    assert CellStatus(cell, "to do").words == "to do"
    assert CellStatus(cell, "resume", 12345).words == "at step 12,345"
    assert [CellStatus(cell, state).to_train for state in ("to do", "resume")] == [True, True]
    assert [CellStatus(cell, state).to_train for state in ("to score", "done")] == [False, False]


@pytest.mark.parametrize("command", ["run", "train"])
@pytest.mark.parametrize("prepared", [False, True], ids=["cold cache", "filled cache"])
@pytest.mark.parametrize("ran", [False, True], ids=["new", "run before"])
def test_a_dry_run_leaves_every_file_as_it_is(
    command, prepared, ran, tiny, tmp_path, invoke, cache, monkeypatch
):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    arguments = [command, *tiny]
    if command == "train":
        arguments = [command, "awsrn_sd", "--scale", 2, *tiny[1:]]
    if ran:
        assert invoke(*arguments).exit_code == 0
    if prepared:
        begun(made(tiny))
    elif cache.exists():
        shutil.rmtree(cache)
    before = files(tmp_path)
    result = invoke(*arguments, "--dry-run")
    assert result.exit_code == 0, result.output
    assert ("done" in result.stdout) == ran
    assert files(tmp_path) == before
    assert cache.exists() == prepared


def test_a_dry_run_loads_neither_lightning_nor_mlflow(tiny, tmp_path):
    script = (
        "import sys; from harness.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "print('loaded:', *sys.modules)"
    )
    command = [sys.executable, "-c", script, "run", *tiny, "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = set(re.findall(r"\w+", done.stdout.rpartition("loaded:")[2]))
    assert "harness" in loaded
    assert not loaded & {"lightning_fabric", "mlflow", "pandas"}


def test_a_dry_run_goes_on_past_what_is_damaged(tiny, tmp_path, invoke, capsys):
    """A record, weights of a row, and the record of another ablation."""
    invoke("run", *tiny)
    planned_run = made(tiny)
    plain = begun(planned_run).identify(planned_run.cells[1])
    (plain.folder / "record.json").write_text("{")
    (tmp_path / "results" / "runs" / "other").mkdir()
    (tmp_path / "results" / "runs" / "other" / "record.json").write_text("[]")
    assert words(tiny) == {"Bicubic": "done", "plain": "damaged", "basic": "done"}
    assert "record.json' is not a record" in capsys.readouterr().err

    shutil.rmtree(tmp_path / "cache")  # the training images are not known: others tell
    assert words(tiny)["basic"].startswith("done, if")

    (tmp_path / "espcn.pth").write_bytes(b"no tensors")
    (tmp_path / "tiny.yaml").write_text(
        f"rows: [{{label: loaded, model: espcn, checkpoint: '{tmp_path}/espcn.pth'}}]\n"
    )
    result = invoke("run", *tiny, "--dry-run")
    assert result.exit_code == 0, result.output
    assert words(tiny)["loaded"] == "damaged"


def test_what_is_done_is_told_without_pytorch(tiny, tmp_path, invoke):
    """By a run, and by a dry one; of networks with other options, too."""
    assert invoke("run", *tiny).exit_code == 0
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('loaded:', *sys.modules))\n"
        "from harness.cli.main import main\n"
        "main()"
    )
    for arguments in (["run", *tiny], ["run", *tiny, "--dry-run"]):
        script = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(script, capture_output=True, text=True, check=True)
        loaded = done.stdout.rpartition("loaded:")[2].split()
        assert not {"torch", "mlflow"} & set(loaded)
        assert "numpy" in loaded  # of the pixels
        assert (done.stdout + done.stderr).count("done") >= 3
    new = ["train", "carn", "--scale", "2", *tiny[1:], "--dry-run"]
    script = [sys.executable, "-c", code, *new]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    assert "to do" in done.stdout
    assert "torch" not in done.stdout.rpartition("loaded:")[2].split()


def test_planning_reads_each_record_a_few_times_however_many_cells_there_are(
    tmp_path, tiny_root, monkeypatch
):
    """Rows that differ in options only have their trainings under one name: 40 rows, 80 cells."""
    (stored,) = (record for record in load_all(ROOT) if record.id.startswith("awsrn_s-x2-s0-"))
    rows = []
    for number in range(40):
        overrides = {"num_units": 1 + number}
        rows.append(
            f"  - {{label: R{number}, model: awsrn_s, with: {{num_units: {1 + number}}}}}\n"
        )
        marks = Marks((networks.code_digest("awsrn_s", overrides),), "s", (0.5,), f"t{number}")
        for seed in (0, 1):
            name = f"awsrn_s-x2-s{seed}-{number:012}"
            write(tmp_path, replace(stored, id=name, seed=seed, overrides=overrides, marks=marks))
    (tmp_path / "many.yaml").write_text(
        "name: many\ntitle: T\nscale: 2\nseeds: [0, 1]\nbase: R0\nrows:\n" + "".join(rows)
    )
    reads = []

    def counted(path):
        reads.append(path)
        return read_file(path)

    monkeypatch.setattr("harness.records.record.read_file", counted)
    where = [f"ablation={tmp_path / 'many.yaml'}", f"results.root={tmp_path}"]
    where += [f"data.root={tiny_root}", "data.test=own", "data.train=own"]
    found = statuses(made([*where, "profile=smoke"]))
    assert [status.state for status in found] == ["to score"] + 80 * ["to do"]
    assert len(set(reads)) == 80
    assert len(reads) <= 2 * 80


def test_a_record_that_is_written_anew_is_read_anew(tmp_path):
    (stored,) = (record for record in load_all(ROOT) if record.id.startswith("awsrn_s-x2-s0-"))
    path = write(tmp_path, stored)
    assert read_again(path) is read_again(path)
    write(tmp_path, replace(stored, label="renamed"))
    assert read_again(path).label == "renamed"

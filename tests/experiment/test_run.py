"""The main job from the command line to the table: what is done, kept, continued, refused."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from harness.config import ablation, settings
from harness.experiment import checkpoints, plan
from harness.experiment.run import execute
from harness.models import registry
from harness.records.record import load_all

NEEDS_CUDA = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def harness(*arguments, **options):
    """Start the harness in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finished(*arguments):
    """Run the harness to its end; returns exit code and stderr."""
    process = harness(*arguments)
    errors = process.communicate()[1]
    return process.returncode, errors


def weights(root):
    """The bytes of the finished weights below a results root, by folder name."""
    return {
        path.parent.name: path.read_bytes() for path in root.glob("results/runs/*/*.safetensors")
    }


def written(root):
    """When the checkpoints below a results root were last written."""
    return [path.stat().st_mtime_ns for path in root.glob("results/runs/*/checkpoint.pt")]


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    return found


def one_cell(tiny, root, steps, **more):
    """Arguments that train one tiny network."""
    changed = {"results.root": root, "train.steps": steps, "train.checkpoint_every": 1} | more
    kept = [item for item in tiny if item.partition("=")[0] not in {"ablation", *changed}]
    return ["train", "awsrn_sd", "--scale", "2", *kept, *(f"{k}={v}" for k, v in changed.items())]


def texts(value):
    """Every text within nested values, keys among them."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def assert_names_no_place(record, *places):
    """A record may be published: it says nothing of where files lie on this machine."""
    for text in texts(json.loads(record.to_json())):
        assert not Path(text).is_absolute(), text
        assert not [place for place in places if str(place) in text], text


def test_tiny_ablation_from_yaml_to_table(tiny, tiny_root, tmp_path, invoke):
    result = invoke("run", *tiny)
    assert result.exit_code == 0, result.output
    stored = {record.id.partition("-")[0]: record for record in load_all(tmp_path)}
    assert len(load_all(tmp_path)) == 3
    bicubic, trained = stored["bicubic"], stored["awsrn_s"]
    assert bicubic.params == bicubic.multi_adds == bicubic.steps == 0
    assert bicubic.seed is None
    assert trained.steps == 6
    assert trained.profile == "smoke"
    assert not trained.full_budget
    assert [image.name for image in trained.scores[0].images] == ["at150", "at250"]
    assert trained.learned.alpha.keys() == {3, 5, 7, 9}
    assert trained.data.train.images == 3
    assert trained.provenance.torch
    assert trained.loss > 0
    for record in (bicubic, trained):
        assert_names_no_place(record, tmp_path, tiny_root, os.environ["HARNESS_CACHE"])
    reports = {path.suffix: path for path in (tmp_path / "reports").iterdir()}
    assert reports.keys() == {".tex", ".csv", ".md"}
    assert reports[".md"].stem == "tiny_x2_own_6steps"
    for label in ("Bicubic", "plain", "basic"):
        assert label in result.output
        assert label in reports[".md"].read_text()
    assert str(tmp_path / "reports") in result.output


NETWORK = """
import os, signal
from torch import nn
class Net(nn.Module):
    def __init__(self, *, scale):
        super().__init__()
        self.parts = nn.Sequential(nn.Conv2d(3, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))
    def forward(self, lr):
        if self.training:
            {fault}
        return self.parts(lr)
"""
FAULTS = {"lr = lr * float('nan')": 1, "os.kill(os.getpid(), signal.SIGINT)": 130}


@pytest.fixture
def with_fault(tiny, tmp_path):
    """Arguments that run two good rows and then one with a fault in its forward."""

    def make(fault):
        (tmp_path / "net.py").write_text(NETWORK.format(fault=fault))
        bad = f"  - {{label: bad, model: '{tmp_path}/net.py:Net'}}\nconfig:"
        rows = (tmp_path / "tiny.yaml").read_text().replace("config:", bad)
        (tmp_path / "tiny.yaml").write_text(rows)
        return tiny

    return make


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_that_fails_or_is_stopped_leaves_tables_of_what_is_done(
    fault, with_fault, tmp_path, invoke
):
    result = invoke("run", *with_fault(fault))
    assert result.exit_code == FAULTS[fault], result.output
    (table,) = (tmp_path / "reports").glob("*.md")
    for label in ("plain", "basic"):
        assert f"| {label} |" in table.read_text()


def made(arguments):
    values, problems = settings.parse_arguments(arguments)
    return plan.make(ablation.load(values.pop("ablation")), values, problems)


def test_tables_are_asked_for_once_when_all_cells_are_done(tiny, tmp_path):
    recorded = []

    def report(done, failed):
        recorded.append(len(load_all(tmp_path)))
        return ()

    execute(made(tiny), report=report)
    assert recorded == [3]


def test_what_is_done_is_not_done_again(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("record.json")}
    files = {path: path.read_bytes() for path in (tmp_path / "reports").iterdir()}
    result = invoke("run", *tiny)
    assert result.exit_code == 0
    assert result.stderr.count("done before") == 3
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("record.json")} == before
    assert {path: path.read_bytes() for path in (tmp_path / "reports").iterdir()} == files


def test_a_new_test_set_is_scored_without_training(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    before = weights(tmp_path)
    finished_at = {one.id: one.provenance.finished for one in load_all(tmp_path)}
    result = invoke("run", *tiny, "data.test=own,sample")
    assert result.exit_code == 0, result.output
    assert "step" not in result.stderr
    assert weights(tmp_path) == before
    for record in load_all(tmp_path):
        assert [score.set for score in record.scores] == ["own", "sample"]
        assert record.provenance.finished == finished_at[record.id]
        assert record.provenance.scored_at == record.provenance.commit


def test_changed_test_images_are_scored_again(tiny, tmp_path, invoke, tiny_root):
    import shutil

    root = tmp_path / "copy"
    shutil.copytree(tiny_root, root)
    arguments = [*tiny, f"data.root={root}"]
    invoke("run", *arguments)
    first = load_all(tmp_path)[0].scores[0].psnr_db
    (root / "benchmark/own/HR/at150.png").unlink()
    invoke("run", *arguments)
    (score,) = load_all(tmp_path)[0].scores
    assert [image.name for image in score.images] == ["at250"]
    assert score.psnr_db != first


def test_seeds_and_scales_make_cells_of_their_own(tiny, tmp_path, invoke):
    result = invoke("run", *tiny, "seeds=0,1", "scale=2,3")
    assert result.exit_code == 0, result.output
    found = [(record.model, record.scale, record.seed) for record in load_all(tmp_path)]
    assert len(found) == 2 + 2 * 2 * 2  # bicubic per scale; rows x scales x seeds
    assert len({record.fingerprint for record in load_all(tmp_path)}) == len(found)
    assert len(list((tmp_path / "reports").glob("*.csv"))) == 2


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tiny, tmp_path, invoke):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        invoke("run", *tiny, f"results.root={tmp_path / name}", f"seeds={seed}")
    first, second, third = (weights(tmp_path / name) for name in "abc")
    assert first == second
    assert first.keys().isdisjoint(third)


def test_workers_do_not_change_the_result(tiny, tmp_path, invoke):
    for name, workers in (("a", 0), ("b", 2)):
        result = invoke("run", *tiny, f"results.root={tmp_path / name}", f"data.workers={workers}")
        assert result.exit_code == 0, result.output
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_precision_threads_and_budget_are_in_the_fingerprint(tiny, tmp_path, invoke):
    changes = ("precision=fp32", "precision=bf16-mixed", "train.channels_last=true")
    for change in (*changes, "train.steps=5", "train.lr=0.1"):
        assert invoke("run", *tiny, change).exit_code == 0
    trained = [record for record in load_all(tmp_path) if record.steps]
    assert len({record.group for record in trained}) == 5
    assert len({record.fingerprint for record in trained}) == 10


def test_settings_that_change_nothing_share_the_fingerprint(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    result = invoke("run", *tiny, "train.eval_every=2", "train.log_every=1", "data.workers=1")
    assert result.stderr.count("done before") == 3


@pytest.mark.parametrize(
    ("device", "precision"),
    [
        ("cpu", "fp32"),
        *(
            pytest.param("cuda", precision, marks=NEEDS_CUDA)
            for precision in ("fp32", "bf16-mixed")
        ),
    ],
)
def test_a_resident_set_trains_to_the_same_bytes(tiny, tmp_path, invoke, device, precision):
    """On a CPU by the gather that a GPU would do: through the command, and said."""
    way = {"true": "patches: cut on {}, where the set is held (0.0 GiB of pixels, ", "false": ""}
    for root, resident in (("cut", "false"), ("held", "true")):
        asked = (f"results.root={tmp_path / root}", f"data.resident={resident}")
        result = invoke("run", *tiny, *asked, f"device={device}", f"precision={precision}")
        assert result.exit_code == 0, result.output
        said = [line for line in result.stderr.splitlines() if "patches: " in line]
        assert len(said) == (2 if resident == "true" or device == "cuda" else 0)  # one a training
        assert all(way[resident].format(device) in line for line in said)
    assert len(weights(tmp_path / "cut")) == 2
    assert weights(tmp_path / "cut") == weights(tmp_path / "held")


def test_curve_is_scored_without_changing_the_training(tiny, tmp_path, invoke):
    invoke("run", *tiny, f"results.root={tmp_path / 'a'}")
    result = invoke("run", *tiny, f"results.root={tmp_path / 'b'}", "train.eval_every=2")
    assert "step 2  own " in result.stderr
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_dropped_branches_share_the_trained_network(tiny, tmp_path, invoke, tiny_root):
    path = tmp_path / "drop.yaml"
    net = "model: awsrn_s, with: {num_units: 1, channels: 4, inner_channels: 8}"
    path.write_text(
        f"rows:\n- {{label: whole, {net}}}\n- {{label: w/o 9x9, {net}, drop: [9]}}\n"
        f"- {{label: w/o 7x7 and 9x9, {net}, drop: [7, 9]}}\n"
    )

    def planned():
        listed = invoke("run", path, *tiny[1:], "--dry-run", "--format", "csv").stdout
        rows = csv.DictReader(listed.splitlines())
        return [row["steps"] for row in rows if row["model"] == "awsrn_s"]

    assert planned() == ["6", "", ""]
    result = invoke("run", path, *tiny[1:])
    assert result.exit_code == 0, result.output
    cut = {name.partition("-drop")[2] for name in weights(tmp_path)}
    assert cut == {"", "9", "7.9"}  # one training, and the two networks cut from it
    stored = {record.drop: record for record in load_all(tmp_path) if record.steps}
    # The 9x9 branch: 12 x 4 x 81 weights, 12 gains, 12 biases, one scalar.
    assert stored[()].params - stored[(9,)].params == 12 * 4 * 81 + 12 + 12 + 1
    assert stored[(9,)].learned.alpha.keys() == {3, 5, 7}
    scores = {drop: record.scores[0].psnr_db for drop, record in stored.items()}
    assert len(set(scores.values())) == 3
    # A record alone has no weights: what is cut anew is trained anew.
    (whole,) = tmp_path.glob("results/runs/awsrn_s-x2-s0-????????????/weights.safetensors")
    whole.unlink()
    next(tmp_path.glob("results/runs/*-drop9/record.json")).unlink()
    assert planned() == ["6", "6", ""]


def test_rows_with_weights_are_loaded_and_stand_beside_trained_ones(tiny, tmp_path, invoke):
    torch.manual_seed(0)
    checkpoints.write_weights(tmp_path, registry.get("espcn").build(scale=2))
    (tmp_path / checkpoints.WEIGHTS_FILE).rename(tmp_path / "espcn_x2.safetensors")
    path, name = tmp_path / "systems.yaml", "espcn_x{scale}.safetensors"
    path.write_text(
        "rows:\n"
        f"  - {{label: loaded, model: espcn, checkpoint: '{tmp_path}/{name}'}}\n"
        "  - label: trained\n"
        "    model: awsrn_s\n"
        "    with: {num_units: 1, channels: 4, inner_channels: 8}\n"
    )
    arguments = ["run", f"ablation={path}", *tiny[1:]]
    first = invoke(*arguments)
    assert first.exit_code == 0, first.output
    loaded, trained = (
        next(record for record in load_all(tmp_path) if record.model == model)
        for model in ("espcn", "awsrn_s")
    )
    assert (loaded.steps, loaded.seed, loaded.data.weights.file) == (
        0,
        None,
        "espcn_x2.safetensors",
    )
    assert trained.steps == 6
    table = (tmp_path / "reports" / "systems.md").read_text()
    assert "| loaded | weights espcn\\_x2.safetensors |" in table
    assert "| trained | 6 steps \\* |" in table
    again = invoke(*arguments, "--dry-run")
    assert again.output.count("done") == 3


def test_only_the_rows_asked_for_are_run(tiny, tmp_path, invoke):
    assert invoke("run", *tiny, "rows=basic").exit_code == 0
    units = {record.overrides.get("unit") for record in load_all(tmp_path)}
    assert units == {None, "basic"}, "bicubic, and the one row"
    wrong = invoke("run", *tiny, "rows=basik")
    assert wrong.exit_code == 2
    assert "there is no row 'basik' (did you mean 'basic'?)" in wrong.stderr


def test_a_run_of_some_rows_leaves_no_row_out_of_a_table(tiny, tmp_path, invoke):
    """Tables of other trainings stay as they are; that of this one keeps the rows of before."""
    reports = tmp_path / "reports"
    for steps in (5, 6):
        assert invoke("run", *tiny, f"train.steps={steps}").exit_code == 0
    of_others = {path: path.stat().st_mtime_ns for path in reports.glob("*_6steps.*")}
    assert len(of_others) == 3
    result = invoke("run", *tiny, "rows=basic", "train.steps=5", "seeds=1")
    assert result.exit_code == 0, result.output
    with (reports / "tiny_x2_own_5steps.csv").open(encoding="utf-8") as file:
        seeds = {row["label"]: row["seeds"] for row in csv.DictReader(file)}
    assert seeds["plain"] == "0"
    assert seeds["basic"] == "0, 1"
    assert {path: path.stat().st_mtime_ns for path in reports.glob("*_6steps.*")} == of_others
    checked = invoke("tables", tmp_path / "tiny.yaml", "--results", tmp_path, "--check")
    assert checked.exit_code == 0, checked.output


def test_a_run_of_the_base_alone_says_why_there_is_no_table(tiny, tmp_path, invoke):
    result = invoke("run", *tiny, "rows=plain")
    assert result.exit_code == 0, result.output
    assert "No table: of 'tiny' only the row that others are compared with has" in result.stdout
    assert not (tmp_path / "reports").exists()


def test_weights_of_a_row_that_are_not_there_are_named(tiny, tmp_path, invoke):
    path = tmp_path / "systems.yaml"
    path.write_text("rows:\n  - {label: mine, model: espcn, checkpoint: nowhere.pth}\n")
    done = invoke("run", f"ablation={path}", *tiny[1:])
    assert done.exit_code == 2
    assert "row 'mine': there is no file 'nowhere.pth'" in done.stderr


@pytest.mark.parametrize(("kills", "steps"), [(2, 40), pytest.param(3, 60, marks=pytest.mark.slow)])
def test_killed_run_continues_to_the_same_bytes(tiny, tmp_path, kills, steps):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert finished(*one_cell(tiny, whole, steps))[0] == 0
    chance = random.Random(0)
    for _ in range(kills):
        before = written(killed)
        process = harness(*one_cell(tiny, killed, steps))
        wait_for(lambda before=before: written(killed) != before)
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert not weights(killed)
    code, errors = finished(*one_cell(tiny, killed, steps))
    assert code == 0, errors
    assert "going on from step" in errors
    assert weights(killed) == weights(whole)


def test_whole_weights_beside_a_damaged_state_are_used(tiny, tmp_path, invoke):
    """As left by a process that was killed between the two: the weights are finished."""
    arguments = [str(item) for item in one_cell(tiny, tmp_path, 6)]
    assert invoke(*arguments).exit_code == 0
    before = weights(tmp_path)
    (folder,) = (tmp_path / "results" / "runs" / name for name in before)
    (folder / "record.json").unlink()
    (folder / "checkpoint.pt").write_bytes(b"awsrn-harness state, sha256 " + bytes(100))
    again = invoke(*arguments)
    assert again.exit_code == 0, again.output
    assert "the finished weights are there" in again.stderr
    assert weights(tmp_path) == before
    assert "step 6/6" not in again.stderr


@pytest.mark.parametrize("steps", [200, pytest.param(400, marks=pytest.mark.slow)])
def test_ctrl_c_saves_and_a_second_run_goes_on(tiny, tmp_path, steps):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    arguments = {"train.checkpoint_every": 1000, "train.log_every": 1}
    assert finished(*one_cell(tiny, whole, steps, **arguments))[0] == 0
    process = harness(*one_cell(tiny, stopped, steps, **arguments))
    log = wait_for(lambda: list(stopped.glob("results/runs/*/train.log")))[-1]
    wait_for(lambda: any("step 3/" in path.read_text() for path in log.parents[1].rglob("*.log")))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "saving a checkpoint first" in errors
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert "going on from step" in finished(*one_cell(tiny, stopped, steps, **arguments))[1]
    assert weights(stopped) == weights(whole)


def test_ctrl_c_twice_stops_at_once_without_a_trace(tiny, tmp_path):
    process = harness(
        *one_cell(tiny, tmp_path, 10**6, **{"train.log_every": 1, "train.batch": 64}),
    )
    runs = tmp_path / "results" / "runs"
    wait_for(lambda: any("step 3/" in path.read_text() for path in runs.rglob("*.log")))
    process.send_signal(signal.SIGSTOP)  # both signals arrive within one step
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "the same command goes on" in errors


def test_two_runs_of_one_cell_at_once_train_it_once(tiny, tmp_path):
    arguments = one_cell(tiny, tmp_path, 300, **{"train.checkpoint_every": 50})
    first = harness(*arguments)
    wait_for(lambda: list(tmp_path.glob("results/runs/awsrn_sd*/train.log")))
    second = harness(*arguments)
    errors = [process.communicate()[1] for process in (first, second)]
    assert first.returncode == second.returncode == 0, errors
    assert "is being run by another process; waiting for it" in errors[1]
    assert "done before: awsrn_sd" in errors[1]
    assert len(weights(tmp_path)) == 1


def test_several_processes_share_a_batch(tiny, tmp_path):
    # Gradients are averaged over equal shares, so the result agrees up to rounding.
    arguments = {"train.batch": 4}
    one, two = tmp_path / "one", tmp_path / "two"
    assert finished(*one_cell(tiny, one, 4, **arguments))[0] == 0
    code, errors = finished(*one_cell(tiny, two, 4, **arguments, devices=2))
    assert code == 0, errors
    scores = [
        next(record for record in load_all(root) if record.steps).scores[0].psnr_db
        for root in (one, two)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)


def test_diverging_loss_stops_with_step_and_rate(tiny, tmp_path, invoke):
    result = invoke("run", *tiny, "train.lr=1e30", "train.schedule=cosine", "train.log_every=1")
    assert result.exit_code == 1
    assert "the loss became" in result.stderr
    assert "(learning rate " in result.stderr
    assert "Try a smaller train.lr" in result.stderr
    assert not weights(tmp_path)


def test_smoke_profile_needs_no_data(tmp_path, invoke):
    """Two steps of what the README's first line does, of the smallest network that learns."""
    result = invoke(
        *("train", "espcn", "--scale", "2", "profile=smoke", "threads=1", "train.steps=2"),
        *("train.eval_every=0", "tracking.mlflow=false", f"results.root={tmp_path}"),
    )
    assert result.exit_code == 0, result.output
    images = {record.model: len(record.scores[0].images) for record in load_all(tmp_path)}
    assert images == {"bicubic": 3, "espcn": 3}


CORRECTS_BICUBIC = """
from torch import nn
from torch.nn.functional import interpolate
class Net(nn.Module):
    def __init__(self, *, scale):
        super().__init__()
        self.scale = scale
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 3 * scale**2, 3, padding=1),
            nn.PixelShuffle(scale),
        )
    def forward(self, lr):
        start = interpolate(lr, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return start + 255 * self.body(lr / 255)
"""


def test_a_short_training_beats_bicubic_and_the_network_it_began_with(tiny, tmp_path, invoke):
    """The quick sibling of the slow test below: 200 steps of two convolutions over bicubic."""
    (tmp_path / "net.py").write_text(CORRECTS_BICUBIC)
    psnr, loss = {}, {}
    for steps, rate in ((1, 1e-12), (200, 0.005)):
        results = tmp_path / str(steps)
        own = (f"train.steps={steps}", f"train.lr={rate}", f"results.root={results}")
        shorter = [each for each in tiny if not each.startswith(("ablation=", "train.steps="))]
        more = ("train.schedule=onecycle", "train.patch=12", "train.batch=8", *own)
        done = invoke("train", f"{tmp_path}/net.py:Net", "--scale", 2, *shorter, *more)
        assert done.exit_code == 0, done.output
        assert "Gain over" in done.stdout
        for record in load_all(results):
            key = steps if record.steps else "bicubic"
            psnr[key], loss[key] = record.scores[0].psnr_db, record.loss
    assert psnr[200] > psnr["bicubic"] + 0.1
    assert psnr[200] > psnr[1] + 0.5
    assert loss[200] < loss[1] / 1.5


@pytest.mark.slow
def test_smoke_profile_beats_bicubic_in_every_row(tmp_path, invoke):
    result = invoke(
        "run",
        "ablation=awru",
        "profile=smoke",
        "seeds=0",
        "train.eval_every=0",
        f"results.root={tmp_path}",
    )
    assert result.exit_code == 0, result.output
    stored = load_all(tmp_path)
    psnr = {record.model: record.scores[0].psnr_db for record in stored}
    assert psnr.keys() == {"bicubic", "wdsr_basic", "wdsr_wru", "wdsr_awru"}
    for model in ("wdsr_basic", "wdsr_wru", "wdsr_awru"):
        assert psnr[model] > psnr["bicubic"]
    params = {record.model: record.params for record in stored}
    assert params["wdsr_wru"] - params["wdsr_basic"] == 8768
    assert params["wdsr_awru"] - params["wdsr_basic"] == 32
    assert (tmp_path / "results" / "mlflow.db").is_file()

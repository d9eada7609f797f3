"""One bad cell stops nothing else: what is stored, shown and tried again."""

import json
from dataclasses import replace

import pytest
import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from harness.config import ablation, settings
from harness.errors import HarnessError
from harness.experiment import checkpoints, plan
from harness.experiment.diagnosis import diagnose
from harness.experiment.fit import _translated
from harness.experiment.run import execute
from harness.experiment.tracking import Tracker
from harness.models import registry
from harness.records import failure
from harness.records.record import load_all
from harness.reports import write

NETWORK = """\
import multiprocessing, os, signal
import torch
from torch import nn


class Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, image):
        return image.clone()

    @staticmethod
    def backward(ctx, grad):
        raise OverflowError("no gradient")


class Net(nn.Module):
    def __init__(self, *, scale, fault=""):
        super().__init__()
        self.fault = fault
        self.parts = nn.Sequential(nn.Conv2d(3, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))
        if fault == "constructor" and os.environ.get("RUNNING"):
            raise FileNotFoundError("no teacher")

    def forward(self, lr):
        if self.fault == "always":
            raise TypeError("never fits")
        if self.training and self.fault:
            lr = getattr(self, "_" + self.fault, lambda image: image)(lr)
        if self.fault == "scoring" and not self.training and lr.device.type != "meta":
            raise LookupError("no such window")
        if self.fault == "seed" and not self.training and os.environ.get("FAIL_SEED"):
            if torch.initial_seed() == int(os.environ["FAIL_SEED"]):
                raise LookupError("unlucky")
        return self.parts(lr)

    def _forward(self, lr):
        raise ValueError("shapes do not fit\\nsecond line")

    def _exit(self, lr):
        raise SystemExit(0)

    def _memory(self, lr):
        return torch.empty(10**15)

    def _loss(self, lr):
        return lr * float("inf")

    def _backward(self, lr):
        return Backward.apply(lr * self.parts[0].weight.mean())

    def _weights(self, lr):
        self.parts[0].weight.register_hook(lambda grad: grad * float("nan"))
        return lr

    def _interrupt(self, lr):
        os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError("an error on the way out")

    def _worker(self, lr):
        for process in multiprocessing.active_children():
            os.kill(process.pid, signal.SIGKILL)
        return lr
"""


def line(text):
    """The line of the network's file that holds a text, as failures name it."""
    lines = NETWORK.splitlines()
    return f"net.py:{next(n for n, words in enumerate(lines, 1) if text in words)}"


REASONS = {
    "forward": ("ValueError: shapes do not fit", line("shapes do not fit")),
    "exit": ("SystemExit: 0", line("SystemExit(0)")),
    "memory": ("not enough memory", line("10**15")),
    "loss": ("the loss became nan at step 1", ""),
    "backward": ("OverflowError: no gradient", line("no gradient")),
    "weights": ("is not finite any more after step 1", ""),
    "scoring": ("LookupError: no such window", line("no such window")),
}


@pytest.fixture
def rows(tiny, tmp_path):
    """Arguments that run a user's network once with each of some faults, then once with none."""
    (tmp_path / "net.py").write_text(NETWORK)

    def make(*faults, **changed):
        lines = [
            f"  - {{label: '{fault or 'good'}', model: '{tmp_path}/net.py:Net', "
            f"with: {{fault: '{fault}'}}}}"
            for fault in (*faults, "")
        ]
        (tmp_path / "tiny.yaml").write_text("\n".join(["base: good", "rows:", *lines]))
        kept = [item for item in tiny if item.partition("=")[0] not in changed]
        return ["run", *kept, *(f"{key}={value}" for key, value in changed.items())]

    return make


def failed(root):
    return {run.label: run for run in failure.load_all(root)}


def labels(root):
    return {record.overrides.get("fault", "bicubic") for record in load_all(root)}


def test_every_kind_of_failure_leaves_the_other_cells_alone(rows, tmp_path, invoke, monkeypatch):
    told_mlflow = []
    monkeypatch.setattr(Tracker, "finish", lambda *_, status, **__: told_mlflow.append(status))
    arguments = rows(*REASONS, **{"train.steps": 1, "train.log_every": 1})
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert labels(tmp_path) == {"bicubic", ""}
    stored = failed(tmp_path)
    assert stored.keys() == REASONS.keys()
    summary = result.stderr.partition("Error: 7 of 9 runs failed:\n")[2].splitlines()
    assert len(summary) == 7
    for (fault, (reason, place)), told in zip(REASONS.items(), summary, strict=True):
        assert reason in stored[fault].reason
        assert "\n" not in stored[fault].reason
        assert stored[fault].place == place
        assert told.startswith(f"  - {fault} x2, seed 0: ")
        assert reason in told
        assert place in told
    assert "Traceback" not in result.output
    raw = json.loads(
        next(tmp_path.glob(f"results/runs/{stored['loss'].id}/failure.json")).read_text()
    )
    assert (raw["label"], raw["scale"], raw["seed"]) == ("loss", 2, 0)
    assert {"time", "commit", "id"} <= raw.keys()
    # What was trained before it failed keeps its weights; of the others there are none.
    kept = {path.parent.name for path in tmp_path.glob("results/runs/*/weights.safetensors")}
    assert kept == {stored["scoring"].id, *(r.id for r in load_all(tmp_path) if r.steps)}

    # A run a cell, that of the ablation last.
    assert told_mlflow == ["FINISHED", *["FAILED"] * 7, "FINISHED", "FAILED"]

    (table,) = (tmp_path / "reports").glob("*.md")
    assert table.read_text().count("| failed |") == 7
    assert f"Failed: forward x2, seed 0: ValueError: shapes do not fit ({line('shapes')})." in (
        table.read_text()
    )
    assert "Not run yet" not in table.read_text()
    before = table.read_bytes()
    table.unlink()
    write.write([ablation.load(str(tmp_path / "tiny.yaml"))], tmp_path)
    assert table.read_bytes() == before


def test_what_failed_is_tried_again_and_forgotten_once_it_succeeds(
    rows, tmp_path, invoke, monkeypatch
):
    """A seed that fails leaves the mean to the others; a failed scoring leaves the weights."""
    arguments = rows("seed", **{"train.steps": 1, "seeds": "0,1"})
    monkeypatch.setenv("FAIL_SEED", "1")
    first = invoke(*arguments)
    assert first.exit_code == 1, first.output
    (bad,) = failure.load_all(tmp_path)
    assert (bad.label, bad.seed, bad.place) == ("seed", 1, line("unlucky"))
    folder = tmp_path / "results" / "runs" / bad.id
    trained = (folder / "weights.safetensors").read_bytes()
    text = next((tmp_path / "reports").glob("*.md")).read_text()
    assert "| failed |" not in text
    assert "Failed: seed x2, seed 1: " in text
    assert "Seeds: seed 0; good 0, 1." in text

    monkeypatch.delenv("FAIL_SEED")
    again = invoke(*arguments)
    assert again.exit_code == 0, again.output
    assert "step 1/1" not in again.stderr
    assert (folder / "weights.safetensors").read_bytes() == trained
    assert (folder / "record.json").is_file()
    assert failure.load_all(tmp_path) == []
    assert "ailed" not in next((tmp_path / "reports").glob("*.md")).read_text()


def test_a_mended_network_forgets_that_it_failed(rows, tmp_path, invoke):
    """Its code is another one then, and so is its id."""
    arguments = rows("forward", **{"train.steps": 1})
    assert invoke(*arguments).exit_code == 1
    (bad,) = failure.load_all(tmp_path)
    (tmp_path / "mended").mkdir()
    rows_file = tmp_path / "tiny.yaml"
    text = NETWORK.replace('raise ValueError("shapes do not fit\\nsecond line")', "return lr")
    assert text != NETWORK
    (tmp_path / "mended" / "net.py").write_text(text)
    # A file is loaded once in a process: here the mended one lies elsewhere.
    failure.write(tmp_path, replace(bad, model=f"{tmp_path}/mended/net.py:Net"))
    rows_file.write_text(rows_file.read_text().replace("/net.py", "/mended/net.py"))
    again = invoke(*arguments)
    assert again.exit_code == 0, again.output
    assert failure.load_all(tmp_path) == []
    assert not (tmp_path / "results" / "runs" / bad.id / "failure.json").exists()
    assert "ailed" not in next((tmp_path / "reports").glob("*.md")).read_text()


def test_a_forward_that_always_fails_and_one_that_stops_the_run(rows, tmp_path, invoke):
    result = invoke(*rows("always", "interrupt", **{"train.steps": 1}))
    assert result.exit_code == 130
    assert failed(tmp_path).keys() == {"always"}
    assert failed(tmp_path)["always"].place == line("never fits")
    assert labels(tmp_path) == {"bicubic"}


def test_fail_fast_begins_nothing_more_and_traces_are_for_v(rows, tmp_path, invoke):
    arguments = rows("loss", "forward", **{"train.steps": 1})
    result = invoke("-v", *arguments, "--fail-fast")
    assert result.exit_code == 1
    assert failed(tmp_path).keys() == {"loss"}
    assert labels(tmp_path) == {"bicubic"}
    assert "1 of 4 runs failed, 2 not begun" in result.stderr
    assert "Traceback" in result.stderr


def test_a_process_that_cuts_patches_and_dies_fails_its_cell(rows, tmp_path, invoke):
    result = invoke(*rows("worker", **{"train.steps": 200, "data.workers": 1}), "--fail-fast")
    assert result.exit_code == 1
    assert "data.workers=0" in failed(tmp_path)["worker"].reason
    assert failed(tmp_path)["worker"].place == ""


def test_damaged_weights_of_a_row_and_of_a_cell_fail_just_these(tiny, tmp_path, invoke):
    (tmp_path / "espcn.safetensors").write_bytes(b"no tensors")
    (tmp_path / "tiny.yaml").write_text(
        "rows:\n"
        f"  - {{label: loaded, model: espcn, checkpoint: '{tmp_path}/espcn.safetensors'}}\n"
        "  - {label: trained, model: espcn}\n"
    )
    result = invoke("run", *tiny, "train.steps=1")
    assert result.exit_code == 1
    (bad,) = failure.load_all(tmp_path)
    assert (bad.label, bad.seed, bad.place) == ("loaded", None, "")
    assert {record.steps for record in load_all(tmp_path)} == {0, 1}
    table = (tmp_path / "reports" / "tiny.md").read_text()
    assert "| loaded | failed |" in table
    assert "Failed: loaded x2: " in table

    torch.manual_seed(0)
    checkpoints.write_weights(tmp_path, registry.get("espcn").build(scale=2))
    (tmp_path / checkpoints.WEIGHTS_FILE).rename(tmp_path / "espcn.safetensors")
    (trained,) = (record for record in load_all(tmp_path) if record.steps)
    folder = tmp_path / "results" / "runs" / trained.id
    (folder / "record.json").unlink()
    (folder / "weights.safetensors").write_bytes(b"no tensors")
    result = invoke("run", *tiny, "train.steps=1")
    assert result.exit_code == 1
    assert failed(tmp_path).keys() == {"trained"}
    assert str(tmp_path) not in failed(tmp_path)["trained"].reason
    assert "loaded x2" not in result.stderr.partition("Error:")[2]


def test_rows_that_share_a_training_try_it_once(tiny, tmp_path, invoke):
    net = "model: awsrn_s, with: {num_units: 1, channels: 4, inner_channels: 8}"
    (tmp_path / "tiny.yaml").write_text(
        f"rows:\n- {{label: whole, {net}}}\n- {{label: w/o 9x9, {net}, drop: [9]}}\n"
    )
    fatal = ("train.lr=1e30", "train.schedule=cosine", "train.log_every=1")
    result = invoke("run", *tiny, *fatal)
    assert result.exit_code == 1
    whole, cut = failed(tmp_path)["whole"], failed(tmp_path)["w/o 9x9"]
    assert (whole.reason, whole.place) == (cut.reason, cut.place)
    assert cut.id == f"{whole.id}-drop9"
    log = tmp_path / "results" / "runs" / whole.id / "train.log"
    assert log.read_text().count("step 1/6") == 1


def test_rows_that_share_a_training_have_the_place_where_it_failed(rows, tmp_path, invoke):
    arguments = rows("forward", **{"train.steps": 1})
    text = (tmp_path / "tiny.yaml").read_text()
    (tmp_path / "tiny.yaml").write_text(text.replace("label: 'good'", "label: 'again'"))
    text = (tmp_path / "tiny.yaml").read_text().replace("base: good", "base: again")
    (tmp_path / "tiny.yaml").write_text(text.replace("fault: ''", "fault: 'forward'"))
    assert invoke(*arguments).exit_code == 1
    assert failed(tmp_path)["again"].place == line("shapes do not fit")


def test_tables_that_cannot_be_written_are_no_failure_of_a_cell(rows, tmp_path, caplog):
    def full():
        raise HarnessError("the disk is full")

    values, problems = settings.parse_arguments(rows("loss", **{"train.steps": 1})[1:])
    made = plan.make(ablation.load(values.pop("ablation")), values, problems)
    outcome = execute(made, report=full)
    assert [run.label for run in outcome.failures] == ["loss"]
    assert len(outcome.records) == 2
    assert "the tables could not be written: the disk is full" in caplog.text


TRACE = """

-- Process 1 terminated with the following error:
Traceback (most recent call last):
  File "/env/torch/multiprocessing/spawn.py", line 90, in _wrap
    fn(i, *args)
  File "{file}", line 12, in forward
    raise ValueError("shapes do not fit\\nsecond line")
ValueError: shapes do not fit
second line
"""


def test_the_error_of_another_process_has_its_reason_and_place(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(NETWORK)
    text = TRACE.format(file=file)
    error = ProcessRaisedException(text, 1, 4711)
    told = _translated(text)
    told.__cause__ = error
    found = diagnose(told, users=[f"{file}:Net"], results=tmp_path)
    assert (found.reason, found.place) == ("ValueError: shapes do not fit", "net.py:12")


def test_a_damaged_failure_is_passed_over_and_removed(tmp_path, caplog):
    folder = tmp_path / "results" / "runs" / "a"
    folder.mkdir(parents=True)
    (folder / "failure.json").write_text('{"id": "a"}')
    assert failure.load_all(tmp_path) == []
    assert "failure.json' is passed over" in caplog.text
    failure.remove(tmp_path, ["a", "b"])
    assert not folder.exists()

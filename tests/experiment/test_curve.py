"""The readings of a training: which are kept, also over stops, and that they change nothing."""

import itertools
import math
from dataclasses import asdict

import pytest
import torch

from harness.config.settings import TrainConfig
from harness.experiment import checkpoints
from harness.experiment.curve import Curve
from harness.experiment.training_state import TrainingState
from harness.records.readings import MOST, Readings
from harness.records.record import load_all

FAILS_ONCE = """
from pathlib import Path
from torch import nn
class Net(nn.Module):
    def __init__(self, *, scale):
        super().__init__()
        self.parts = nn.Sequential(nn.Conv2d(3, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))
        self.calls = 0
    def forward(self, lr):
        self.calls += self.training
        if self.calls == 6 and Path(__file__).with_name("fail").exists():
            raise RuntimeError("on purpose")
        return self.parts(lr)
"""


def read_all(curve, numbers, *, every=1):
    for step in numbers:
        if step % every == 0:
            curve.read(step, seconds=step / 10, loss=1 / step, lr=0.1)


def test_each_reading_of_a_short_training_is_kept():
    curve = Curve(TrainConfig(steps=100, log_every=7))
    read_all(curve, [7 * n for n in range(1, 15)] + [100])
    assert curve.readings.steps == (*range(7, 99, 7), 100)
    assert curve.readings.losses[0] == 1 / 7
    assert curve.readings.seconds[1] == 1.4


def test_a_long_training_has_no_more_than_a_record_should_hold():
    steps = 1_000_000
    curve = Curve(TrainConfig(steps=steps, log_every=50))
    read_all(curve, range(50, steps + 1, 50))
    kept = curve.readings.steps
    assert MOST / 2 < len(kept) <= MOST
    assert kept[-1] == steps
    assert len({b - a for a, b in itertools.pairwise(kept)}) == 1


def test_a_training_that_goes_on_keeps_the_readings_that_one_in_one_go_keeps():
    config = TrainConfig(steps=3_001, log_every=2)
    whole, first = Curve(config), Curve(config)
    read_all(whole, range(1, 3_002), every=1)
    read_all(first, range(1, 1_235), every=1)
    second = Curve(config, first.readings)
    read_all(second, range(1_235, 3_002), every=1)
    assert second.readings == whole.readings


def test_scores_are_of_one_set_and_finite(caplog):
    curve = Curve(TrainConfig(steps=10, eval_every=2))
    for step, name, psnr_db in ((2, "a", 30.0), (4, "a", math.inf), (6, "b", 31.0)):
        curve.score(step, seconds=step, set_name=name, psnr_db=psnr_db)
    assert (curve.readings.set, curve.readings.scored_steps) == ("b", (6,))
    assert "readings of a are given up" in caplog.text


def training_state(**readings):
    return TrainingState("f", 5, {}, {}, torch.get_rng_state(), [], [], 1.0, readings)


@pytest.mark.parametrize(
    "readings",
    [{"other": ()}, {"losses": [1.0]}, {"steps": (1.5,)}, {"set": 3}, {"steps": (1,)}],
)
def test_a_state_holds_nothing_but_readings_there(readings):
    with pytest.raises(TypeError, match="expected readings to be"):
        training_state(**readings)


def test_readings_travel_with_the_state(tmp_path):
    taken = Readings((2,), (0.5,), (9.0,), (0.1,), "own", (2,), (0.6,), (30.0,))
    checkpoints.write_state(tmp_path, training_state(**asdict(taken)))
    found = checkpoints.read_state(tmp_path, fingerprint="f")
    assert Readings(**found.readings) == taken


def test_readings_of_a_stopped_training_are_those_of_a_whole_one(tiny, tmp_path, invoke):
    """Also: the bytes of the weights do not depend on what is read, nor on the stop."""
    network = tmp_path / "net.py"
    network.write_text(FAILS_ONCE)
    more = {"train.steps": 9, "train.log_every": 1, "train.eval_every": 4}

    def train(name, **changed):
        changed = {"results.root": tmp_path / name} | more | changed
        kept = [item for item in tiny if item.partition("=")[0] not in {"ablation", *changed}]
        settings = [*kept, *(f"{key}={value}" for key, value in changed.items())]
        return invoke("train", f"{network}:Net", "--scale", 2, *settings)

    def outcome(name):
        (weights,) = (tmp_path / name).rglob("weights.safetensors")
        trained = [record for record in load_all(tmp_path / name) if record.steps]
        return weights.read_bytes(), trained[0].readings

    assert train("whole").exit_code == 0
    assert train("silent", **{"train.log_every": 9, "train.eval_every": 0}).exit_code == 0
    (tmp_path / "fail").touch()
    assert train("stopped").exit_code == 1
    (tmp_path / "fail").unlink()
    assert train("stopped").exit_code == 0
    weights, readings = outcome("whole")
    assert readings.steps == tuple(range(1, 10))
    assert (readings.set, readings.scored_steps) == ("own", (4, 8))
    resumed_weights, resumed = outcome("stopped")
    silent_weights, silent = outcome("silent")
    assert weights == resumed_weights == silent_weights
    assert resumed.steps == readings.steps
    assert resumed.losses == readings.losses
    assert resumed.psnr_db == readings.psnr_db
    assert list(resumed.seconds) == sorted(resumed.seconds)
    assert (silent.steps, silent.psnr_db) == ((9,), ())

"""How long a plan still takes: by a clock that is turned by hand."""

import pickle
import re
from dataclasses import replace

import pytest

from harness.config import ablation, settings
from harness.experiment import measuring, plan, remaining
from harness.experiment.remaining import WARM_UP, Remaining, Training, about
from harness.experiment.session import statuses

HOUR = 3600


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def step(left, clock, seconds, times=1):
    """Let steps of some seconds pass; returns whether the network became known in one of them."""
    known = []
    for _ in range(times):
        clock.now += seconds
        known.append(left.advance())
    return any(known)


def test_nine_trainings_take_nine_times_what_was_measured():
    clock = Clock()
    nine = [Training(f"t{n}", "A", "net", 10_000, 1e9) for n in range(9)]
    left = Remaining(nine, clock=clock)
    left.begin("t0")
    assert left.seconds is None
    assert left.text() == "9 trainings"
    assert not step(left, clock, 60, WARM_UP)  # however slow the first steps are
    assert not step(left, clock, 0.56, 8)
    assert step(left, clock, 0.56)  # five seconds were measured
    assert not step(left, clock, 0.56)  # it is told once
    done = WARM_UP + 10
    assert left.steps == 90_000 - done
    assert left.seconds == pytest.approx((90_000 - done) * 0.56)
    assert left.text() == "9 trainings, about 14 h here (A measured)"
    assert left.brief() == "9 trainings, about 14 h"
    left.end("t0")
    assert left.seconds == pytest.approx(80_000 * 0.56)
    assert left.text() == "8 trainings, about 12 h here (A measured)"


def test_the_mean_becomes_better_with_every_step():
    clock = Clock()
    left = Remaining([Training("t", "A", "net", 1000)], clock=clock)
    left.begin("t")
    step(left, clock, 9, WARM_UP)
    step(left, clock, 1, 10)
    step(left, clock, 3, 10)
    assert left.seconds == pytest.approx((1000 - WARM_UP - 20) * 2)


def test_what_was_not_measured_takes_its_share_of_multi_adds():
    clock = Clock()
    left = Remaining(
        [
            Training("a", "A", "one", 100, 2e9),
            Training("b", "B", "two", 100, 6e9),
            Training("c", "C", "three", 100),  # nobody can tell: as those that were measured
        ],
        clock=clock,
    )
    left.measure(Training("a", "A", "one", 100, 2e9), 0.5)
    assert left.seconds == pytest.approx(100 * (0.5 + 1.5 + 0.5))
    assert left.text().endswith("(A measured, the 2 others estimated from Multi-Adds)")
    left.begin("a")
    left.end("a")  # the count of what is done is still known
    assert left.seconds == pytest.approx(100 * (1.5 + 0.5))


def test_a_resumed_training_counts_its_rest_and_a_failed_one_nothing():
    left = Remaining([Training("a", "A", "net", 250), Training("b", "A", "net", 1000)])
    left.measure(Training("a", "A", "net", 250), 2.0)
    assert left.seconds == 2500
    left.end("b")
    assert (left.seconds, left.trainings, left.steps_in_all) == (500, 1, 1250)
    left.end("never heard of")
    left.begin("never heard of")
    assert not left.advance()
    assert left.seconds == 500


def test_short_trainings_become_known_at_their_end():
    left = Remaining([Training("a", "A", "net", 4), Training("b", "A", "net", 4)])
    left.begin("a")
    for _ in range(4):
        assert not left.advance()
    left.trained("a", 0.5)
    left.end("a")
    assert left.seconds == 2


def test_it_goes_to_another_process():
    left = Remaining([Training("a", "A", "net", 4)])
    assert pickle.loads(pickle.dumps(left)).text() == "1 training"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59, "less than a minute"),
        (60, "about 1 min"),
        (89 * 60, "about 89 min"),
        (1.5 * HOUR, "about 1.5 h"),
        (3 * HOUR, "about 3 h"),
        (13.6 * HOUR, "about 14 h"),
        (47.6 * HOUR, "about 48 h"),
        (72 * HOUR, "about 3 days"),
    ],
)
def test_a_time_as_a_person_says_it(seconds, text):
    assert about(seconds) == text


def planned(tiny, *more):
    values, _ = settings.parse_arguments([*tiny, *more])
    return plan.make(ablation.load(values.pop("ablation")), values)


def test_a_plan_is_left_what_is_not_done(tiny, invoke):
    """Two rows with two seeds; bicubic trains nothing."""
    made = planned(tiny, "seeds=0,1")
    before = [one for one, _ in remaining.of_statuses(made, statuses(made))]
    assert [(one.label, one.steps) for one in before] == [("plain", 6), ("basic", 6)] * 2
    assert len({one.network for one in before}) == 2
    assert invoke("run", *tiny, "seeds=0").exit_code == 0
    after = [one for one, _ in remaining.of_statuses(made, statuses(made))]
    assert after == [replace(one, id=left.id) for one, left in zip(before[2:], after, strict=True)]


def test_a_run_says_how_long_its_trainings_take(tiny, invoke, monkeypatch, caplog):
    monkeypatch.setattr(remaining, "_LEAST_S", 0.0)
    result = invoke("run", *tiny, "seeds=0,1", "train.steps=12", "train.log_every=6")
    assert result.exit_code == 0, result.output
    said = [line for line in result.stderr.splitlines() if line.startswith("still to do: ")]
    counts = [int(re.match(r"still to do: (\d+) training", line)[1]) for line in said]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1
    assert "here (" in said[0]


def test_steps_are_measured_within_their_time(tiny, monkeypatch):
    """By a clock that is turned a second by every step, three by the first of a network."""
    made = planned(tiny, "train.batch=4")
    (cell, *_) = [cell for cell in made.cells if cell.trained]
    clock, patches = Clock(), []
    steps = measuring._steps

    def counted(cell, config, *, batch):
        patches.append(batch)
        for number, one in enumerate(steps(cell, config, batch=batch)):
            clock.now += 3 if number == 0 else 0.25 * batch
            yield one

    monkeypatch.setattr(measuring, "_steps", counted)
    found = measuring.measure(cell, made.config, clock=clock)
    assert patches == [1, 4]  # 0.25 s a patch: four are a second, a third of the time
    assert (found.step_s, found.steps, found.batch) == (1.0, 3, 4)
    assert found.text == "1 s a step of 4 patches (3 measured)"
    patches.clear()
    larger = planned(tiny, "train.batch=40")
    found = measuring.measure(cell, larger.config, clock=clock)
    assert patches == [1, 4]
    assert (found.step_s, found.steps, found.batch) == (10.0, 3, 4)
    assert "in proportion to 3 of 4 that were measured" in found.text


def test_the_estimate_measures_each_network_once_and_goes_on_past_one_that_fails(tiny, monkeypatch):
    made = planned(tiny, "seeds=0,1")
    asked = []

    def measure(cell, config, *, clock):
        asked.append(cell.row.label)
        if len(asked) == 2:
            raise RuntimeError("no such\nthing")
        return measuring.Measured(30.0, 5, 4, 4)

    monkeypatch.setattr(measuring, "measure", measure)
    lines = measuring.estimate(made, statuses(made))
    assert asked == ["plain", "basic"]
    assert lines[0].startswith("still to do: 4 trainings, about 1")
    assert lines[0].endswith("min here (plain measured, the other estimated from Multi-Adds)")
    assert lines[1].split()[:4] == ["plain", "x2:", "30", "s"]
    assert lines[2].split()[:2] == ["basic", "x2:"]
    assert "RuntimeError: no such thing" in lines[2], "on one line"


def test_the_command_prints_the_estimate_and_writes_nothing(tiny, tmp_path, invoke, monkeypatch):
    monkeypatch.setattr(measuring, "BUDGET_S", 0.01)
    result = invoke("run", *tiny, "--dry-run", "--estimate")
    assert result.exit_code == 0, result.output
    assert re.search(r"^still to do: \d+ trainings?, .* here \(", result.stdout, re.MULTILINE)
    assert re.search(r"^  .* s a step of \d+ patches \(", result.stdout, re.MULTILINE)
    assert not list(tmp_path.glob("results/runs/*"))


def test_an_estimate_of_a_run_that_is_not_planned_only_is_refused(tiny, invoke):
    result = invoke("run", *tiny, "--estimate")
    assert result.exit_code == 2
    assert "--estimate goes with --dry-run" in result.stderr


def test_a_plan_that_is_done_has_nothing_left(tiny, invoke):
    assert invoke("run", *tiny).exit_code == 0
    result = invoke("run", *tiny, "--dry-run", "--estimate")
    assert result.stdout.endswith("still to do: 0 trainings\n")

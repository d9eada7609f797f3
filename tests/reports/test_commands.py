"""The command beside a record makes it again: its plan has the record's own fingerprint."""

import shlex
from pathlib import Path

import pytest

from harness.config import ablation, settings
from harness.records import record as records
from harness.reports import commands
from harness.reports.commands import Asked

ROOT = Path(__file__).parents[2]
STORED = records.load_all(ROOT)
SHIPPED = [Asked(name, ablation.load(name)) for name in ablation.shipped()]


def test_a_training_is_planned_as_it_was_done(tiny, tmp_path, invoke):
    """Its plan finds the record: nothing that decides about the weights is missing."""
    assert invoke("run", *tiny, "seeds=3", "rows=basic").exit_code == 0
    (record,) = [one for one in records.load_all(tmp_path) if one.group]
    asked = [Asked(str(tmp_path / "tiny.yaml"), ablation.load(str(tmp_path / "tiny.yaml")))]
    places = [word for word in tiny if word.startswith(("data.root", "results.root"))]
    for of, label in ((asked, "basic"), ([], "AWSRN-S")):
        program, *words = shlex.split(commands.of(record, of))
        assert program == "harness"
        planned = invoke(*words, *places, "--dry-run").stdout.splitlines()
        (row,) = [line for line in planned if line.startswith(label)]
        assert row.endswith("done")


@pytest.mark.parametrize("record", [one for one in STORED if one.group], ids=lambda one: one.id)
def test_the_settings_of_stored_trainings_are_all_there(record):
    words = shlex.split(commands.of(record, SHIPPED))
    assert words[:2] == ["harness", "run"]
    values, problems = settings.parse_arguments(words[2:])
    chosen = ablation.load(values.pop("ablation"))
    config, more = settings.make([settings.PROFILES[values["profile"]], chosen.config, values])
    assert problems + more == []
    assert record.config.train is not None
    assert config.train.steps == record.steps
    for key in ("batch", "patch", "lr", "schedule", "channels_last", "eval_every"):
        assert getattr(config.train, key) == getattr(record.config.train, key)
    assert (config.precision, config.threads) == (record.config.precision, record.config.threads)
    assert (config.scale, config.seeds) == ([record.scale], [record.seed])
    assert config.data.test == [score.set for score in record.scores]
    labels = {row.label for row in chosen.rows} | {row.model for row in chosen.rows}
    assert set(config.rows) <= labels


def test_scored_weights_are_named_with_protocol_and_sets():
    record = next(one for one in STORED if one.id.startswith("falsr_a-x2-y_rounded"))
    assert commands.of(record, SHIPPED) == (
        "harness eval falsr_a --scale 2 --checkpoint falsr_a_x2.pth "
        f"--data {' '.join(score.set for score in record.scores)} --protocol y_rounded --results ."
    )

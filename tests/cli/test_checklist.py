"""`harness checklist`: every answer is what the records hold."""

import json
import shlex
from dataclasses import asdict

import pytest

from harness.config import ablation, settings
from harness.config.settings import PROFILES
from harness.records.record import load_all
from tests.shipped import EARLIER


@pytest.fixture
def answered(monkeypatch, invoke):
    monkeypatch.chdir(EARLIER)
    first, _ = json.loads(invoke("checklist", "awru", "--format", "json").stdout)
    return {row["question"]: row["answer"] for row in first["rows"]}


@pytest.fixture
def trainings():
    rows = ("wdsr_basic", "wdsr_wru", "wdsr_awru")
    return [one for one in load_all(EARLIER) if one.model in rows and one.steps == 1500]


def test_runs_seeds_and_hours(answered, trainings):
    assert answered["How many runs?"] == "9 trainings of 3 rows, 3 a row; none failed"
    assert answered["Which seeds?"] == "0, 1, 2"
    hours = sum(one.wall_time_s for one in trainings) / 3600
    assert answered["How much computing?"].startswith(f"{hours:.1f} hours for 9 trainings")
    assert (
        "95 % intervals over seeds and images" in answered["What is reported, with what interval?"]
    )


def test_sizes_hardware_data_and_code(answered, trainings):
    sizes = answered["How large are the networks?"]
    for one in trainings:
        assert f"{one.params:,} parameters" in sizes
        assert one.provenance.device in answered["On what hardware?"]
        assert one.data.train.sha256 in answered["Trained on what?"]
        assert one.provenance.commit in answered["Which code?"]
    assert "B100 (100 images)" in answered["Tested on what, and how?"]


def test_the_command_has_the_settings_of_the_records(answered, trainings):
    command, _, remark = answered["How is it run again?"].partition(" (")
    values, problems = settings.parse_arguments(shlex.split(command)[2:])
    assert problems == []
    assert "another recipe" in remark
    chosen = ablation.load(values.pop("ablation"))
    profile = PROFILES[values.pop("profile")]
    made, problems = settings.make([profile, chosen.config, values])
    assert problems == []
    recorded = asdict(trainings[0].config.train)
    for key in ("steps", "batch", "patch", "lr", "schedule", "channels_last"):
        assert getattr(made.train, key) == recorded[key]
    assert (made.precision, made.threads) == ("bf16-mixed", trainings[0].config.threads)
    assert made.seed_list == sorted({one.seed for one in trainings})


def test_a_file_of_ones_own_is_run_by_its_name_and_one_row_has_its_interval(
    tmp_path, monkeypatch, invoke
):
    """The base of a single row is bicubic: three seeds give an interval of the gain over it."""
    monkeypatch.chdir(EARLIER)
    file = tmp_path / "my units.yaml"
    rows = [{"label": "AWRU", "model": "wdsr_awru"}]
    text = json.dumps({"name": "mine", "title": "Mine", "base": "AWRU", "rows": rows})
    file.write_text(text, encoding="utf-8")
    first, _ = json.loads(invoke("checklist", file, "--format", "json").stdout)
    answers = {row["question"]: row["answer"] for row in first["rows"]}
    command, _, _ = answers["How is it run again?"].partition(" (")
    assert f"ablation={file}" in shlex.split(command)
    assert "95 % intervals" in answers["What is reported, with what interval?"]
    assert answers["How many runs?"].startswith("3 trainings of 1 row")


def test_one_seed_is_said_to_be_one(monkeypatch, invoke):
    monkeypatch.chdir(EARLIER)
    text = invoke("checklist", "awru", "--format", "markdown").stdout
    assert "means over one seed a row" in text
    assert text.count("| Question | Answer |") == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "Missing argument"),
        (("awrru",), 2, "did you mean 'awru'?"),
        (("init",), 1, "no records to make tables of"),
    ],
)
def test_mistakes(words, code, said, monkeypatch, invoke):
    monkeypatch.chdir(EARLIER)
    result = invoke("checklist", *words)
    assert result.exit_code == code
    assert said in result.stderr

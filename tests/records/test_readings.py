"""The points of a training's curves: stored with its record, and held to what they must be."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.records import record as records
from harness.records.readings import Readings
from harness.records.record import Record

FILE = Path(__file__).parents[1] / "files" / "record.json"
TAKEN = Readings(
    steps=(50, 100),
    seconds=(1.5, 3.0),
    losses=(9.0, 7.5),
    rates=(1e-3, 5e-4),
    set="Set5",
    scored_steps=(100,),
    scored_seconds=(3.25,),
    psnr_db=(30.25,),
)


@pytest.fixture
def record():
    return Record.from_json(FILE.read_text(encoding="utf-8"), source="record.json")


def test_records_without_readings_are_read_and_have_none(record):
    assert "readings" not in json.loads(FILE.read_text(encoding="utf-8"))
    assert record.readings == Readings()


def test_readings_come_back_as_they_were(record, tmp_path):
    stored = replace(record, readings=TAKEN)
    raw = json.loads(records.write(tmp_path, stored).read_text())
    assert raw["readings"]["losses"] == [9.0, 7.5]
    assert records.read(tmp_path, record.id) == stored


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"losses": [9.0]}, "steps: expected as many"),
        ({"scored_seconds": []}, "scored_steps: expected as many"),
        ({"steps": [100, 100]}, "expected them to rise"),
        ({"steps": [100, 50]}, "expected them to rise"),
        ({"set": ""}, "set: expected a name"),
        ({"losses": [9.0, "7.5"]}, "losses"),
    ],
)
def test_readings_that_cannot_be_right_are_refused(record, change, where):
    raw = json.loads(replace(record, readings=TAKEN).to_json())
    raw["readings"] |= change
    with pytest.raises(RecordError, match=where):
        Record.from_json(json.dumps(raw), source="x")

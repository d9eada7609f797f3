"""Records on disk: complete, strict, and untouched by the order of keys."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.records import record as records
from harness.records.record import ImageScore, Record, SetScore

FILE = Path(__file__).parents[1] / "files" / "record.json"


@pytest.fixture
def record():
    return Record.from_json(FILE.read_text(encoding="utf-8"), source="record.json")


def test_round_trip(record, tmp_path):
    path = records.write(tmp_path, record)
    assert path == tmp_path / "results" / "runs" / record.id / "record.json"
    assert records.read(tmp_path, record.id) == record
    assert records.load_all(tmp_path) == [record]


def test_no_record_is_none_and_no_folder_is_empty(tmp_path):
    assert records.read(tmp_path, "nothing") is None
    assert records.load_all(tmp_path) == []


def test_records_are_sorted_by_id(record, tmp_path):
    for name in ("b", "c", "a"):
        records.write(tmp_path, replace(record, id=name))
    assert [one.id for one in records.load_all(tmp_path)] == ["a", "b", "c"]


def test_set_score_is_the_plain_mean_over_its_images():
    images = (ImageScore("a", 30.0, 0.9), ImageScore("b", 33.0, 0.8))
    score = SetScore.of("own", "files", "00", images)
    assert score.psnr_db == pytest.approx(31.5)
    assert score.ssim == pytest.approx(0.85)


def test_score_by_name(record):
    name = record.scores[0].set
    assert record.score(name) is record.scores[0]
    assert record.score("nothing") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.pop("params"), "lacks the field 'params'"),
        (lambda raw: raw.update(extra=1), "unknown field 'extra'"),
        (lambda raw: raw.update(schema=99), "schema 99, expected 1"),
        (lambda raw: raw["scores"][0].pop("ssim"), "is not a record"),
        (lambda raw: raw["scores"][0].pop("images"), "is not a record"),
        (lambda raw: raw.update(scores=3), "is not a record"),
    ],
)
def test_a_file_that_is_no_record_is_named(change, message, tmp_path):
    raw = json.loads(FILE.read_text(encoding="utf-8"))
    change(raw)
    path = records.folder(tmp_path, "x") / "record.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(raw))
    with pytest.raises(RecordError, match=message) as caught:
        records.load_all(tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b"\xff\xfe"])
def test_damaged_files_are_named(content, tmp_path):
    path = records.folder(tmp_path, "x") / "record.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"x/record\.json"):
        records.read(tmp_path, "x")


def test_digest_ignores_the_order_of_keys_only():
    assert records.digest({"a": 1, "b": 2}) == records.digest({"b": 2, "a": 1})
    assert records.digest({"a": 1}) != records.digest({"a": 2})
    assert records.digest({"a": 1}) != records.digest({"a": "1"})

"""Records on disk: complete, strict, and untouched by the order of keys."""

import json
import math
import random
from dataclasses import fields, replace
from pathlib import Path

import pytest

from harness.config.settings import TrainConfig
from harness.config.settings import settings as declared_settings
from harness.errors import HarnessError, RecordError
from harness.records import record as records
from harness.records.origin import RecordedData, RecordedSettings, RecordedTraining
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


def test_a_run_in_two_roots_is_one_and_no_two_with_other_content(record, tmp_path):
    roots = [tmp_path / name for name in "ab"]
    for root in roots:
        records.write(root, record)
    assert records.load_all(*roots) == [record]
    elsewhere = replace(
        record.provenance, device="cpu (another)", started="2026-12-01T00:00:00+00:00"
    )
    records.write(roots[1], replace(record, provenance=elsewhere, wall_time_s=99.5))
    assert records.load_all(*roots) == [record], "the first one's"
    records.write(roots[1], replace(record, loss=1.25))
    with pytest.raises(RecordError, match="are of one run, with other loss") as refused:
        records.load_all(*roots)
    assert all(str(root) in str(refused.value) for root in roots)


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
        (lambda raw: raw.pop("params"), r"params: missing"),
        (lambda raw: raw.pop("scores"), r"scores: missing"),
        (lambda raw: raw.update(extra=1), r"extra: unknown key"),
        (lambda raw: raw.update(lable="x"), r"lable: unknown key \(did you mean 'label'\?\)"),
        (lambda raw: raw.update(schema=99, new=1), r"schema: expected one of 1, 2, not 99$"),
        (lambda raw: raw.update(scores=3), r"scores: expected a list, not 3"),
        (lambda raw: raw.update(scores=["x"]), r"scores\[0\]: expected keys and values, not 'x'"),
        (lambda raw: raw.update(steps=10**30), r"larger number than 64 bits hold"),
        (lambda raw: raw.update(loss=float("nan")), r"NaN is not a finite number"),
        (lambda raw: raw.update(seed="0"), r"seed: expected a whole number, not '0'"),
        (lambda raw: raw["config"].update(trian={}), r"config\.trian: unknown key .*'train'"),
        (lambda raw: raw["data"]["train"].pop("images"), r"data\.train\.images: missing"),
        (lambda raw: raw["provenance"].pop("commit"), r"provenance\.commit: missing"),
        (
            lambda raw: raw["learned"].update(alpha={"a": 1.0}),
            r"learned\.alpha: unexpected key 'a'",
        ),
        (lambda raw: raw["scores"][0].pop("ssim"), r"scores\[0\]\.ssim: missing"),
        (lambda raw: raw["scores"][0].pop("images"), r"scores\[0\]\.images: missing"),
        (lambda raw: raw["scores"][0].update(images=[]), r"scores\[0\]\.images: .*at least one"),
        (lambda raw: raw["scores"][0].update(lr="found"), r"scores\[0\]\.lr: .*files, made"),
        (lambda raw: raw["scores"].append(raw["scores"][0]), r"two scores of the set 'Set5'"),
        (
            lambda raw: raw["scores"][0].update(images=2 * raw["scores"][0]["images"]),
            r"scores\[0\]\.images: there are two images",
        ),
        (
            lambda raw: raw["scores"][0].update(psnr_db=34.2500001),
            r"scores\[0\]\.psnr_db: is not the mean over the images",
        ),
        (lambda raw: raw["scores"][0].update(ssim=0.1), r"scores\[0\]\.ssim: is not the mean"),
        (
            lambda raw: raw["scores"][0].update(psnr_db=None),
            r"scores\[0\]\.psnr_db: is not the mean",
        ),
        (
            lambda raw: raw["scores"][0]["images"].extend(
                {"name": name, "psnr_db": 1.7e308, "ssim": 1} for name in "xy"
            ),
            r"scores\[0\]\.psnr_db: is not the mean",
        ),
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


@pytest.mark.parametrize(
    "content", [b"{", b"", b"[]", b"3", b"\xff\xfe", b"[" * 100_000, b'{"id": 1, "id": 2}']
)
def test_damaged_files_are_named(content, tmp_path):
    path = records.folder(tmp_path, "x") / "record.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"x/record\.json"):
        records.read(tmp_path, "x")


def test_an_infinite_psnr_is_null_on_disk_and_left_out_of_the_mean(record, tmp_path):
    images = (ImageScore("blank", math.inf, 1.0), ImageScore("b", 33.0, 0.8))
    score = SetScore.of("own", "made", "00", images)
    assert (score.psnr_db, score.ssim) == (33.0, pytest.approx(0.9))
    blank = SetScore.of("blank", "made", "01", images[:1])
    stored = replace(record, scores=(score, blank))
    raw = json.loads(records.write(tmp_path, stored).read_text(), parse_constant=pytest.fail)
    assert [image["psnr_db"] for image in raw["scores"][0]["images"]] == [None, 33.0]
    assert raw["scores"][1]["psnr_db"] is None
    assert records.read(tmp_path, record.id) == stored


@pytest.mark.parametrize("change", [{"loss": math.nan}, {"loss": math.inf}])
def test_numbers_that_json_lacks_are_never_written(record, tmp_path, change):
    with pytest.raises(RecordError, match="cannot be stored"):
        records.write(tmp_path, replace(record, **change))
    assert not list(tmp_path.rglob("*.json"))


def test_new_records_have_schema_2_and_every_field(record):
    values = {item.name: getattr(record, item.name) for item in fields(record)}
    values.pop("schema")
    raw = json.loads(Record(**values).to_json())
    assert raw["schema"] == 2
    assert raw["provenance"]["scored_at"] is None
    assert raw["config"]["train"]["channels_last"] is False
    assert Record.from_json(json.dumps(raw), source="x") == Record(**values)


def test_what_older_records_lack_has_its_default(record):
    assert record.schema == 1
    assert (record.config.rows, record.config.devices, record.config.self_ensemble) == (
        (),
        1,
        False,
    )
    assert record.config.train == RecordedTraining(300, 16, 48, 0.002, "onecycle")
    assert record.provenance.scored_at is None
    assert record.data.weights is None


def test_every_setting_but_the_machine_s_own_folders_is_recorded():
    recorded = {item.name for item in fields(RecordedSettings)}
    recorded |= {f"train.{item.name}" for item in fields(RecordedTraining)}
    recorded |= {f"data.{item.name}" for item in fields(RecordedData)}
    of_machine = {"data.root", "data.cache", "results.root", "tracking.mlflow", "tracking.uri"}
    of_machine |= {"data.resident"}
    assert declared_settings().keys() - recorded == of_machine
    defaults = {item.name: item.default for item in fields(RecordedTraining)}
    for item in fields(TrainConfig):  # an older record was made with what is the default now
        recorded_type = {item.name: item.type for item in fields(RecordedTraining)}[item.name]
        assert str(item.type).removesuffix(" | None") == recorded_type  # a choice that was made
        assert item.default == defaults[item.name] or item.name in (
            "steps",
            "batch",
            "patch",
            "lr",
            "schedule",
            "channels_last",  # no in older records, open now
        )


def test_all_stored_records_are_read_and_written_back_alike(request):
    paths = sorted((request.config.rootpath / "results" / "runs").glob("*/record.json"))
    assert len(paths) >= 135
    for path in paths:
        raw, record = json.loads(path.read_text()), records.read_file(path)
        again = json.loads(record.to_json())
        assert _holds(again, raw), path


def _holds(value, part):
    """Tell whether a value has all that a part of it has."""
    if isinstance(part, dict):
        return all(key in value and _holds(value[key], part[key]) for key in part)
    if isinstance(part, list):
        return len(value) == len(part) and all(map(_holds, value, part))
    return value == part


REPLACEMENTS: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    10**20,
    1.5,
    "",
    "x",
    [],
    ["x"],
    {},
    {"x": 1},
    "\ud800",
)


def mutated(raw, choose):
    """Drop, replace, repeat or add something at a random place; return JSON text."""
    node = raw
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = choose.choice(keys)
        if not (isinstance(node[key], dict | list) and node[key]) or choose.random() < 0.3:
            break
        node = node[key]
    change = choose.randrange(4)
    if change == 0:
        del node[key]
    elif change == 1:
        node[key] = choose.choice(REPLACEMENTS)
    elif isinstance(node, list):
        node.insert(key, node[key])
    else:
        node[f"{key}s"] = node[key]
    text = json.dumps(raw)
    return text.replace('": ', '": 1, "id": ', 1) if choose.random() < 0.1 else text


def test_200_damaged_records_give_our_errors_only():
    original, choose, read = FILE.read_text(encoding="utf-8"), random.Random(0), 0
    messages = []
    for _ in range(200):
        text = mutated(json.loads(original), choose)
        try:
            Record.from_json(text, source="x/record.json")
            read += 1
        except HarnessError as error:
            messages.append(str(error))
    assert 0 < read < 100
    assert all("x/record.json" in message and len(message) < 700 for message in messages)


def test_digest_ignores_the_order_of_keys_only():
    assert records.digest({"a": 1, "b": 2}) == records.digest({"b": 2, "a": 1})
    assert records.digest({"a": 1}) != records.digest({"a": 2})
    assert records.digest({"a": 1}) != records.digest({"a": "1"})

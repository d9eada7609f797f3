"""The stored counts are read, and a missing or broken file gives one clear line."""

import json

import pytest

from harness.errors import RecordError
from harness.records.counts import RECOUNT, load, of_model

ROW = {
    "model": "own",
    "label": "Own",
    "scale": 2,
    "params": 3,
    "params_deployed": 2,
    "multi_adds": 40,
    "convention": "executed",
    "activations": 5,
    "convs": 1,
    "rule": None,
    "rule_params": None,
    "rule_multi_adds": None,
    "published_params_k": 1.5,
    "note": "",
}


def test_counts_are_found_by_label_and_scale(tmp_path):
    (tmp_path / "counts.json").write_text(json.dumps([ROW, ROW | {"scale": 4, "params": 9}]))
    counts = load(tmp_path)
    assert [(key, count.params) for key, count in counts.items()] == [
        (("Own", 2), 3),
        (("Own", 4), 9),
    ]
    assert counts["Own", 2].rule is None


def test_shipped_counts_are_those_of_the_paper_s_network():
    count = load()["AWSRN", 2]
    assert (count.params, count.multi_adds) == (1_396_872, 320_548_147_200)
    assert count == of_model("awsrn", 2)


def test_counts_belong_to_an_lr_image_of_the_exact_area():
    assert [of_model("awsrn", scale).lr_px for scale in (2, 3, 4)] == [230_400, 102_400, 57_600]


def test_a_network_without_a_stored_count_is_named():
    with pytest.raises(RecordError, match="lack awsrn x5"):
        of_model("awsrn", 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "is not JSON"),
        ("{}", "expected a list, not keys and values"),
        ("[1]", "[0]: expected keys and values, not 1"),
        (json.dumps([{**ROW, "params": "3"}]), "[0].params: expected a whole number, not '3'"),
        (json.dumps([{"model": "own"}]), "[0].label: missing"),
        (json.dumps([ROW, ROW]), "[1]: Own x2 stands there already"),
        (
            json.dumps([ROW | {"convention": "paper"}]),
            "[0].convention: expected executed, not 'paper'",
        ),
    ],
)
def test_a_broken_file_is_named_with_the_way_to_write_it_anew(tmp_path, text, said):
    (tmp_path / "counts.json").write_text(text)
    with pytest.raises(RecordError) as error:
        load(tmp_path)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'counts.json'}: ")
    assert said in message
    assert message.endswith(f"(`{RECOUNT}` writes it)")
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"counts\.json: cannot be read: No such file"):
        load(tmp_path)
    (tmp_path / "counts.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RecordError, match=r"counts\.json: is not UTF-8"):
        load(tmp_path)

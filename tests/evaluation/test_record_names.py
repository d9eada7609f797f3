"""Names of stored records that a person can type: beginnings, labels, lengths of trainings."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.evaluation import contenders, record_names
from harness.evaluation.contenders import Request
from harness.records.record import Record, write
from tests.shipped import EARLIER, STEPS

ROOT = Path(__file__).parents[2]
COMMITTED = Request(results=ROOT)
RECORD = Record.from_json(
    (ROOT / "tests" / "files" / "record.json").read_text(), source="record.json"
)


def stored(root, model, label, seed, suffix, **changes):
    of_it: dict[str, Any] = {"model": model, "label": label, "seed": seed, "drop": ()}
    write(root, replace(RECORD, id=f"{model}-x2-s{seed}-{suffix}", **(of_it | changes)))


@pytest.fixture
def root(tmp_path):
    """Two lengths of one network: three seeds of 1,500 steps, one of 300; another network."""
    for seed in range(3):
        stored(tmp_path, "net", "Mine", seed, "aaa", steps=1500, group="long")
    stored(tmp_path, "net", "Mine", 0, "bbb", steps=300, group="short")
    stored(tmp_path, "other", "Other", 0, "ccc")
    return tmp_path


def ids(name, root, **options):
    return {record.id for record in record_names.matches(name, root, **options)}


LONG = {f"net-x2-s{seed}-aaa" for seed in range(3)}


@pytest.mark.parametrize("name", ["net-x2@1500", "net@1500", "net-x2-*@1500", "Mine@1500"])
def test_the_length_of_the_training_chooses_among_what_a_name_selects(root, name):
    assert ids(name, root) == LONG
    assert ids(name.replace("@1500", "@300"), root) == {"net-x2-s0-bbb"}
    assert ids(name.removesuffix("@1500"), root) == LONG | {"net-x2-s0-bbb"}


@pytest.mark.parametrize("steps", ["150", "1,500", "", "long"])
def test_a_length_that_no_training_has_is_refused_with_those_there_are(root, steps):
    with pytest.raises(UsageError, match="one of net-x2@300, net-x2@1500"):
        record_names.matches(f"net-x2@{steps}", root)


def test_a_name_of_nothing_selects_nothing(root):
    assert not any(ids(name, root) for name in ("nett@1500", "mine", "", "@1500"))


def test_where_a_name_means_several_trainings_the_message_says_what_to_type(root):
    with pytest.raises(UsageError) as refused:
        contenders.stored("net-x2", Request(results=root))
    offered = re.findall(r"'([^']+)' \(", str(refused.value))
    assert offered == ["net-x2@1500", "net-x2@300"] or offered == ["net-x2@300", "net-x2@1500"]
    rows = [contenders.stored(name, Request(results=root)) for name in offered]
    assert sorted(len(row.runs.seeds) for row in rows) == [1, 3]


def test_what_no_name_tells_apart_is_offered_by_its_ids(root):
    stored(root, "net", "Mine", 0, "ddd", steps=300, group="short")
    with pytest.raises(UsageError, match="'net-x2-s0-bbb'; 'net-x2-s0-ddd'"):
        contenders.stored("net@300", Request(results=root))


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("wdsr_basic-x2", EARLIER),
        ("Basic RU", EARLIER),
        ("wdsr", EARLIER),
        ("WDSR", EARLIER),
        ("AWSRN-S", ROOT),
    ],
)
def test_what_is_offered_for_the_committed_records_can_be_typed(name, where):
    with pytest.raises(UsageError) as refused:
        contenders.stored(name, Request(results=where))
    offered = re.findall(r"'([^']+)' \(", str(refused.value))
    assert offered
    rows = [contenders.stored(each, Request(results=where)) for each in offered]
    assert all(rows)
    assert len({row.origin for row in rows}) == len(rows)


def test_a_label_of_a_table_names_the_row_of_the_table():
    by_id = contenders.stored(f"wdsr_basic-x2@{STEPS}", COMMITTED)
    by_label = contenders.stored(f"Basic RU@{STEPS}", COMMITTED)
    assert by_label.origin == by_id.origin
    assert by_label.runs.seeds == (0, 1, 2)
    assert by_label.runs.label == "Basic RU"


def test_the_scale_chooses_among_the_rows_of_a_label():
    assert ids("AWSRN-S", ROOT, scale=4) == {"awsrn_s-x4-s0-191fb882c1fd"}


def test_a_label_with_a_typing_error_is_told_the_nearest():
    assert "did you mean 'Basic RU'" in str(contenders.unknown("Basc RU", ROOT))


def test_the_two_rows_of_the_issue_are_compared(invoke):
    done = invoke("compare", f"wdsr_basic-x2@{STEPS}", f"wdsr_awru-x2@{STEPS}", "--results", ROOT)
    assert done.exit_code == 0, done.output

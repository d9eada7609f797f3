"""What names mean: stored records, or weights that are scored now."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.evaluation import contenders
from harness.evaluation.contenders import Request
from harness.records import counts
from harness.records.marks import Marks
from harness.records.record import ImageScore, Record, SetScore, write

RECORD = Record.from_json(
    (Path(__file__).parents[1] / "files" / "record.json").read_text(), source="record.json"
)


def made(seed, psnr_db=30.0, **changes):
    score = SetScore.of("Set5", "files", "pixels", (ImageScore("a", psnr_db, 0.9),))
    basic = {"id": f"net-x2-s{seed}", "model": "net", "label": "Net", "seed": seed, "drop": ()}
    return replace(RECORD, **(basic | {"scores": (score,)} | changes))


@pytest.fixture
def root(tmp_path):
    for seed in (10, 2, 0):
        write(tmp_path, made(seed, 30.0 + seed))
    return tmp_path


def test_trainings_stand_in_the_order_of_their_seeds(root):
    row = contenders.stored("net-x2", Request(results=root))
    assert row.runs.seeds == (0, 2, 10)
    assert [scores["Set5"].psnr_db for scores in row.runs.scores] == [30.0, 32.0, 40.0]
    assert row.scores == {"Set5": pytest.approx((34.0, 0.9))}
    assert row.origin == f"net-x2-s0, net-x2-s2, net-x2-s10, {RECORD.steps:,} steps"


def test_an_id_in_full_is_that_record_even_where_others_begin_so(root):
    write(root, made(1, id="net-x2-s1"))
    row = contenders.stored("net-x2-s1", Request(results=root))
    assert row.runs.seeds == (1,)


def test_one_network_is_known_by_its_marks_wherever_its_file_lay(root):
    marks = {"marks": Marks(code=("digest",))}
    for seed, model in ((20, "a/net.py:Net"), (21, "b/net.py:Net")):
        write(root, made(seed, id=f"Net-s{seed}", model=model, **marks))
    assert contenders.stored("Net-s", Request(results=root)).runs.seeds == (20, 21)
    # The same code in another words: told by structure and behaviour.
    other = Marks(code=("edited",), structure="s", behaviour=(1.0,) * 64)
    write(root, made(20, id="Net-s20", model="a/net.py:Net", marks=other))
    write(root, made(21, id="Net-s21", model="a/net.py:Net", marks=replace(other, code=("two",))))
    assert contenders.stored("Net-s", Request(results=root)).runs.seeds == (20, 21)
    changed = replace(other, code=("three",), behaviour=(1.0,) * 63 + (1.1,))
    write(root, made(21, id="Net-s21", model="a/net.py:Net", marks=changed))
    with pytest.raises(UsageError, match="different trainings"):
        contenders.stored("Net-s", Request(results=root))


@pytest.mark.parametrize("name", ["other", "", "net-x2-s0,other"])
def test_a_name_that_fits_no_record_means_none(root, name):
    assert contenders.stored(name, Request(results=root)) is None


@pytest.mark.parametrize(
    "changes",
    [{"group": "bbbbbbbbbbbb"}, {"scale": 4}, {"overrides": {"channels": 8}}, {"seed": 0}],
)
def test_records_of_other_trainings_are_not_one_row(root, changes):
    write(root, made(**({"seed": 3, "id": "net-x2-other"} | changes)))
    with pytest.raises(UsageError, match="different trainings"):
        contenders.stored("net-x2", Request(results=root))


def test_activations_are_those_of_the_stored_count_where_the_network_is_as_registered(root):
    count = counts.of_model("awsrn_s", 2)
    cost = {"params": count.params, "multi_adds": count.multi_adds}
    write(root, made(0, id="as-registered", model="awsrn_s", **cost))
    write(root, made(0, id="smaller", model="awsrn_s", params=count.params - 1, multi_adds=1))
    rows = [contenders.stored(name, Request(results=root)) for name in ("as-registered", "smaller")]
    assert [row.activations for row in rows] == [count.activations, None]


@pytest.mark.parametrize(
    ("name", "parts"),
    [("bicubic", ("bicubic", None)), ("imdn=a/b=c.pth", ("imdn", Path("a/b=c.pth")))],
)
def test_network_and_weights_stand_on_either_side_of_the_first_equals_sign(name, parts):
    assert contenders.split(name) == parts


@pytest.mark.parametrize("name", ["=a.pth", "imdn=", "="])
def test_half_of_network_and_weights_is_refused(name):
    with pytest.raises(UsageError, match="is not ID=FILE"):
        contenders.split(name)


def test_only_a_network_that_learns_nothing_needs_no_weights():
    assert contenders.needs_no_weights("bicubic", 2)
    assert not contenders.needs_no_weights("espcn", 2)
    assert not contenders.needs_no_weights("no such network", 2)


def test_weights_need_a_scale_and_a_set():
    with pytest.raises(UsageError, match="--scale"):
        contenders.weights(["bicubic"], Request(sets=("Set5",)))
    with pytest.raises(UsageError, match="--data"):
        contenders.weights(["bicubic"], Request(scale=2))

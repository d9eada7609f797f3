"""The gate itself: what it measures, what it refuses, and that what is stored passed it."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.benchmarks import alternate, measure_patches
from tests.benchmarks.alternate import FOLDER, Apart, Claim, Ratio, claims, row, store

STORED = Path(__file__).parents[2] / "results" / "bench"


def times(*seconds):
    """Work that takes so long, call by call."""
    left = iter(seconds)
    return lambda: next(left)


def test_a_ratio_is_the_median_of_the_turns_after_one_warm_up():
    over, under = times(99, 1, 2, 9, 4, 5), times(99, 1, 1, 3, 2, 1)
    assert Ratio.of(over, under, 5) == Ratio(2, 1, 5, 4, 1)


def test_a_bound_holds_on_the_cpus_that_it_is_for(monkeypatch):
    held = {}
    for bf16 in (True, False):
        for amx in (True, False):
            monkeypatch.setattr(alternate, "computes_bf16", lambda bf16=bf16: bf16)
            monkeypatch.setattr(alternate, "has_amx", lambda amx=amx: amx)
            held[bf16, amx] = Claim("a", "b", cpu="bf16", bound=2).holds_here
            assert Claim("a", "b", bound=2).holds_here
            assert not Claim("a", "b").holds_here
    assert [key for key, value in held.items() if value] == [(True, False)]


def test_a_row_replaces_that_of_its_name_and_cpu_and_no_other(tmp_path, monkeypatch):
    made = row("b", "test_x.py", Ratio(2.00004, 1, 5, 4, 1), asdict(Claim("a", "b", bound=1.5)))
    monkeypatch.delenv("HARNESS_BENCH", raising=False)
    store(made, "x.json")
    monkeypatch.setenv("HARNESS_BENCH", str(tmp_path))
    for one in (made, made | {"name": "a"}, made | {"machine": "other"}, made | {"ratio": 3.0}):
        store(one, "x.json")
    rows = json.loads((tmp_path / "x.json").read_text())
    assert [(one["name"], one["ratio"]) for one in rows] == [("a", 2.0), ("b", 3.0), ("b", 2.0)]
    assert "goal" not in made
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def endless(fault):
    yield
    raise ValueError(fault)


def test_work_apart_is_done_a_turn_a_call_and_its_fault_is_told():
    work = Apart(endless, "no more")
    try:
        assert work() >= 0
        with pytest.raises(AssertionError, match="ValueError: no more"):
            work()
    finally:
        work.close()


def test_every_bound_is_held_by_a_test():
    tests = "".join(path.read_text("utf-8") for path in FOLDER.glob("test_*.py"))
    for name in claims():
        family = re.split(r" x\d", name)[0] if name.startswith("merged") else name
        of_claims = name.startswith(("training ", "inference "))  # whose tests read the bounds
        of_files = name.removeprefix("patches ") in measure_patches.HELD
        assert of_claims or of_files or family in tests, name


@pytest.mark.parametrize("path", sorted(STORED.glob("speed.json")), ids=lambda path: path.name)
def test_what_is_stored_is_of_known_names_and_passed_its_bound(path):
    for stored in json.loads(path.read_text("utf-8")):
        claim = claims()[stored["name"]]
        assert stored["least"] <= stored["ratio"] <= stored["most"]
        assert stored["turns"] >= 5
        if claim.bound is not None and (claim.cpu == "any" or not stored["amx"]):
            assert stored["ratio"] >= claim.bound, stored["name"]

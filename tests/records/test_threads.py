"""Trainings with other numbers of threads join one group when asked, and nothing else does."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.settings import Config, TrainConfig
from harness.records import conditions
from harness.records.failure import Failure
from harness.records.marks import RECIPE
from harness.records.origin import Inputs, TrainingSet
from harness.records.record import Record
from harness.records.threads import joint_group, merged

OLD = Record.from_json(
    (Path(__file__).parents[1] / "files" / "record.json").read_text(), source="record.json"
)


def trained(model="a", *, seed=0, threads=1, device="cpu", **changes):
    """A record of today's recipe, its group made as that of a training is."""
    record = replace(
        OLD,
        id=f"{model}-s{seed}-t{threads}",
        model=model,
        seed=seed,
        recipe=RECIPE,
        config=replace(OLD.config, threads=threads, device=device, devices=1),
    )
    record = replace(record, **changes)
    return replace(record, group=conditions.group(conditions.of_record(record) or {}))


def test_the_conditions_are_those_that_a_plan_hashes():
    """Once through the record, once from the settings by hand."""
    train = TrainConfig(
        steps=300, batch=16, patch=48, lr=0.002, schedule="onecycle", channels_last=False
    )
    config = Config(precision="bf16-mixed", device="cpu", threads=4, train=train)
    by_hand = conditions.of_training(
        recipe=RECIPE, scale=2, data="b", torch="2.13.0", config=config
    )
    assert conditions.of_record(trained(threads=4)) == by_hand
    assert by_hand["threads"] == 4
    assert "train.halve_every" not in by_hand  # which only halving reads
    assert conditions.of_record(replace(OLD, group="")) is None


def test_groups_that_differ_in_threads_alone_become_one():
    one, four = trained("a"), trained("b", threads=4)
    assert one.group != four.group
    records, _ = merged([one, four])
    assert {record.group for record in records} == {joint_group(one)} == {joint_group(four)}
    assert [replace(record, group="") for record in records] == [
        replace(record, group="") for record in (one, four)
    ]


@pytest.mark.parametrize(
    "other",
    [
        trained("b", threads=4, scale=3),
        trained("b", threads=4, recipe=RECIPE + 1),
        trained("b", threads=4, provenance=replace(OLD.provenance, torch="2.6.0")),
        trained("b", threads=4, data=Inputs(TrainingSet("T291", 289, "c"))),
        trained("b", threads=4, device="cuda"),
        replace(OLD, id="old"),
        replace(OLD, id="loaded", group="", seed=None),
    ],
    ids=lambda record: record.id,
)
def test_groups_that_differ_in_more_stay_apart(other):
    one = trained("a")
    records, _ = merged([one, other])
    assert records == [one, other]


def test_groups_of_earlier_recipes_are_named_and_stay(caplog):
    caplog.set_level(logging.INFO)
    old = [replace(OLD, id=name, group=name * 12) for name in ("a", "b")]
    assert merged(old)[0] == old
    assert all(group in caplog.text for group in ("a" * 12, "b" * 12))


def test_of_a_network_and_seed_trained_twice_the_commoner_number_stays(caplog):
    records = [
        trained("a", seed=0, threads=4),
        trained("a", seed=0, threads=1),
        trained("a", seed=1, threads=4),
        trained("b", seed=0, threads=1),
        trained("b", seed=1, threads=4),
        trained("b", seed=0, threads=1, overrides={"channels": 8}),
    ]
    left, _ = merged(records)
    assert [record.id for record in left if not record.overrides] == [
        *("a-s0-t1", "a-s1-t4", "b-s0-t1", "b-s1-t4")
    ]  # three of each number: the smaller one
    assert len(left) == 5
    assert "'a-s0-t4'" in caplog.text
    assert "'a-s0-t1'" in caplog.text


def test_failures_go_with_the_cells_of_their_group():
    one, four = trained("a"), trained("b", threads=4)
    failed = Failure("f", four.group, "B", "b", {}, (), 2, 1, "why", "", "", None)
    elsewhere = replace(failed, group="0" * 12)
    _, failures = merged([one, four], [failed, elsewhere])
    assert [one.group for one in failures] == [joint_group(one), "0" * 12]

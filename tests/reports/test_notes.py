"""The notes under a table say what a reader must know before trusting it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.data import catalogue
from harness.records.marks import RECIPE
from harness.records.origin import Inputs, RecordedSettings, TrainingSet
from harness.records.record import Record
from harness.reports.notes import SAMPLE, commit, lr_text, notes

EARLIER = Record.from_json(
    (Path(__file__).parents[1] / "files" / "record.json").read_text(), source="record.json"
)
RECORD = replace(EARLIER, recipe=RECIPE)
FIVE = ("Set5", "Set14", "B100", "Urban100", "Manga109")


def noted(
    *records: Record, published: bool = True, sets: tuple[str, ...] = FIVE
) -> tuple[str, ...]:
    return notes({"AWRU": records}, sets=sets, expected_sets=FIVE, has_published=published)


def test_notes_say_how_the_numbers_came_about() -> None:
    assert noted(RECORD, sets=("Set5", "B100")) == (
        "Ours: trained on T291 (289 images); 300 steps x batch 16 x LR patch 48; "
        "schedule onecycle, lr 0.002; bf16-mixed; cpu (Some CPU).",
        "Seeds: 0.",
        "Scores: protocol awsrn; LR read from the files of the sets; mean = plain mean of the set "
        "means over Set5, B100 (missing: Set14, Urban100, Manga109; the published mean includes "
        "them).",
        "Short budget: 300 of the 1,000,000 steps of the authors' code; not comparable with the "
        "published column.",
        "One seed a row: how far another seed would move a row is not known, so that a difference "
        "may be luck.",
        "Commit: 0123456789ab.",
    )


def test_trainings_of_an_earlier_recipe_are_marked() -> None:
    (mark,) = set(noted(EARLIER)) - set(noted(RECORD))
    assert "recipe 1" in mark
    assert "bf16" in mark


def test_what_an_earlier_recipe_did_is_said_of_that_recipe() -> None:
    (mark,) = set(noted(replace(EARLIER, recipe=2))) - set(noted(RECORD))
    assert "recipe 2" in mark
    assert "kernels" in mark
    assert "bf16" not in mark


def test_without_published_values_nothing_is_said_of_them() -> None:
    text = " ".join(noted(RECORD, published=False, sets=("Set5",)))
    assert "published" not in text
    assert "Short budget: 300 of the 1,000,000 steps of the authors' code." in text
    assert "(missing: Set14, B100, Urban100, Manga109)" in text


def test_full_budget_over_all_sets_carries_no_warning() -> None:
    full = replace(RECORD, steps=1_000_000, full_budget=True)
    text = " ".join(noted(full))
    assert "1,000,000 steps x batch 16" in text
    assert "not comparable" not in text
    assert "missing" not in text


def test_long_training_that_is_not_the_papers_is_not_called_short() -> None:
    expected = "Not the training of the paper (Sec. 4.2); not comparable with the published column."
    assert expected in noted(replace(RECORD, steps=1_000_000))


def test_what_one_seed_cannot_tell_is_said_where_no_row_has_two() -> None:
    second = replace(RECORD, seed=1)
    assert any("One seed" in note for note in noted(RECORD))
    assert not any("One seed" in note for note in noted(RECORD, second))
    untrained = replace(RECORD, group="", steps=0)
    assert not any("One seed" in note for note in noted(untrained))


def test_a_set_of_one_s_own_misses_none_of_the_benchmarks() -> None:
    text = " ".join(noted(RECORD, published=False, sets=("mine",)))
    assert "means over mine." in text
    assert "missing" not in text
    beside = " ".join(noted(RECORD, published=True, sets=("mine",)))
    assert "the published mean is over Set5, Set14" in beside


def test_the_sample_says_that_it_is_not_tested_on_what_it_trains_on() -> None:
    """By file names: the photographs of `sample` to train on and to test on have none in common."""
    train, test = (catalogue._SAMPLE_FILES[purpose] for purpose in ("train", "test"))
    assert not set(train) & set(test)
    trained = replace(RECORD, data=Inputs(TrainingSet("sample", len(train), "")))
    assert SAMPLE in noted(trained, sets=("sample",))
    assert SAMPLE not in noted(trained, sets=("Set5",))
    assert SAMPLE not in noted(RECORD, sets=("sample",))


def test_missing_rows_are_named() -> None:
    rows = {"Basic RU": (), "wRU": (), "AWRU": (RECORD,)}
    found = notes(rows, sets=FIVE, expected_sets=FIVE, has_published=True)
    assert "Not run yet: Basic RU, wRU." in found


def test_seeds_are_given_row_by_row_where_rows_differ() -> None:
    rows = {"Basic RU": (RECORD,), "AWRU": (RECORD, replace(RECORD, seed=1))}
    found = notes(rows, sets=FIVE, expected_sets=FIVE, has_published=True)
    assert "Seeds: Basic RU 0; AWRU 0, 1." in found


def test_every_device_and_commit_is_named() -> None:
    origin = replace(RECORD.provenance, commit="fedcba9876543210", dirty=True, device="cuda")
    elsewhere = replace(RECORD, seed=1, provenance=origin)
    found = noted(RECORD, elsewhere)
    assert found[0].endswith("cpu (Some CPU), cuda.")
    assert found[-1] == "Commit: 0123456789ab, fedcba987654 with uncommitted changes."


def test_records_without_settings_still_have_notes() -> None:
    origin = replace(RECORD.provenance, commit=None)
    bare = replace(RECORD, config=RecordedSettings(), data=Inputs(), provenance=origin)
    assert commit(bare) == "awsrn-harness 0.1.0, installed"
    assert "batch ? x LR patch ?" in noted(bare)[0]


def test_where_lr_comes_from_is_said_by_set_where_sets_differ() -> None:
    first = replace(RECORD.scores[0], set="Set5", lr="files")
    second = replace(first, set="B100")
    assert lr_text([first, second]) == "LR read from the files of the sets"
    unknown = replace(second, lr_from="LR_unknown/X2")
    made = replace(first, lr="made")
    assert lr_text([unknown, unknown]) == "LR read from LR_unknown/X2"
    assert lr_text([made, unknown]) == "LR made (Set5), LR read from LR_unknown/X2 (B100)"


def on(kind: str, seed: int) -> Record:
    return replace(RECORD, seed=seed, provenance=replace(RECORD.provenance, device=f"cpu ({kind})"))


def of_kinds(basic: str, awru: str) -> str:
    """Return the note on devices: two seeds of two rows, a letter for the kind of each."""
    rows = {
        label: [on(kind, seed) for seed, kind in enumerate(kinds)]
        for label, kinds in (("Basic", basic), ("AWRU", awru))
    }
    texts = notes(rows, sets=FIVE, expected_sets=FIVE, has_published=False)
    return " ".join(text for text in texts if "Kinds of devices" in text)


def test_one_kind_of_device_needs_no_note() -> None:
    assert of_kinds("AA", "AA") == ""


def test_a_seed_whose_rows_were_trained_on_two_kinds_of_devices_is_named() -> None:
    text = of_kinds("AB", "BB")
    assert "seed 0 on cpu (A) (Basic) and cpu (B) (AWRU); seed 1 on cpu (B)." in text
    assert "part of the differences of seed 0." in text


def test_seeds_that_were_each_trained_on_one_kind_are_told_without_their_rows() -> None:
    text = of_kinds("AB", "AB")
    assert "seed 0 on cpu (A); seed 1 on cpu (B)." in text
    assert "Basic" not in text
    assert "differences" not in text

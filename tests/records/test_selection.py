"""Records find their rows, and only comparable ones stand together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.ablation import Ablation, Row
from harness.errors import RecordError
from harness.records.belonging import belongs
from harness.records.record import Record, SetScore
from harness.records.selection import Comparison, comparisons, one_a_seed
from harness.weights import networks

RECORD = Record.from_json(
    (Path(__file__).parents[1] / "files" / "record.json").read_text(), source="record.json"
)
AB = Ablation(name="ab", title="A and B", rows=(Row("A", "a"), Row("B", "b")), base="A")


def made(model: str, psnr_db: float, *, seed: int = 0, sets: tuple[str, ...] = ("Set5",)) -> Record:
    """Return a record with the same PSNR on every set, SSIM a hundredth of it."""
    scores = tuple(SetScore(name, "files", name, (), psnr_db, psnr_db / 100) for name in sets)
    return replace(RECORD, id=f"{model}-s{seed}", model=model, seed=seed, scores=scores)


def bicubic(psnr_db: float, *, sets: tuple[str, ...] = ("Set5",)) -> Record:
    record = made("bicubic", psnr_db, sets=sets)
    return replace(record, label="Bicubic", group="", seed=None, steps=0)


def only(found: tuple[Comparison, ...]) -> Comparison:
    assert len(found) == 1
    return found[0]


def psnr_db(comparison: Comparison, name: str = "Set5") -> list[float]:
    return [entry.scores[name][0] for entry in comparison.shown if entry.scores]


def test_rows_are_matched_by_model_overrides_and_dropped_branches() -> None:
    rows = (
        Row("plain", "net"),
        Row("wide", "net", {"channels": 64}),
        Row("w/o 3x3 and 7x7", "net", drop=(7, 3)),
    )
    mine = Ablation(name="mine", title="Mine", rows=rows, base="plain")
    records = [
        made("net", 30.0),
        replace(made("net", 31.0), id="b", overrides={"channels": 64}),
        replace(made("net", 29.0), id="c", drop=(3, 7)),
        replace(made("net", 99.0), id="d", overrides={"channels": 65}),
        replace(made("net", 99.0), id="e", drop=(3,)),
        replace(made("another", 99.0), id="f"),
    ]
    assert psnr_db(only(comparisons(mine, records))) == [30.0, 31.0, 29.0]


def test_each_group_is_compared_on_its_own() -> None:
    other = [
        replace(made("a", 32.0), id="a-other", group="bbbbbbbbbbbb"),
        replace(made("b", 33.0), id="b-other", group="bbbbbbbbbbbb"),
    ]
    found = comparisons(AB, [*other, made("a", 30.0), made("b", 31.0)])
    assert [comparison.group for comparison in found] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]
    assert [psnr_db(comparison) for comparison in found] == [[30.0, 31.0], [32.0, 33.0]]


def test_the_base_row_alone_compares_nothing() -> None:
    assert comparisons(AB, [bicubic(28.0), made("a", 30.0)]) == ()


def test_an_ablation_of_one_row_is_shown() -> None:
    alone = Ablation(name="one", title="One", rows=(Row("A", "a"),), base="A")
    assert psnr_db(only(comparisons(alone, [made("a", 30.0)]))) == [30.0]


def test_rows_not_run_are_there_without_records() -> None:
    comparison = only(comparisons(AB, [made("b", 31.0)]))
    assert [(entry.label, len(entry.records)) for entry in comparison.entries] == [
        ("A", 0),
        ("B", 1),
    ]
    assert comparison.base is comparison.entries[0]


def test_scores_are_the_mean_over_the_seeds() -> None:
    records = [made("b", 31.0, seed=10), made("b", 32.0, seed=2), made("a", 30.0)]
    entry = only(comparisons(AB, records)).entries[1]
    assert [record.seed for record in entry.records] == [2, 10]
    assert entry.scores["Set5"] == pytest.approx((31.5, 0.315))


def test_of_two_records_with_one_seed_the_last_finished_counts() -> None:
    later = replace(RECORD.provenance, finished="2025-06-01T00:00:00+00:00")
    newer = replace(made("b", 36.0), id="a-smaller-id", provenance=later)
    assert psnr_db(only(comparisons(AB, [newer, made("a", 30.0), made("b", 31.0)]))) == [30.0, 36.0]


def test_only_sets_that_every_row_has_are_compared() -> None:
    records = [
        made("a", 30.0, sets=("Set5", "Set14", "B100")),
        made("b", 31.0, sets=("B100", "Set5")),
    ]
    assert only(comparisons(AB, records)).sets == ("Set5", "B100")


def test_a_set_that_one_seed_lacks_is_left_out() -> None:
    records = [
        made("a", 30.0, sets=("Set5", "Set14")),
        made("b", 31.0, sets=("Set5", "Set14")),
        made("b", 31.0, seed=1),
    ]
    assert only(comparisons(AB, records)).sets == ("Set5",)


def test_a_set_whose_images_differ_between_rows_is_left_out() -> None:
    a, b = made("a", 30.0, sets=("Set5", "Set14")), made("b", 31.0, sets=("Set5", "Set14"))
    b = replace(b, scores=(replace(b.scores[0], lr="made"), b.scores[1]))
    assert only(comparisons(AB, [a, b])).sets == ("Set14",)


def test_bicubic_is_the_first_row() -> None:
    comparison = only(comparisons(AB, [made("a", 30.0), made("b", 31.0), bicubic(28.0)]))
    assert [entry.label for entry in comparison.shown] == ["Bicubic", "A", "B"]
    assert [entry.reference for entry in comparison.shown] == [True, False, False]
    assert [record.model for record in comparison.records] == ["a", "b"]


@pytest.mark.parametrize("difference", [{"scale": 3}, {"protocol": "textbook"}])
def test_bicubic_of_another_scale_or_protocol_is_left_out(difference: dict[str, object]) -> None:
    stranger = replace(bicubic(28.0), **difference)  # type: ignore[arg-type]
    assert only(comparisons(AB, [stranger, made("a", 30.0), made("b", 31.0)])).reference is None


def test_bicubic_scored_on_other_images_is_left_out() -> None:
    record = bicubic(28.0)
    stranger = replace(record, scores=(replace(record.scores[0], sha256="other images"),))
    assert only(comparisons(AB, [stranger, made("a", 30.0), made("b", 31.0)])).reference is None


def test_bicubic_scored_only_on_sets_not_compared_is_left_out() -> None:
    records = [made("a", 30.0, sets=("Set5", "Set14")), made("b", 31.0)]
    stranger = bicubic(28.0, sets=("Set14",))
    assert only(comparisons(AB, [stranger, *records])).reference is None


def test_bicubic_scores_are_gathered_from_several_records() -> None:
    sets = ("Set5", "Set14")
    first = replace(bicubic(28.0), id="bicubic-1")
    second = replace(bicubic(26.0, sets=("Set14",)), id="bicubic-2")
    records = [first, second, made("a", 30.0, sets=sets), made("b", 31.0, sets=sets)]
    reference = only(comparisons(AB, records)).reference
    assert reference is not None
    assert reference.mean_psnr_db(sets) == 27.0


def test_a_bicubic_row_of_the_ablation_is_the_reference_row() -> None:
    rows = (Row("Bicubic", "bicubic"), *AB.rows)
    mine = Ablation(name="mine", title="Mine", rows=rows, base="A")
    comparison = only(comparisons(mine, [bicubic(28.0), made("a", 30.0), made("b", 31.0)]))
    assert [entry.label for entry in comparison.shown] == ["Bicubic", "A", "B"]


def test_mean_is_blank_where_a_set_is_missing() -> None:
    comparison = only(comparisons(AB, [made("a", 30.0), made("b", 31.0)]))
    assert comparison.base.mean_psnr_db(("Set5", "Set14")) is None
    assert comparison.base.mean_psnr_db(()) is None


def test_records_of_different_protocols_are_refused() -> None:
    mixed = [made("a", 30.0), replace(made("b", 30.1), protocol="y_rounded")]
    with pytest.raises(RecordError, match="different protocols are not comparable: awsrn"):
        comparisons(AB, mixed)


def test_of_several_trainings_of_a_seed_that_of_the_code_of_today_is_taken(monkeypatch):
    """Then that which was finished last, as where the code is not here."""

    def of(name, psnr_db, code, finished):
        provenance = replace(RECORD.provenance, finished=finished)
        marks = replace(RECORD.marks, code=(code,) if code else ())
        return replace(made("a", psnr_db), id=name, marks=marks, provenance=provenance)

    monkeypatch.setattr(networks, "code_digest", lambda model, overrides: "today")
    first = of("first", 30.0, "today", "2026-01-01")
    second = of("second", 31.0, "edited", "2026-01-02")
    assert one_a_seed([first, second]) == one_a_seed([second, first]) == (first,)
    monkeypatch.setattr(networks, "code_digest", lambda model, overrides: "edited once more")
    assert one_a_seed([second, first]) == (second,)


def test_a_registered_network_is_known_by_its_id_and_a_user_s_by_its_code(monkeypatch):
    monkeypatch.setattr(networks, "code_digest", lambda model, overrides: "today")
    marked = replace(made("a", 30.0), marks=replace(RECORD.marks, code=("before",)))
    assert belongs(marked, Row("A", "a"))
    assert not belongs(replace(marked, model="net.py:A"), Row("A", "net.py:A"))
    moved = replace(marked, model="old/net.py:A", marks=replace(RECORD.marks, code=("today",)))
    assert belongs(moved, Row("A", "net.py:A"))

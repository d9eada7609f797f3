"""Scores by each paper's own protocol beside the printed ones, and by the default."""

import csv
import io

import pytest

from harness.records import record
from harness.reports.tables import protocol, render

IMDN = "fdf47afcb743eb7a9acc4f70414811ceaf70b481215cd587fde5118bc88d020e"
FALSR_A = "d0524afb1db18c918a5fa1873e2e4db62108f45dc4e2786640b4abb584fdbc5b"
CARN = "8804d6bb5ea470ec0e60e361a601bef10d5e7bd4762e87efaa24f049bd6daee1"


def rows(table):
    return list(csv.DictReader(io.StringIO(render.to_csv(table))))


def test_protocol_table_tells_same_digits_from_others(of_weights):
    records = [
        of_weights(FALSR_A, "falsr_a", 37.8182, protocol="falsr_selfexsr", ssim=0.95951),
        of_weights(FALSR_A, "falsr_a", 37.985),
        of_weights(IMDN, "imdn", 37.9),
    ]
    by = {row["weights"]: row for row in rows(protocol.build(records))}
    assert by["falsr_a_x2"]["mark"] == "✓"
    assert float(by["falsr_a_x2"]["shift_db"]) == pytest.approx(0.1668)
    assert by["imdn_x2"]["mark"].startswith("†")
    assert float(by["imdn_x2"]["off_db"]) == pytest.approx(-0.1)
    assert protocol.build([]) is None


def test_what_is_off_is_marked_with_the_number_of_its_reason_where_there_is_one(of_weights):
    """The list of released weights gives a reason for CARN and none for IMDN."""
    table = protocol.build([of_weights(IMDN, "imdn", 37.9), of_weights(CARN, "carn", 37.5)])
    by_weights = {row["weights"]: row for row in rows(table)}
    assert by_weights["imdn_x2"]["mark"] == "\u2020"
    assert by_weights["carn_x2"]["mark"] == "\u20201"
    reasons = [note for note in table.notes if note.startswith("(")]
    assert reasons == [f"(1) {by_weights['carn_x2']['because']}"]


def test_without_a_score_by_the_default_protocol_the_shift_is_a_gap(of_weights):
    (row,) = rows(protocol.build([of_weights(FALSR_A, "falsr_a", 37.8, protocol="falsr_selfexsr")]))
    assert row["shift_db"] == row["awsrn_psnr_db"] == ""
    assert float(row["own_psnr_db"]) == 37.8


def test_weights_that_were_changed_before_scoring_are_left_out(of_weights):
    changed = of_weights(IMDN, "imdn", 37.9)
    changed.overrides["channels"] = 32
    assert protocol.build([changed]) is None


@pytest.mark.parametrize(("ssim", "mark"), [(0.95951, "\u2713"), (0.9601, "\u2713\u2021")])
def test_an_ssim_that_does_not_come_out_is_marked_beside_an_exact_psnr(of_weights, ssim, mark):
    """FALSR-A is printed with 37.82/0.9595 on Set5."""
    scored = of_weights(FALSR_A, "falsr_a", 37.82, protocol="falsr_selfexsr", ssim=ssim)
    (row,) = rows(protocol.build([scored]))
    assert row["mark"] == mark


def test_lapsrn_s_ssim_come_out_at_x2_only(request):
    """Its paper prints 0.885 on Set5 at x4, where its weights have 0.8865."""
    records = record.load_all(request.config.rootpath)
    marks = {
        (row["scale"], row["set"]): row["mark"]
        for row in rows(protocol.build(records))
        if row["weights"].startswith("lapsrn")
    }
    assert {marks["2", name] for name in ("Set5", "Set14", "B100")} == {"\u2713"}
    assert {mark for (scale, _), mark in marks.items() if scale != "2"} == {"\u2713\u2021"}

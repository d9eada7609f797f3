"""Released weights re-scored beside the printed PSNR: ranks and leads by hand."""

import pytest

from harness.records import record
from harness.reports.tables import rescored
from harness.reports.tables.render import to_markdown

FALSR_A = "d0524afb1db18c918a5fa1873e2e4db62108f45dc4e2786640b4abb584fdbc5b"
CARN = "8804d6bb5ea470ec0e60e361a601bef10d5e7bd4762e87efaa24f049bd6daee1"


def test_rescored_ranks_and_leads_are_those_of_hand(of_weights):
    """Printed on Set5 x2: AWSRN-M 38.04, SelNet 37.89, FALSR-A 37.82, CARN 37.76."""
    records = [of_weights(FALSR_A, "falsr_a", 37.9851), of_weights(CARN, "carn", 37.883)]
    by_label = {system.label: system for system in rescored.systems(records)}
    falsr = by_label["FALSR-A"]
    assert falsr.ranks == (6, 4), "it overtakes AWSRN-SD and SelNet"
    assert falsr.leads_db == pytest.approx((0.22, 0.05))
    assert by_label["SelNet"].ranks == (4, 5)
    assert falsr.reranked
    carn = by_label["CARN"]
    assert carn.score.psnr_db == 37.883
    assert carn.leads_db == pytest.approx((0.28, 0.28)), "retrained weights are only shown"
    assert by_label["AWSRN-M"].leads_db == (None, None)
    assert by_label["AWSRN-M"].weights is None


def test_only_scales_and_sets_that_were_scored_are_ranked(of_weights):
    records = [of_weights(FALSR_A, "falsr_a", 37.99, sets=("Set5", "Set14"))]
    places = {(system.scale, system.set) for system in rescored.systems(records)}
    assert places == {(2, "Set5"), (2, "Set14")}
    assert rescored.build([]) is None


def test_records_as_committed_make_the_tables_that_the_issue_of_protocols_is_about(request):
    records = record.load_all(request.config.rootpath)
    falsr = {
        system.label: system
        for system in rescored.systems(records)
        if (system.scale, system.set) == (2, "Set5")
    }["FALSR-A"]
    assert round(falsr.score.psnr_db, 2) == 37.99
    assert falsr.leads_db[1] == pytest.approx(0.05)


def test_a_system_rescored_above_all_others_ranks_first(of_weights):
    """By hand: FALSR-A re-scored at 38.20 is above AWSRN-M, printed 38.04, and AWSRN, 38.11."""
    rows = rescored.systems([of_weights(FALSR_A, "falsr_a", 38.2)])
    best, runner_up, *_ = rows
    assert (best.label, best.ranks[1], runner_up.label) == ("FALSR-A", 1, "AWSRN")
    assert best.leads_db[1] == pytest.approx(38.04 - 38.20)


def test_scores_of_another_protocol_change_no_rank(of_weights):
    records = [
        of_weights(FALSR_A, "falsr_a", 39.0, protocol="falsr"),
        of_weights(CARN, "carn", 37.883),
    ]
    falsr = next(row for row in rescored.systems(records) if row.label == "FALSR-A")
    assert falsr.score is None
    assert falsr.ranks[0] == falsr.ranks[1]


def test_a_line_is_drawn_where_another_set_starts(of_weights):
    table = rescored.build([of_weights(FALSR_A, "falsr_a", 37.9, sets=("Set5", "Set14"))])
    keys = [column.key for column in table.columns]
    sets = [row.cells[keys.index("set")] for row in table.rows]
    ruled = [index for index, row in enumerate(table.rows) if row.ruled]
    assert ruled == [sets.index("Set14")]


CARN_M = "628a60deaaa5468a780ef9d6d945fcd6364ba3340ba4ace3eaa90e3fd53ca856"
VDSR = "018931fc25a45ca13e557e6a499c62cf506a9a105edae6880b0bf0015f851857"


def test_weights_that_are_not_those_of_the_table_change_no_rank(of_weights):
    """CARN-M is printed 16th on Set5 x2; its released weights would be 5th with 37.88."""
    records = [of_weights(CARN_M, "carn_m_multi", 37.88)]
    row = next(row for row in rescored.systems(records) if row.label == "CARN-M")
    assert row.weights.training == "released"
    assert row.score.psnr_db == 37.88
    assert row.ranks == (16, 16)
    assert not row.reranked


def test_a_suspected_misprint_is_daggered_and_has_no_rank_and_no_lead(of_weights):
    """AWSRN-SD x3 Set14 is printed 32.21, above MSRN (30.41), which is the best without it."""
    record = of_weights(VDSR, "vdsr_biased", 29.86, sets=("Set14",), scale=3)
    rows = rescored.systems([record])
    assert (rows[0].label, rows[0].ranks) == ("MSRN", (1, 1))
    assert (rows[-1].label, rows[-1].ranks) == ("AWSRN-SD", (None, None))
    assert rows[-1].leads_db == (None, None)
    table = rescored.build([record])
    assert table is not None
    line = next(line for line in to_markdown(table).splitlines() if "| AWSRN-SD |" in line)
    assert line == "| 3 | Set14 | AWSRN-SD |  | 32.21\u2020/0.8398 |  |  |  |  |  |  |"
    (note,) = [note for note in table.notes if note.startswith("\u2020")]
    assert "AWSRN-SD x3 Set14 32.21 dB" in note
    assert "30.21" in note


def test_it_is_said_of_how_many_rows_the_protocol_is_one(of_weights):
    """Table 5 prints 20 systems at x2, and FALSR-A alone is ranked by our score here."""
    records = [of_weights(FALSR_A, "falsr_a", 37.98), of_weights(CARN, "carn", 37.88)]
    assert "Ranked by our score: x2 Set5 1 of 20." in rescored.build(records).notes

"""Released weights re-scored beside the printed PSNR: ranks and leads by hand."""

import pytest

from harness.records import record
from harness.reports.tables import rescored

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
    carn = by_label["CARN"]
    assert carn.score.psnr_db == 37.883
    assert carn.leads_db == pytest.approx((0.28, 0.28)), "retrained weights are only shown"
    assert by_label["AWSRN-M"].leads_db is None
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

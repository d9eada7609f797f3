"""``harness compare --group``: printed rows of the paper's group, and one's own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.records import record
from harness.records.record import ImageScore, Record, SetScore

RECORD = Record.from_json(
    (Path(__file__).parents[2] / "files" / "record.json").read_text(), source="record.json"
)


def rows(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["rows"]


def test_printed_rows_of_the_peers_and_of_the_paper_s_own(invoke):
    found = rows(invoke("compare", "--group", "awsrn_m", "--scale", 2, "--format", "json"))
    assert [row["label"] for row in found] == ["SelNet", "MoreMNAS-A", "FALSR-A", "AWSRN-M"]
    # The paper's Table 5, x2.
    assert [row["params_k"] for row in found] == ["974", "1039", "1021", "1063"]
    assert [row["Set5_psnr_db"] for row in found] == ["37.89", "37.63", "37.82", "38.04"]


def test_own_rows_stand_below_on_the_sets_that_they_have(invoke, tmp_path):
    images = (ImageScore("a", 30.0, 0.9), ImageScore("b", 32.0, 0.8))
    scores = (SetScore.of("Set5", "files", "pixels", images),)
    mine = replace(RECORD, id="mine-x2-s0-abc", model="mine", label="Mine", params=400_000)
    record.write(tmp_path, replace(mine, scores=scores, drop=()))
    arguments = ("--group", "awsrn_s", "Mine", "--results", tmp_path, "--format", "json")
    result = invoke("compare", *arguments)
    found = rows(result)
    assert [row["label"] for row in found][-3:] == ["AWSRN-S", "AWSRN-SD", "Mine"]
    own = found[-1]
    assert (own["source"], own["params_k"]) == ("ours", "400")
    assert own["Set5_psnr_db"] == pytest.approx(31.0)
    assert "mine-x2-s0-abc" in own["origin"]
    assert "Set14_psnr_db" not in own


def test_a_peer_that_is_not_published_at_the_scale_is_named(invoke):
    result = invoke("compare", "--group", "awsrn", "--scale", 8)
    assert "Not published at x8: CARN." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("awsrns", "--scale", "2"), "did you mean 'awsrn_s'?"),
        (("", "--scale", "2"), "there is no group ''"),
        (("awsrn_s",), "say by --scale"),
        (("awsrn_s", "--scale", "8"), "nothing of the group 'awsrn_s' is published at x8"),
        (("awsrn_s", "nosuch"), "'nosuch' is neither a record"),
    ],
)
def test_bad_input(invoke, arguments, said):
    result = invoke("compare", "--group", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr

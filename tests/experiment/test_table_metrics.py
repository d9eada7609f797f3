"""Numbers of tables under names for the tracker."""

from dataclasses import replace
from pathlib import Path

from harness.experiment.table_metrics import table_metrics
from harness.records.record import Record

RECORD = Record.from_json(
    (Path(__file__).parents[1] / "files" / "record.json").read_text(), source="record.json"
)
HEAD = "label,scale,ours_params,paper_mean_psnr_db,ours_mean_psnr_diff_mark,record_ids,seeds"


def table(path, *rows):
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return path


def made(name, scale):
    return replace(RECORD, id=name, scale=scale, group="g")


def test_ours_of_the_tables_of_these_records_are_named_by_row_and_column(tmp_path):
    own = table(tmp_path / "a.csv", "A,2,10,30.1,n.s.,a,0", "w/o B,2,11,,,b,0", "C,2,12,,,,")
    other = table(tmp_path / "other.csv", "A,2,99,,,elsewhere,0")
    (tmp_path / "a.md").write_text("A")
    files = [own, other, tmp_path / "a.md"]
    assert table_metrics(files, [made("a", 2)]) == {"A/params": 10.0, "w_o B/params": 11.0}


def test_several_scales_are_told_apart(tmp_path):
    files = [
        table(tmp_path / "x2.csv", "A,,10,,,a,0"),
        table(tmp_path / "x3.csv", "A,3,20,,,b,0"),
    ]
    found = table_metrics(files, [made("a", 2), made("b", 3)])
    assert found == {"A x2/params": 10.0, "A x3/params": 20.0}

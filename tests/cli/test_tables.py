"""Tables from stored records."""

import shutil

import pytest

from tests.shipped import EARLIER


def test_tables_without_records_say_what_to_do(tmp_path, invoke):
    result = invoke("tables", "awru", "--results", tmp_path)
    assert result.exit_code == 1
    assert "run an ablation first" in result.stderr


def test_tables_of_a_run_are_those_it_wrote(tiny, tmp_path, invoke):
    invoke("run", *tiny)
    before = {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir()}
    result = invoke("tables", tmp_path / "tiny.yaml", "--results", tmp_path)
    assert result.exit_code == 0
    assert len(result.stdout.split()) == 3
    after = {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir()}
    assert after == before


def test_a_table_for_a_paper_goes_where_it_is_wanted(tmp_path, invoke):
    for path in (EARLIER / "results" / "runs").glob("wdsr_*-x2-s0-*/record.json"):
        shutil.copytree(path.parent, tmp_path / "results" / "runs" / path.parent.name)
    name = "awru_x2_T291_300steps"
    wanted = ["--rows", "AWRU", "--columns", "label, params", "--no-notes"]
    shown = invoke("tables", name, *wanted, "-o", "-", "--results", tmp_path)
    assert shown.exit_code == 0
    assert r"\usepackage{booktabs}" in shown.stdout
    (row,) = [line for line in shown.stdout.splitlines() if line.startswith("AWRU")]
    assert row == r"AWRU & 1,190,132 \\"
    file = tmp_path / "mine.tex"
    result = invoke("tables", name, *wanted, "-o", file, "--results", tmp_path)
    assert result.stdout == f"{file}\n"
    assert file.read_text("utf-8") == shown.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"results", "mine.tex"}


def test_rows_are_those_of_the_table_and_not_of_its_pairs(invoke):
    arguments = ["--rows", "AWSRN-NA", "--columns", "label,diff", "--no-notes", "-o", "-"]
    result = invoke("tables", "lfb", *arguments, "--results", EARLIER)
    assert result.exit_code == 0
    assert result.stdout.count(r"\begin{tabular}{@{}l") == 1
    assert r"AWSRN-NA & +0.043 [$-$0.029, +0.114] \\" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["awru", "--rows", "AWRU"], "--rows: expected -o FILE, too"),
        (["awru", "--no-notes"], "--notes: expected -o FILE, too"),
        (["awru", "lfb", "-o", "-"], "expected the NAME of one ablation or table"),
        (["awru", "--check", "-o", "-"], "--check writes nothing: expected no -o"),
        (["-o", "-"], "expected the NAME of one ablation or table"),
        (["awru", "-o", "a.csv"], "expected a name that ends in .tex"),
        (["table5_effciency", "-o", "-"], "did you mean 'table5_efficiency'"),
        (["table5_efficiency", "-o", "-", "--width", "5"], "expected a number with in, cm"),
        (["table5_efficiency", "-o", "-", "--columns", "parms"], "did you mean 'params'"),
    ],
)
def test_what_a_table_for_a_paper_cannot_be_is_said(arguments, said, tmp_path, invoke):
    result = invoke("tables", *arguments, "--results", tmp_path)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_ablation_without_records_has_no_table_for_a_paper(tmp_path, invoke):
    result = invoke("tables", "awru", "-o", "-", "--results", tmp_path)
    assert result.exit_code == 1
    assert "run an ablation first" in result.stderr

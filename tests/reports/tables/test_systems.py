"""Whole systems in one table: printed lines, loaded weights, own trainings."""

import csv
import io
import subprocess
from shutil import which

import pytest

from harness.config import ablation
from harness.records import record
from harness.reports.tables import render, systems

IMDN = "fdf47afcb743eb7a9acc4f70414811ceaf70b481215cd587fde5118bc88d020e"
FALSR_A = "d0524afb1db18c918a5fa1873e2e4db62108f45dc4e2786640b4abb584fdbc5b"
CARN_M = "628a60deaaa5468a780ef9d6d945fcd6364ba3340ba4ace3eaa90e3fd53ca856"
CARN = "8804d6bb5ea470ec0e60e361a601bef10d5e7bd4762e87efaa24f049bd6daee1"


def rows(table):
    return list(csv.DictReader(io.StringIO(render.to_csv(table))))


def ours(table, label):
    (row,) = (
        row
        for row in rows(table)
        if row["label"] == label and row["source"] != "paper" and row["scale"] == "2"
    )
    return row


@pytest.fixture
def comparison():
    return ablation.load("comparison")


def test_nothing_run_gives_no_table(comparison):
    assert systems.build(comparison, []) == ()


def test_loaded_weights_go_before_a_training_and_the_longest_training_first(
    comparison, of_weights, trained
):
    records = [
        of_weights(FALSR_A, "falsr_a", 37.99),
        trained("falsr_a", 36.0, steps=300),
        trained("awsrn_s", 35.0, steps=300),
        trained("awsrn_s", 36.5, steps=1500, group="g2"),
        trained("awsrn_s", 36.7, steps=1500, group="g2", seed=1),
    ]
    (table,) = systems.build(comparison, records)
    assert ours(table, "FALSR-A")["source"] == "authors' weights"
    assert ours(table, "FALSR-A")["Set5_psnr_db"] == "37.99"
    assert ours(table, "AWSRN-S")["source"] == "1,500 steps *"
    assert float(ours(table, "AWSRN-S")["Set5_psnr_db"]) == pytest.approx(36.6)
    assert ours(table, "AWSRN-S")["seeds"] == "0, 1"
    assert any("short budget" in note for note in table.notes)


def test_printed_systems_stand_there_even_where_nothing_is_ours(comparison, of_weights):
    (table,) = systems.build(comparison, [of_weights(IMDN, "imdn", 38.0)])
    labels = [row["label"] for row in rows(table)]
    assert labels[0] == "SRCNN"
    assert "MoreMNAS-A" in labels
    assert labels[-1] == "IMDN", "what the paper does not have comes last"


def test_scores_by_another_protocol_are_left_out(comparison, of_weights):
    other = of_weights(IMDN, "imdn", 37.9, protocol="y_rounded")
    assert systems.build(comparison, [other]) == ()


def test_best_and_second_best_are_marked_apart_for_printed_and_ours(comparison, of_weights):
    records = [
        of_weights(IMDN, "imdn", 38.0),
        of_weights(FALSR_A, "falsr_a", 37.99),
        of_weights(CARN, "carn", 37.88),
    ]
    (table,) = systems.build(comparison, records)
    markdown = render.to_markdown(table)
    line = {
        (cells[1], cells[2]): cells[5]
        for row in markdown.splitlines()
        if row.startswith("| 2 |")
        for cells in [[cell.strip() for cell in row.strip("|").split("|")]]
    }
    assert line["AWSRN", "paper"].startswith("**38.11**")
    assert line["MSRN", "paper"].startswith("<u>38.08</u>")
    assert line["IMDN", "authors' weights"].startswith("**38.00**")
    assert line["FALSR-A", "authors' weights"].startswith("<u>37.99</u>")
    assert line["CARN", "retrained weights"].startswith("37.88")


def printed_cells(table, scale):
    """The printed lines of a scale as Markdown shows them: cells by label."""
    return {
        cells[1]: cells
        for row in render.to_markdown(table).splitlines()
        for cells in [[cell.strip() for cell in row.strip("|").split("|")]]
        if cells[0] == str(scale) and cells[2] == "paper"
    }


def test_suspected_misprints_are_daggered_and_never_marked(comparison, of_weights):
    """Set14 x3: 32.21 of AWSRN-SD is suspect, so MSRN's 30.41 is the best and 30.38 the next."""
    (table,) = systems.build(comparison, [of_weights(IMDN, "imdn", 34.0, scale=3)])
    lines = printed_cells(table, 3)
    set14 = [
        cell.replace("\n", " ") for cell in render.to_markdown(table).splitlines()[2].split("|")
    ]
    column = next(i for i, head in enumerate(set14) if "Set14" in head) - 1
    assert lines["AWSRN-SD"][column] == "32.21\u2020/0.8398"
    assert lines["MSRN"][column].startswith("**30.41**")
    assert lines["AWSRN"][column].startswith("<u>30.38</u>")
    assert any("32.21 dB" in note and "30.21" in note for note in table.notes)
    cells = rows(table)
    assert "32.21" in {row["Set14_psnr_db"] for row in cells}, "the file has the number alone"


def test_ssim_of_several_evaluations_is_not_ranked(comparison, of_weights):
    """Printed SSIM at x8 is from different evaluations; PSNR there is ranked."""
    records = [of_weights(IMDN, "imdn", 26.0, scale=8), of_weights(IMDN, "imdn", 34.0, scale=2)]
    (table,) = systems.build(comparison, records)
    x8 = printed_cells(table, 8)
    assert [
        cell for cells in x8.values() for cell in cells if "/**" in cell or "/<u>" in cell
    ] == []
    assert any(cell.startswith("**") for cell in x8["AWSRN"])
    assert any("/**" in cell for cell in printed_cells(table, 2)["AWSRN"])
    assert any("x8" in note and "not ranked" in note for note in table.notes)


def test_weights_that_are_not_those_of_the_table_are_called_released(comparison, of_weights):
    (table,) = systems.build(comparison, [of_weights(CARN_M, "carn_m_multi", 37.7)])
    assert ours(table, "CARN-M")["source"] == "released weights"


@pytest.mark.skipif(not which("pdflatex"), reason="no pdflatex")
def test_latex_of_the_committed_records_fits_the_page(
    comparison, latex_document, tmp_path, request
):
    records = record.load_all(request.config.rootpath)
    (table,) = systems.build(comparison, records)
    (tmp_path / "t.tex").write_text(latex_document(table))
    command = ["pdflatex", "-interaction=batchmode", "-halt-on-error", "t.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    assert "Overfull" not in (tmp_path / "t.log").read_text(errors="replace")

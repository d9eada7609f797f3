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

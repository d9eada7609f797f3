"""Whole systems in one table: printed lines, loaded weights, own trainings."""

import csv
import dataclasses
import io
import subprocess
from pathlib import Path
from shutil import which

import pytest

from harness.config import ablation
from harness.records import record
from harness.records.origin import Inputs, RecordedSettings, ScoredWeights
from harness.records.record import ImageScore, Record, SetScore
from harness.reports.tables import protocol as protocol_table
from harness.reports.tables import render, rescored, systems

TEMPLATE = Record.from_json(
    (Path(__file__).parents[2] / "files" / "record.json").read_text(), source="record.json"
)
IMDN = "fdf47afcb743eb7a9acc4f70414811ceaf70b481215cd587fde5118bc88d020e"
FALSR_A = "d0524afb1db18c918a5fa1873e2e4db62108f45dc4e2786640b4abb584fdbc5b"
CARN = "8804d6bb5ea470ec0e60e361a601bef10d5e7bd4762e87efaa24f049bd6daee1"


def score(name, psnr_db, ssim=0.9):
    return SetScore.of(name, "files", "0" * 64, (ImageScore("one", psnr_db, ssim),))


def of_weights(sha256, model, psnr_db, *, protocol="awsrn", sets=("Set5",), **changes):
    """Make the record of scored weights."""
    return dataclasses.replace(
        TEMPLATE,
        id=f"{model}-{protocol}",
        group="",
        model=model,
        label=model,
        overrides={},
        drop=(),
        seed=None,
        steps=0,
        full_budget=True,
        protocol=protocol,
        scores=tuple(score(name, psnr_db) for name in sets),
        config=RecordedSettings(),
        data=Inputs(weights=ScoredWeights(f"{model}.pth", sha256, "")),
        **changes,
    )


def trained(model, psnr_db, *, steps, seed=0, group="g1", protocol="awsrn"):
    """Make the record of a network trained here."""
    return dataclasses.replace(
        TEMPLATE,
        id=f"{model}-{steps}-s{seed}-{protocol}",
        group=group,
        model=model,
        overrides={},
        drop=(),
        seed=seed,
        steps=steps,
        full_budget=False,
        protocol=protocol,
        scores=(score("Set5", psnr_db),),
    )


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


def test_loaded_weights_go_before_a_training_and_the_longest_training_first(comparison):
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


def test_printed_systems_stand_there_even_where_nothing_is_ours(comparison):
    (table,) = systems.build(comparison, [of_weights(IMDN, "imdn", 38.0)])
    labels = [row["label"] for row in rows(table)]
    assert labels[0] == "SRCNN"
    assert "MoreMNAS-A" in labels
    assert labels[-1] == "IMDN", "what the paper does not have comes last"


def test_scores_by_another_protocol_are_left_out(comparison):
    other = of_weights(IMDN, "imdn", 37.9, protocol="y_rounded")
    assert systems.build(comparison, [other]) == ()


def test_best_and_second_best_are_marked_apart_for_printed_and_ours(comparison):
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
def test_latex_of_the_committed_records_fits_the_page(comparison, tmp_path, request):
    records = record.load_all(request.config.rootpath)
    (table,) = systems.build(comparison, records)
    (tmp_path / "t.tex").write_text(render.latex_document(table))
    command = ["pdflatex", "-interaction=batchmode", "-halt-on-error", "t.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    assert "Overfull" not in (tmp_path / "t.log").read_text(errors="replace")


def test_rescored_ranks_and_leads_are_those_of_hand():
    """Printed on Set5 x2: AWSRN-M 38.04, SelNet 37.89, FALSR-A 37.82, CARN 37.76."""
    records = [of_weights(FALSR_A, "falsr_a", 37.9851), of_weights(CARN, "carn", 37.883)]
    found = {system.label: system for system in rescored.systems(records)}
    falsr = found["FALSR-A"]
    assert falsr.ranks == (6, 4), "it overtakes AWSRN-SD and SelNet"
    assert falsr.leads_db == pytest.approx((0.22, 0.05))
    assert found["SelNet"].ranks == (4, 5)
    carn = found["CARN"]
    assert carn.score.psnr_db == 37.883
    assert carn.leads_db == pytest.approx((0.28, 0.28)), "retrained weights are only shown"
    assert found["AWSRN-M"].leads_db is None
    assert found["AWSRN-M"].weights is None


def test_only_scales_and_sets_that_were_scored_are_ranked():
    records = [of_weights(FALSR_A, "falsr_a", 37.99, sets=("Set5", "Set14"))]
    places = {(system.scale, system.set) for system in rescored.systems(records)}
    assert places == {(2, "Set5"), (2, "Set14")}
    assert rescored.build([]) is None


def test_protocol_table_tells_same_digits_from_others():
    records = [
        of_weights(FALSR_A, "falsr_a", 37.8182, protocol="falsr_selfexsr"),
        of_weights(FALSR_A, "falsr_a", 37.985),
        of_weights(IMDN, "imdn", 37.9),
    ]
    by = {row["weights"]: row for row in rows(protocol_table.build(records))}
    assert by["falsr_a_x2"]["mark"] == "✓"
    assert float(by["falsr_a_x2"]["shift_db"]) == pytest.approx(0.1668)
    assert by["imdn_x2"]["mark"].startswith("†")
    assert float(by["imdn_x2"]["off_db"]) == pytest.approx(-0.1)
    assert protocol_table.build([]) is None


def test_records_as_committed_make_the_tables_that_the_issue_of_protocols_is_about(request):
    records = record.load_all(request.config.rootpath)
    falsr = {
        system.label: system
        for system in rescored.systems(records)
        if (system.scale, system.set) == (2, "Set5")
    }["FALSR-A"]
    assert round(falsr.score.psnr_db, 2) == 37.99
    assert falsr.leads_db[1] == pytest.approx(0.05)

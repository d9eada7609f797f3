"""The efficiency half of Table 5: printed digits, our counts, marks and what explains them."""

import csv
import io
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.records import counts, published
from harness.reports import write
from harness.reports.tables import efficiency, render
from harness.reports.tables.latex import to_latex

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def table():
    return efficiency.build()


@pytest.fixture(scope="module")
def rows(table):
    """The rows of the CSV form by label and scale."""
    found = csv.DictReader(io.StringIO(render.to_csv(table)))
    return {(row["label"], int(row["scale"])): row for row in found}


@pytest.fixture(scope="module")
def markdown(table):
    return render.to_markdown(table)


def line(markdown, label, scale):
    (found,) = (row for row in markdown.splitlines() if row.startswith(f"| {scale} | {label} |"))
    return [cell.strip() for cell in found.strip("|").split("|")][2:]


def test_systems_stand_in_the_paper_s_order_scale_by_scale(rows, table):
    printed = dict.fromkeys((cell.label, cell.scale) for cell in published.load(5))
    assert list(rows) == list(printed)
    assert Counter(scale for _, scale in rows) == {2: 20, 3: 15, 4: 17, 8: 7}
    assert [number for number, row in enumerate(table.rows) if row.ruled] == [20, 35, 52]


@pytest.mark.parametrize(
    ("label", "scale", "cells"),
    [
        ("AWSRN", 2, "1,396.872 1,394.092 1,396.872 1,397 ✓ 320.55 320.55 320.5 ✓"),
        ("AWSRN-SD", 4, "443.894 442.470 443.894 444 ✓ 25.40 25.40 25.4 ✓"),
        ("VDSR", 8, "664.704 664.704 664.704 665 ✓ 612.59 612.59 612.6 ✓"),
    ],
)
def test_exact_rows(markdown, label, scale, cells):
    assert line(markdown, label, scale) == cells.split()


def test_carn_is_printed_with_the_parameters_of_three_scales(markdown, rows):
    *_, status, executed, rule, paper, mark = line(markdown, "CARN", 2)
    assert line(markdown, "CARN", 2)[:4] == ["964.163", "964.163", "1,591.939", "1,592"]
    assert (executed, rule, paper, mark) == ("222.82", "222.82", "222.8", "✓")
    number = status.removeprefix("†")
    assert f"- ({number}) Params: the parameters are those of the network for x2" in markdown
    assert rows["CARN", 2]["rule"] == "three-scale network"
    assert rows["CARN", 2]["params_k_status"] == "explained"
    assert rows["CARN", 2]["multi_adds_g_status"] == "exact"
    assert {line(markdown, "CARN", scale)[4] for scale in (2, 3, 4)} == {status}


def test_srdensenet_is_open(markdown, rows):
    cells = line(markdown, "SRDenseNet", 4)
    assert cells[3] == "2,015"
    assert cells[7] == "389.9"
    assert cells[4] == cells[8]
    assert cells[4].startswith("○")
    assert (
        f"- ({cells[4][1:]}) Params: with 2x2 transposed convolutions, the nearest of all"
        in markdown
    )
    assert rows["SRDenseNet", 4]["params_k_status"] == "open"


def test_a_stand_in_has_no_count_by_a_rule_and_gaps_stay_blank(markdown):
    assert line(markdown, "MoreMNAS-A", 2)[2] == line(markdown, "MoreMNAS-A", 2)[6] == ""
    assert line(markdown, "LapSRN", 8)[5:] == ["123.33", "156.79", "", ""]


def test_executed_and_printed_convention_stand_apart(markdown):
    assert line(markdown, "FSRCNN", 2)[5:8] == ["2.87", "6.01", "6.0"]


def test_csv_has_full_precision_and_the_rule(rows):
    row = rows["LapSRN", 2]
    assert row["params"] == "407441"
    assert row["multi_adds"] == "94095360000"
    assert row["rule_multi_adds"] == "29896704000"
    assert row["paper_multi_adds_g"] == "29.9"
    assert row["rule"] == "x4 network, one level on a 320x180 input"
    assert row["note"].startswith("params and Multi-Adds: ")
    assert row["paper_source"] == "published/table5.csv"


def test_every_mark_has_its_note_and_every_note_its_mark(rows, table):
    marks = [
        row[f"{metric}_mark"] for row in rows.values() for metric in ("params_k", "multi_adds_g")
    ]
    used = {mark[1:] for mark in marks if mark[1:]}
    notes = [note for note in table.notes if note.startswith("(")]
    assert used == {note[1 : note.index(")")] for note in notes}
    assert len(notes) == len({note.partition(") ")[2] for note in notes})
    assert {mark[0] for mark in marks if mark[1:]} == {"†", "○"}
    assert Counter(mark for mark in marks if mark and mark[1:] == "") == {"✓": marks.count("✓")}


def test_stored_notes_agree_with_the_published_statuses(rows):
    for row in rows.values():
        statuses = {row["params_k_status"], row["multi_adds_g_status"]}
        assert bool(row["note"]) == bool(statuses & {"explained", "open"}), row["label"]


def test_a_system_without_a_stored_count_is_named(monkeypatch):
    stored = dict(counts.load())
    del stored["CARN", 3]
    monkeypatch.setattr(counts, "load", lambda: stored)
    with pytest.raises(RecordError, match=r"lack CARN x3 \(`harness flops --all"):
        efficiency.build()


def test_latex_spans_heads_and_rules_scales(table):
    lines = to_latex(table).splitlines()
    assert r" &  & \multicolumn{5}{c}{Params (K)} & \multicolumn{4}{c}{Multi-Adds (G)} \\" in lines
    assert lines.count(r"\cmidrule(lr){3-7}\cmidrule(lr){8-11}") == 2
    assert lines.count(r"\midrule") == 2 + 3
    assert any(line.endswith(r"& 320.5 & \checkmark{} \\") for line in lines)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("extra", ["", r"\usepackage[margin=2cm]{geometry}\usepackage{amssymb}"])
def test_latex_compiles_in_a_plain_document(table, tmp_path, extra):
    (tmp_path / "cost.tex").write_text(to_latex(table), encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass[a4paper]{{article}}\usepackage{{booktabs,longtable}}{extra}"
        r"\begin{document}\input{cost}\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Missing character" not in (tmp_path / "paper.log").read_text(errors="replace")


def test_tables_without_arguments_need_no_records(tmp_path, invoke):
    result = invoke("tables", "--results", tmp_path)
    assert result.exit_code == 0, result.output
    names = [
        f"{name}.{ending}"
        for name in ("modern", "table5_efficiency")
        for ending in ("tex", "csv", "md")
    ]
    assert result.stdout.split() == [str(tmp_path / "reports" / name) for name in names]
    before = {name: (tmp_path / "reports" / name).read_bytes() for name in names}
    write.write_all(tmp_path)
    assert before == {name: (tmp_path / "reports" / name).read_bytes() for name in names}


def test_tables_load_neither_torch_nor_matplotlib(tmp_path):
    script = (
        "import sys; from harness.cli.main import main\n"
        "main(['tables', '--results', sys.argv[1]], standalone_mode=False)\n"
        "print({'torch', 'mlflow', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.splitlines()[-1] == "set()"

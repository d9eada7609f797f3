"""Tables for papers: what is chosen, and that a paper takes it without a line too wide."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.ablation import load
from harness.errors import UsageError
from harness.records.record import load_all
from harness.reports import write
from harness.reports.tables import ablation, chosen, latex_paper, siunitx
from harness.reports.tables.latex_paper import Paper
from harness.reports.tables.table import Column, Table, TableRow, join, printed_form
from tests.shipped import NAME, STEPS, reported

ROOT = Path(__file__).parents[3]
DOCUMENTS = {
    "one-column": r"\documentclass[10pt]{article}",
    "two-column": r"\documentclass[10pt,twocolumn]{article}"
    r"\setlength{\textwidth}{516pt}\setlength{\columnsep}{12pt}\setlength{\oddsidemargin}{-32pt}",
}
IEEE = r"\documentclass[10pt,journal]{IEEEtran}"


def has(file):
    found = shutil.which("kpsewhich") and subprocess.run(
        ["kpsewhich", file], capture_output=True, check=False
    )
    return bool(found and found.returncode == 0)


@pytest.fixture(scope="module")
def tables():
    of_no_ablation = ("table5", "table5_rescored", "table5_efficiency", "modern")
    names = (f"awru_{NAME}", "lfb", *of_no_ablation)
    return {name: write.named(name, ROOT) for name in names}


def parts(found, *rows, columns=()):
    return [one for table in found for one in chosen.by_scale(chosen.of(table, rows, columns))]


def test_the_columns_of_a_paper_are_few_and_as_printed(tables):
    (table,) = parts(tables[f"awru_{NAME}"])
    printed = printed_form(table)
    heads = [" ".join(head.split()) for head in printed.heads]
    assert heads == [
        *("Unit", "Params", "Multi-Adds (G)"),
        *(f"{name} PSNR/SSIM" for name in ("Set5", "Set14", "B100")),
        "Diff. to base (dB) [95 % interval]",
    ]
    text = latex_paper.to_latex([table], Paper())
    report = (ROOT / "reports" / f"awru_{NAME}.tex").read_text("utf-8")
    theirs = next(line for line in report.splitlines() if line.startswith("wRU &"))
    (ours,) = [line for line in text.splitlines() if line.startswith("wRU & 1,")]
    for cell in ours.removesuffix(r" \\").split(" & "):
        assert cell in theirs
    diff, low, high = (
        f"{float(reported('awru')['wRU'][f'ours_mean_psnr_diff_{key}db']):+.3f}"
        for key in ("", "low_", "high_")
    )
    assert f"wRU & {diff} [{low}, {high}]".replace("-", "$-$") in text


def test_intervals_of_looks_are_not_called_those_of_95_percent():
    """With seeds=auto each row has a level of its own, as the notes say."""
    stored = [
        replace(one, config=replace(one.config, until=0.03, max=12))
        for one in load_all(ROOT)
        if one.steps == STEPS
    ]
    (table, *_) = ablation.build(load("awru"), stored)
    part = chosen.of(table)
    heads = [" ".join(head.split()) for head in printed_form(part).heads]
    assert heads[-1] == "Diff. to base (dB) [interval]"
    assert "95 %" not in " ".join(printed_form(siunitx.apart(part)).heads)


def test_rows_and_columns_are_chosen_by_name_and_in_order(tables):
    (table,) = parts(
        tables[f"awru_{NAME}"],
        "AWRU",
        "wRU",
        columns=["label", "sd", "paper_mean_psnr_db"],
    )
    cells = [[value.text for cell in row for value in cell] for row in printed_form(table).rows]
    assert cells == [
        [label, f"{float(reported('awru')[label]['ours_mean_psnr_sd_db']):.3f}", "35.02"]
        for label in ("AWRU", "wRU")
    ]
    (rough,) = parts(tables[f"awru_{NAME}"], "AWRU", columns=["label", "mdd"])
    printed = printed_form(rough)
    report = (ROOT / "reports" / f"awru_{NAME}.md").read_text("utf-8")
    assert printed.heads[1] == "MDD\n(dB)"
    assert (
        f"AWRU {join(printed.rows[0][1])} dB"
        in re.findall(r"Minimum detectable difference .*", report)[0]
    )
    (hidden,) = parts(tables[f"awru_{NAME}"], "AWRU", columns=["label", "seeds"])
    assert hidden.rows[0].cells == ("AWRU", "0, 1, 2")


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        (["AWRV"], [], r"has no row 'AWRV' \(did you mean 'AWRU'"),
        ([], ["label", "parms"], r"has no column 'parms' \(did you mean 'params'"),
    ],
)
def test_what_is_not_there_is_said_with_the_nearest(tables, rows, columns, said):
    with pytest.raises(UsageError, match=said):
        chosen.of(tables[f"awru_{NAME}"][0], rows, columns)


def test_a_table_of_several_scales_is_split_by_them(tables):
    split = parts(tables["table5"])
    assert [table.name for table in split] == [f"table5_x{scale}" for scale in (2, 3, 4, 8)]
    assert all(", x" in table.title for table in split)
    whole = tables["table5"][0].rows
    assert [row.cells[1] for row in whole] == [row.cells[0] for t in split for row in t.rows]


def test_notes_go_where_they_are_wanted_and_packages_are_named(tables):
    found = parts(tables["table5"])
    for where in ("comment", "caption", "nowhere"):
        text = latex_paper.to_latex(found, Paper(notes=where))
        lines = text.splitlines()
        assert lines[:2] == ["% In the preamble:", r"% \usepackage{booktabs}"]
        notes = [line for line in lines if "Bold: best" in line]
        assert len(notes) == (0 if where == "nowhere" else 4)
        assert all(line.startswith("% " if where == "comment" else r"\caption{") for line in notes)
    assert r"% \usepackage{siunitx}" in latex_paper.to_latex(found, Paper(siunitx=True))


def test_numbers_for_siunitx_have_their_format():
    table = Table(
        "t",
        "T",
        (
            Column("label", "Model"),
            Column("params", "Params", "count"),
            Column("a_psnr_db", "A\nPSNR/SSIM", "psnr"),
            Column("a_ssim", kind="ssim", joined=True),
            Column("d", "Diff.", "diff", signed=True),
        ),
        (
            TableRow(("one", 1_190_100, 36.71, 0.9547, 0.0)),
            TableRow(("two", 8_768, 36.69, 0.9548, -0.0081)),
            TableRow(("none", None, "failed", None, 12.5)),
        ),
        (),
    )
    text = latex_paper.to_latex([table], Paper(siunitx=True))
    formats = "".join(f"S[table-format={form}]" for form in ("7.0", "2.2", "1.4", "+2.3"))
    assert f"{{@{{}}l{formats}@{{}}}}" in text
    assert r"one & 1190100 & \bfseries 36.71 & 0.9547 & 0.000 \\" in text
    assert r"two & 8768 & 36.69 & 0.9548 & -0.008 \\" in text
    assert r"none &  & {failed} &  & +12.500 \\" in text
    assert siunitx.apart(table).columns[3].title == "A\nSSIM"


def test_a_cell_that_begins_with_a_bracket_is_no_argument_of_the_line_before():
    table = Table("t", "T", (Column("label", "A\n[b]"),), (TableRow(("[1cm]",)),), ())
    text = latex_paper.to_latex([table], Paper())
    assert r"\\ {}[b]" in text
    assert "\n{}[1cm] \\\\" in text


def compiled(tmp_path, head, body, packages):
    text = (
        f"{head}\\usepackage{{{packages}}}\\begin{{document}}Some text.\n{body}\n\\end{{document}}"
    )
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_paper_takes_them_and_nothing_is_too_wide_or_too_tall(tmp_path, document, tables):
    body = "\\clearpage\n".join(
        latex_paper.to_latex(parts(found), Paper(document)) for found in tables.values()
    )
    said = compiled(tmp_path, DOCUMENTS[document], body, "booktabs,amssymb")
    assert "Overfull" not in said
    assert "too large" not in said
    assert "resizebox" not in body
    sizes = {line.partition("\\setlength")[0] for line in body.splitlines() if "tabcolsep" in line}
    assert sizes <= {r"\footnotesize", r"\scriptsize"}


@pytest.mark.slow
@pytest.mark.skipif(not has("siunitx.sty"), reason="siunitx is not installed")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_with_siunitx_too(tmp_path, document, tables):
    body = "\\clearpage\n".join(
        latex_paper.to_latex(parts(found), Paper(document, siunitx=True))
        for found in tables.values()
    )
    said = compiled(tmp_path, DOCUMENTS[document], body, "booktabs,amssymb,siunitx")
    assert "Overfull" not in said


@pytest.mark.slow
@pytest.mark.skipif(
    not has("IEEEtran.cls") or not has("ptmr7t.tfm"), reason="IEEEtran or Times is not installed"
)
def test_in_the_class_of_ieee_too(tmp_path, tables):
    body = "\\clearpage\n".join(
        latex_paper.to_latex(parts(found), Paper("two-column")) for found in tables.values()
    )
    said = compiled(tmp_path, IEEE, body, "booktabs,amssymb")
    assert "Overfull" not in said


def test_a_column_that_is_too_wide_is_told(tables, caplog):
    (table,) = parts(tables[f"awru_{NAME}"])
    latex_paper.to_latex([table], Paper(width_pt=60.0))
    assert "more than the 60 pt of the document: name fewer --columns" in caplog.text

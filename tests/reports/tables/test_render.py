"""Tables are rounded, escaped and laid out as documented, the same every time."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.reports.tables.latex import to_latex
from harness.reports.tables.render import to_csv, to_markdown, to_text, write
from harness.reports.tables.table import (
    Column,
    ColumnKind,
    Table,
    TableCell,
    TableRow,
    format_value,
)

TABLE = Table(
    name="awru_x2_T291_300steps",
    title="Residual units, x2",
    columns=(
        Column("label", "Unit"),
        Column("ours_params", "Params", "count"),
        Column("ours_params_diff", "Params diff.\n(ours)", "count", signed=True),
        Column("ours_multi_adds", "Multi-Adds\n(G)", "giga"),
        Column("ours_Set5_psnr_db", "Set5\nPSNR/SSIM", "psnr"),
        Column("ours_Set5_ssim", kind="ssim", joined=True),
        Column("ours_mean_psnr_diff_db", "Diff. to base\n(dB)", "psnr", signed=True),
        Column("paper_mean_psnr_db", "Mean PSNR\n(paper)", "psnr"),
        Column("record_ids", printed=False),
    ),
    rows=(
        TableRow(("Bicubic", 0, None, 0, 33.67, 0.93, -0.33, None, "bicubic-x2"), reference=True),
        TableRow(
            ("Basic RU", 1_190_100, 0, 273_123_456_789, 34.0, 0.94, 0.0, Decimal("34.99"), "a-0")
        ),
        TableRow(("wRU", None, None, None, None, None, None, Decimal("35.02"), None)),
        TableRow(
            ("AWRU", 1_190_132, 32, 272_994_999_999, 34.125, 0.94125, 0.125, Decimal("35.02"), "b")
        ),
    ),
    notes=("Seeds: 0.", "Not run yet: wRU."),
)
NASTY = r"50% of A_B & #1 $x$ {y} ~z^2 \n <t> |u| *v* `w` [x] é"


@pytest.mark.parametrize(
    ("value", "kind", "signed", "printed"),
    [
        (None, "psnr", False, ""),
        ("w/o 3x3", "text", False, "w/o 3x3"),
        (1190132, "count", False, "1,190,132"),
        (32, "count", True, "+32"),
        (0, "count", True, "0"),
        (-576, "count", True, "-576"),
        (320_548_000_000, "giga", False, "320.55"),
        (91_225_000_000, "giga", False, "91.23"),
        (34.125, "psnr", False, "34.13"),
        (38.105, "psnr", False, "38.11"),
        (34.124999, "psnr", False, "34.12"),
        (0.96085, "ssim", False, "0.9609"),
        (0.03, "psnr", True, "+0.03"),
        (-0.03, "psnr", True, "-0.03"),
        (-0.004, "psnr", True, "0.00"),
        (-0.0012, "diff", True, "-0.001"),
        (0.0005, "diff", True, "+0.001"),
        (float("inf"), "psnr", False, "inf"),
        (Decimal("35.1"), "psnr", False, "35.1"),
        (Decimal("17974"), "giga", False, "17,974"),
        (Decimal("8768"), "count", True, "+8,768"),
    ],
)
def test_values_are_rounded_half_up_and_gaps_stay_blank(
    value: TableCell, kind: ColumnKind, signed: bool, printed: str
) -> None:
    assert format_value(value, Column("key", kind=kind, signed=signed)) == printed


def test_markdown_is_exactly_this() -> None:
    assert to_markdown(TABLE) == (
        "**Residual units, x2**\n"
        "\n"
        "| Unit | Params | Params diff. (ours) | Multi-Adds (G) | Set5 PSNR/SSIM "
        "| Diff. to base (dB) | Mean PSNR (paper) |\n"
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| Bicubic | 0 |  | 0.00 | 33.67/0.9300 | -0.33 |  |\n"
        "| Basic RU | 1,190,100 | 0 | 273.12 | 34.00/0.9400 | 0.00 | 34.99 |\n"
        "| wRU |  |  |  |  |  | **35.02** |\n"
        "| AWRU | 1,190,132 | +32 | 272.99 | **34.13**/0.9413 | +0.13 | **35.02** |\n"
        "\n"
        "- Seeds: 0.\n"
        "- Not run yet: wRU.\n"
    )


def test_terminal_text_is_exactly_this() -> None:
    assert to_text(TABLE) == (
        "Residual units, x2\n"
        "\n"
        "                     Params diff.  Multi-Adds          Set5  Diff. to base  Mean PSNR\n"
        "Unit         Params        (ours)         (G)     PSNR/SSIM           (dB)    (paper)\n"
        "--------  ---------  ------------  ----------  ------------  -------------  ---------\n"
        "Bicubic           0                      0.00  33.67/0.9300          -0.33\n"
        "Basic RU  1,190,100             0      273.12  34.00/0.9400           0.00      34.99\n"
        "wRU                                                                             35.02\n"
        "AWRU      1,190,132           +32      272.99  34.13/0.9413          +0.13      35.02\n"
        "\n"
        "Seeds: 0.\n"
        "Not run yet: wRU.\n"
    )


def test_csv_has_full_precision_and_provenance() -> None:
    rows = list(csv.DictReader(to_csv(TABLE).splitlines()))
    assert list(rows[0]) == [column.key for column in TABLE.columns]
    assert rows[3]["ours_Set5_ssim"] == "0.94125"
    assert rows[3]["ours_multi_adds"] == "272994999999"
    assert rows[3]["record_ids"] == "b"
    assert rows[2]["ours_params"] == ""
    assert rows[1]["paper_mean_psnr_db"] == "34.99"


def test_latex_has_booktabs_rules_and_bold_best_values() -> None:
    lines = to_latex(TABLE).splitlines()
    body = lines[lines.index(r"\toprule") + 2 : lines.index(r"\bottomrule")]
    assert body == [
        r"\midrule",
        r"Bicubic & 0 &  & 0.00 & 33.67/0.9300 & $-$0.33 &  \\",
        r"\midrule",
        r"Basic RU & 1,190,100 & 0 & 273.12 & 34.00/0.9400 & 0.00 & 34.99 \\",
        r"wRU &  &  &  &  &  & \textbf{35.02} \\",
        r"AWRU & 1,190,132 & +32 & 272.99 & \textbf{34.13}/0.9413 & +0.13 & \textbf{35.02} \\",
    ]


def test_nothing_is_best_where_all_are_equal() -> None:
    rows = tuple(replace(row, cells=TABLE.rows[1].cells) for row in TABLE.rows)
    assert "**3" not in to_markdown(replace(TABLE, rows=rows))


def nasty() -> Table:
    rows = (TableRow((NASTY, *TABLE.rows[1].cells[1:])), *TABLE.rows[1:])
    return replace(TABLE, title=NASTY, rows=rows, notes=(NASTY,))


def test_latex_escapes_special_characters() -> None:
    text = to_latex(nasty())
    assert (
        r"50\% of A\_B \& \#1 \$x\$ \{y\} \textasciitilde{}z\textasciicircum{}2 "
        r"\textbackslash{}n \textless{}t\textgreater{} \textbar{}u\textbar{}"
    ) in text


def test_markdown_escapes_special_characters() -> None:
    text = to_markdown(nasty())
    assert r"A\_B & #1 $x$ {y} ~z^2 \\n \<t> \|u\| \*v\* \`w\` \[x\]" in text
    pipes = [line.replace(r"\|", "").count("|") for line in text.splitlines() if "|" in line]
    assert set(pipes[1:3]) == {8}


def test_csv_survives_special_characters() -> None:
    table = replace(TABLE, rows=(TableRow(('a,"b"\nc', *TABLE.rows[1].cells[1:])),))
    assert next(csv.DictReader(to_csv(table).splitlines(keepends=True)))["label"] == 'a,"b"\nc'


def test_line_breaks_in_labels_do_not_break_the_layout() -> None:
    table = replace(TABLE, rows=(TableRow(("two\nlines", *TABLE.rows[1].cells[1:])),))
    assert "| two lines | 1,190,100 |" in to_markdown(table)
    assert "\ntwo lines  1,190,100" in to_text(table)


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    other = replace(TABLE, name="another")
    first = write([TABLE, other], tmp_path / "a")
    second = write([other, TABLE], tmp_path / "b")
    assert [path.name for path in first] == [
        "another.tex",
        "another.csv",
        "another.md",
        "awru_x2_T291_300steps.tex",
        "awru_x2_T291_300steps.csv",
        "awru_x2_T291_300steps.md",
    ]
    assert sorted(first) == sorted((tmp_path / "a").iterdir())
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert b"\r" not in one.read_bytes()
    before = [path.read_bytes() for path in first]
    write([TABLE, other], tmp_path / "a")
    assert [path.read_bytes() for path in first] == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot write"):
        write([TABLE], tmp_path / "file" / "reports")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("graphicx", [True, False])
def test_latex_compiles_and_fits_the_line_where_graphicx_is_loaded(
    tmp_path: Path, graphicx: bool, latex_document: Callable[[Table], str]
) -> None:
    document = latex_document(replace(nasty(), columns=TABLE.columns))
    if not graphicx:
        document = document.replace("booktabs,graphicx", "booktabs")
    (tmp_path / "table.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000
    assert ("Overfull" in done.stdout) is not graphicx

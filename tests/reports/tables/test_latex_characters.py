"""Any text comes out of LaTeX."""

import shutil
import subprocess

import pytest

from harness.reports.tables.latex_characters import escape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50 % & #1_a", r"50 \% \& \#1\_a"),
        ("a<b ≤ c ≥ d ≠ e", r"a\textless{}b $\leq$ c $\geq$ d $\neq$ e"),
        ("λ_res, β, Δ", r"$\lambda$\_res, $\beta$, $\Delta$"),
        ("\u00b5, \u2126", r"$\mu$, $\Omega$"),
        ("é, e\u0301", "é, é"),
        ("x², x₂, x⁴", "x², x$_{2}$, x$^{4}$"),
        ("ą", "a"),
        ("a\u200db\x07", "ab"),
        ("中", r"{\ifdefined\Umathchar 中\else\texttt{U+4E2D}\fi}"),
    ],
)
def test_characters_have_their_forms(text, expected):
    assert escape(text) == expected


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_prints_every_kind_of_character(tmp_path):
    blocks = [(0xA1, 0x250), (0x370, 0x400), (0x2010, 0x2060), (0x2190, 0x2270), (0x4E2D, 0x4E2F)]
    every = "".join(chr(code) for first, last in blocks for code in range(first, last)) + "🙂"
    body = "\n".join(f"{escape(character)} \\par" for character in every)
    caption = r"\begin{table}\caption{" + escape("中 λ ≤ ½ 🙂") + r"}\end{table}"
    text = rf"\documentclass{{article}}\begin{{document}}{caption}{body}\end{{document}}"
    (tmp_path / "a.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-1000:]

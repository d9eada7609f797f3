"""Tables on a terminal: what is left out is named, and numbers are whole."""

import io
import re
from dataclasses import replace

import pytest

from harness.reports.tables import terminal
from harness.reports.tables.table import Column, Table, TableRow, printed_form, simple

COLUMNS = (
    Column("label", "Network"),
    Column("params", "Params", "count"),
    Column("activations", "Activations", "count"),
    Column("Set5_psnr_db", "Set5\nPSNR/SSIM", "psnr"),
    Column("Set5_ssim", kind="ssim", joined=True),
    Column("mean_psnr_db", "Mean\nPSNR", "psnr"),
    Column("mean_psnr_diff_db", "Diff.\n(dB)", "diff", signed=True),
    Column("note", "Note"),
    Column("id", printed=False),
)
ROWS = (
    TableRow(("WDSR", 1_190_100, 602_726_400, 36.71, 0.9547, 33.52, None, "as printed", "a")),
    TableRow(("WDSR w/ AWRU", 1_190_132, 602_726_400, 36.73, 0.9548, 33.55, 0.0312, "-", "b")),
)
TABLE = Table("t", "Units compared, x2", COLUMNS, ROWS, ("A note of some length. " * 6,))
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen(io.StringIO):
    def isatty(self):
        return True


def drawn(table, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen()
    terminal.draw(table, screen, hint="--format csv")
    return screen.getvalue()


@pytest.mark.parametrize("columns", [34, 50, 65, 80, 140])
def test_no_line_is_longer_and_every_column_is_shown_or_named(columns, monkeypatch):
    text = ESCAPE.sub("", drawn(TABLE, columns, monkeypatch))
    assert max(map(len, text.splitlines())) <= columns
    layout = terminal.lay_out(printed_form(TABLE), 1, columns)
    words = " ".join(text.split())
    named = words.partition("Not shown for lack of width: ")[2]
    assert len(layout.shown) + len(layout.left_out) == 7
    for head in layout.left_out:
        assert head in named
    assert bool(named) == bool(layout.left_out)
    assert ("--format csv" in named) == bool(named)


@pytest.mark.parametrize("columns", [34, 50, 65, 80])
def test_numbers_are_whole_or_not_there(columns, monkeypatch):
    text = ESCAPE.sub("", drawn(TABLE, columns, monkeypatch)).partition("A note")[0]
    body = text.partition("\u2500\n")[2]
    whole = {"1,190,100", "1,190,132", "602,726,400", "36.71/0.9547", "36.73/0.9548"}
    whole |= {"33.52", "33.55", "+0.031"}
    assert set(re.findall(r"[+\d][\d.,/]*\d", body)) <= whole
    assert "+0.031" in body, "the difference is left out last"


def test_what_matters_least_goes_first():
    printed = printed_form(TABLE)
    gone: list[str] = []
    for width in range(120, 19, -1):
        for head in terminal.lay_out(printed, 1, width).left_out:
            gone += [head] if head not in gone else []
    assert gone.index("Activations") < gone.index("Set5 PSNR/SSIM") < gone.index("Mean PSNR")
    assert "Network" not in gone
    assert "Diff. (dB)" not in gone


def test_long_words_of_text_are_folded_and_none_is_lost(monkeypatch):
    digest = "0123456789abcdef" * 4
    table = simple("t", "", [Column("a", "What"), Column("b", "Digest")], [("pixels", digest)])
    text = ESCAPE.sub("", drawn(table, 40, monkeypatch))
    assert digest in "".join(text.split())
    assert max(map(len, text.splitlines())) <= 40


def test_colour_is_left_out_where_it_is_not_wanted(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ranked = replace(TABLE, marks="best")
    colour = re.compile(r"\x1b\[[\d;]*(?<!\d)[349]\d(;\d+)*m")
    assert colour.search(drawn(ranked, 100, monkeypatch))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(drawn(ranked, 100, monkeypatch))


def test_marks_and_brackets_of_cells_are_no_markup(monkeypatch):
    table = simple("t", "[bold]T", [Column("a", "[red]A")], [("[green]x[/]",), (":smile:",)])
    text = ESCAPE.sub("", drawn(table, 80, monkeypatch))
    for word in ("[bold]T", "[red]A", "[green]x[/]", ":smile:"):
        assert word in text

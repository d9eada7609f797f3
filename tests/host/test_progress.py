"""Bars on a terminal: that of a cell, and below it that of all cells."""

import io
import logging
import re
import sys
import time

import pytest

from harness.host import bars, progress
from harness.host.logs import log_to_stderr
from harness.host.progress import Progress, TileBar, Transfer, over


def plain(text):
    """What a terminal shows, without colours and movements of the cursor."""
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split())


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _drawn_at_once(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(bars, "_BETWEEN_S", 0.0)


def at_a_terminal(monkeypatch):
    """Not a fixture: pytest takes standard error back before each test begins."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def test_below_the_bar_of_a_cell_stands_that_of_all_cells(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    progress = Progress("AWRU", total=10, done=4, all_total=46, all_done=20)
    for _ in range(6):
        progress.advance()
    progress.say("5 trainings, about 2 h here")
    progress.report(10, loss=1.0, lr=1e-3)
    progress.close()
    shown = plain(terminal.getvalue())
    assert "AWRU: 100%" in shown
    assert "10/10, loss=1.000, lr=1.00e-03" in shown
    assert "all: 57%" in shown
    assert "26/46, 5 trainings, about 2 h here" in shown
    assert shown.endswith("10/10, loss=1.000, lr=1.00e-03"), "the bar of the training stays"


def test_a_cell_that_is_the_only_one_has_one_bar(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    progress = Progress("AWRU", total=10, done=4, all_total=6, all_done=0)
    progress.advance()
    progress.say("1 training")
    progress.close()
    assert "all:" not in terminal.getvalue()


def test_without_a_terminal_there_is_none(capsys):
    progress = Progress("AWRU", total=10, done=0, all_total=40)
    progress.advance()
    progress.say("4 trainings")
    progress.close()
    assert capsys.readouterr().err == ""


def test_a_line_stands_above_the_bars_and_wraps_at_words(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    monkeypatch.setattr(logging.getLogger("harness"), "handlers", [])
    monkeypatch.setattr(logging.getLogger("harness"), "propagate", True)
    log_to_stderr(logging.INFO)
    bar = Transfer("fetch", total=4)
    bar.advance()
    logging.getLogger("harness.test").info("%s", "word " * 30 + "end")
    bar.advance()
    bar.close()
    lines = [plain(line) for line in terminal.getvalue().replace("\r", "\n").split("\n")]
    words = [line for line in lines if line.startswith("word")]
    assert len(words) == 2
    assert words[1].endswith("end")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("columns", [30, 60, 80])
def test_numbers_behind_a_bar_are_whole_or_left_out(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = at_a_terminal(monkeypatch)
    shown = Progress("WDSR w/ AWRU", total=1000, done=0)
    for _ in range(7):
        shown.advance()
    shown.report(7, loss=12.345, lr=5e-4)
    shown.close()
    last = plain(terminal.getvalue().split("\r")[-1])
    for number in re.findall(r"[\d.]*\d(?:e-\d+)?", last):
        assert number in {"1", "7", "1000", "12.345", "5.00e-04"} or ":" in last
    assert "..." not in last


def test_bytes_are_counted_and_things_taken_back(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    fetched = Transfer("fetch", total=5_000_000)
    fetched.advance(2_500_000)
    tiles = TileBar(total=4)
    tiles.advance()
    tiles.plan_anew(undone=1, more=2)
    fetched.close()
    tiles.close()
    shown = plain(terminal.getvalue())
    assert "2.5/5.0 MB" in shown
    assert "1/4" in shown
    assert "0/6" in shown


def test_short_work_has_no_bar_and_long_work_has_one(monkeypatch):
    terminal = at_a_terminal(monkeypatch)
    assert list(over([1, 2, 3], "count")) == [1, 2, 3]
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "_SHORT_S", 0.0)
    assert list(over(iter([1, 2, 3]), "count", total=3)) == [1, 2, 3]
    assert "count: 67% " in plain(terminal.getvalue())


def test_a_bar_goes_where_work_fails(monkeypatch):
    at_a_terminal(monkeypatch)
    monkeypatch.setattr(progress, "_SHORT_S", 0.0)
    left = over([1, 2, 0], "fail")
    with pytest.raises(ZeroDivisionError), bars.taken_away():
        sum(1 / number for number in left)
    assert bars._region is None
    again = Transfer("again", total=2)
    again.advance()
    left.close()  # type: ignore[attr-defined]  # late, as where a traceback holds the loop
    again.close()
    assert bars._region is None


def test_in_a_log_long_work_says_a_line_in_ten_seconds(monkeypatch):
    now, said = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress.log, "info", lambda form, *words: said.append(form % words))
    for _ in over(range(100), "score Set5"):
        now[0] += 0.7
    assert 3 <= len(said) <= 7  # of 70 seconds, a line at a tenth, ten seconds apart
    assert said[0].startswith("score Set5: ")

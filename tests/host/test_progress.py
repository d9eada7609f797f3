"""Bars on a terminal: that of a cell, and below it that of all cells."""

import io
import sys

from harness.host.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


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
    shown = terminal.getvalue()
    assert "AWRU: 100%" in shown
    assert "10/10" in shown
    assert "all:  57%" in shown
    assert "26/46, 5 trainings, about 2 h here" in shown


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

"""Text is as wide as the terminal; a pipe gets it as it is."""

import io
import subprocess

import pytest

from harness.host import terminal


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_lines_are_wrapped_at_words_and_keep_their_indent(columns):
    text = "  - " + "alpha beta gamma " * 8
    lines = terminal.to_width(text, columns).split("\n")
    assert max(map(len, lines)) <= columns
    assert all(line.startswith("    ") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())


def test_a_path_is_never_broken():
    path = "/a/very/long/path/" + "x" * 90
    assert path in terminal.to_width(f"see {path} there", 40).split("\n  ")


def test_a_pipe_has_no_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    assert terminal.width(io.StringIO()) is None
    assert terminal.wrapped("word " * 40, io.StringIO()) == "word " * 40
    assert terminal.width(Screen()) == 20
    monkeypatch.setenv("COLUMNS", "none")
    assert terminal.width(Screen()) == 80
    closed = io.StringIO()
    closed.close()
    assert terminal.width(closed) is None


def test_a_command_that_is_broken_can_be_copied():
    words = ["harness", "compare", *(f"wdsr_basic-x2-s{n}" for n in range(6)), "--results", "demo"]
    shown = terminal.to_width(f"    {' '.join(words)}", 40)
    assert max(map(len, shown.splitlines())) <= 40
    assert len(shown.splitlines()) > 2
    echoed = subprocess.run(
        ["sh", "-c", shown.replace("harness", "printf '%s\\n' harness", 1)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert echoed.stdout.split() == words

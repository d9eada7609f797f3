"""The watch sees what it is there for."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import DataError
from tests.faults import watch as watching
from tests.faults.watch import Hang


def refuse():
    raise DataError("a.png: expected an image")


def refuse_without_a_word():
    raise DataError("")


def ask_for_memory():
    try:
        bytearray(2**36)
    except MemoryError as error:
        raise DataError("a.pth is damaged") from error


def test_what_is_accepted_and_refused_is_counted(watch):
    assert watch.accepted(lambda: 3) == 3
    assert watch.accepted(refuse) is None
    counts = watch.tally()
    assert (counts["inputs"], counts["accepted"], counts["refused"]) == (2, 1, 1)


def test_files_may_be_written_in_the_folder_only(watch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    watch.accepted((watch.folder / "a").write_text, "x")
    with pytest.raises(AssertionError, match="elsewhere"):
        watch.accepted((elsewhere / "a").write_text, "x")
    with pytest.raises(AssertionError, match="elsewhere"):
        watch.accepted((elsewhere / "b").mkdir)
    with pytest.raises(AssertionError, match="elsewhere"):
        watch.accepted(Path("a").rename, elsewhere / "c")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (refuse_without_a_word, "without a word"),
        (ask_for_memory, "asked for more memory"),
        (lambda: subprocess.run([sys.executable, "-c", ""], check=True), "Popen"),
    ],
)
def test_what_must_not_happen_is_seen(call, message, watch):
    with pytest.raises(AssertionError, match=message):
        watch.accepted(call)


def test_memory_in_use_is_bounded(watch, monkeypatch):
    monkeypatch.setattr(watching, "MOST_BYTES", 2**25)
    watch.accepted(lambda: len(b"x" * 2**24))
    with pytest.raises(AssertionError, match="MiB"):
        watch.accepted(lambda: len(b"x" * 2**27))


def test_any_other_exception_comes_out(watch):
    with pytest.raises(ZeroDivisionError):
        watch.accepted(lambda: 1 / 0)


def test_a_hang_is_ended(watch, monkeypatch):
    monkeypatch.setattr(watching, "MOST_WAITING", -0.9)
    with pytest.raises(Hang):
        watch.accepted(time.sleep, 5)


def test_a_command_that_refuses_or_fails_is_told_apart(watch):
    assert watch.accepted(watch.command, "list", "nothing") is None
    assert "run" in watch.accepted(watch.command, "--help")

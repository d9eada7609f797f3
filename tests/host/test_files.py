"""Files are written whole or not at all."""

import errno
import os
import stat

import pytest

from harness.errors import HarnessError
from harness.host.files import write_atomic


def test_text_and_bytes(tmp_path):
    write_atomic(tmp_path / "new" / "a", "grün\n")
    write_atomic(tmp_path / "b", b"\x00\x01")
    assert (tmp_path / "new" / "a").read_text(encoding="utf-8") == "grün\n"
    assert (tmp_path / "b").read_bytes() == b"\x00\x01"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("old")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(HarnessError, match=r"cannot write '.*a': the disk is full"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(HarnessError, match=r"cannot write '.*a/b': "):
        write_atomic(tmp_path / "a" / "b", "x")


def test_permissions_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640

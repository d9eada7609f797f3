"""A lock is held by one process at a time, and may be taken again by it."""

import subprocess
import sys

from harness.host.locks import held

HOLDER = """
import sys
from pathlib import Path
from harness.host.locks import held

with held(Path(sys.argv[1]), what="x is being made"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_waits_and_says_so(tmp_path):
    path = tmp_path / "below" / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout.readline() == "held\n"
        script = HOLDER.replace("sys.argv[1]", repr(str(path)))
        with subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as second:
            second.stdin.close()
            assert "x is being made by another process" in second.stderr.readline()
            assert second.poll() is None
            first.stdin.close()
            assert second.stdout.readline() == "held\n"
        assert second.returncode == 0
    assert first.returncode == 0


def test_a_process_may_take_it_again(tmp_path):
    with held(tmp_path / ".lock", what="a"), held(tmp_path / ".lock", what="b"):
        pass

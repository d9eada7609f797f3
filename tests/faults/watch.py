"""Run one input under watch: it is accepted, or refused in words, and nothing else happens.

An input must not raise anything but the house's own errors, hang, take much memory, write or
remove anything outside its folder, start a program or talk to a network.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from harness.cli.main import main
from harness.errors import HarnessError

MOST_SECONDS = 5.0
"""Of computing, for one input."""

MOST_WAITING = 30.0
"""Seconds, whatever else this machine does."""

MOST_BYTES = 2**30
"""By which an input may raise the memory in use."""

_ADDRESSES = 2**32
"""By which it may raise the memory asked for, used or not; more is not given."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink")
_DEEDS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")


class Refused(Exception):
    """The command line refused an input, in words and with the exit code of a refusal."""


class Hang(BaseException):
    """An input took too long."""


@dataclass
class _Seen:
    """What happens while an input is tried, in the thread that tries it."""

    on: bool = False
    thread: int = 0
    written: list[str] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)


_seen = _Seen()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if not _seen.on or threading.get_ident() != _seen.thread:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING and isinstance(path, str | bytes):
            _seen.written.append(os.fsdecode(path))
    elif event in _CHANGES:
        _seen.written += [
            os.fsdecode(path) for path in arguments[:2] if isinstance(path, str | bytes)
        ]
    elif event in _DEEDS:
        _seen.deeds.append(f"{event}{arguments[:2]}")


class Watch:
    """Tries inputs, and counts what became of them.

    Attributes:
        folder: Where inputs lie, and all that may be written.
    """

    _audited = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inputs = self._accepted = self._refused = 0
        self._seconds = self._slowest = 0.0
        if not Watch._audited:  # there is no way to take an audit hook back
            Watch._audited = True
            sys.addaudithook(_audit)

    def empty(self) -> Path:
        """Return the folder, without what earlier inputs left there."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return self.folder

    def tally(self):
        """Return what became of the inputs so far."""
        return {
            "inputs": self._inputs,
            "accepted": self._accepted,
            "refused": self._refused,
            "seconds": round(self._seconds, 1),
            "slowest": round(self._slowest, 3),
        }

    def accepted(self, call, *arguments):
        """Return what a call gives for an input, or None where it refuses it in words.

        Raises:
            AssertionError: Anything else happened that must not.
            Exception: Whatever else the call raised.
        """
        self._inputs += 1
        measured = _forget_most()
        before = _memory("VmRSS")
        _seen.written.clear()
        _seen.deeds.clear()
        begun, computing = time.perf_counter(), time.process_time()
        value, said, refusal = None, "accepted", None
        try:
            with _limits(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = call(*arguments)
        except (HarnessError, Refused) as error:
            self._refused += 1
            said, refusal = str(error), error
        else:
            self._accepted += 1
        finally:
            seconds = time.process_time() - computing
            self._seconds += seconds
            self._slowest = max(self._slowest, seconds)
        assert said.strip(), "refused without a word"
        assert not _asked_too_much(refusal), "asked for more memory than it was given"
        said.encode(errors="surrogateescape")  # a name of a file need not be UTF-8
        assert seconds < MOST_SECONDS, f"took {seconds:.1f} s"
        assert time.perf_counter() - begun < MOST_WAITING
        grown = _memory("VmHWM") - before
        assert not measured or grown < MOST_BYTES, f"took {grown / 2**20:.0f} MiB"
        outside = [path for path in _seen.written if not self._may_write(path)]
        assert not outside, f"wrote {outside}"
        assert not _seen.deeds, _seen.deeds
        return value

    def command(self, *arguments):
        """Run a command of the harness in this process; return what it printed.

        Raises:
            Refused: It ended with exit code 1 or 2 and said why.
            Exception: Whatever it raised.
        """
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if result.exit_code == 0:
            return result.output
        assert result.exit_code in (1, 2), result.output
        assert "Error: " in result.output
        assert "Traceback" not in result.output
        raise Refused(result.output)

    def _may_write(self, path: str) -> bool:
        return path == os.devnull or Path(path).resolve().is_relative_to(self.folder.resolve())


def _asked_too_much(error: BaseException | None) -> bool:
    """Tell whether an error comes from memory that was not given."""
    while error is not None:
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def _limits() -> Iterator[None]:
    """Watch and limit what happens inside; a hang and a huge allocation are ended."""

    def stop(number: int, frame: object) -> None:
        raise Hang(f"signal {number}")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    asked = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    wanted = asked + _ADDRESSES
    earlier = {number: signal.signal(number, stop) for number in (signal.SIGALRM, signal.SIGPROF)}
    resource.setrlimit(resource.RLIMIT_AS, (min(wanted, hard) if hard > 0 else wanted, hard))
    signal.setitimer(signal.ITIMER_REAL, MOST_WAITING + 1)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS + 1)
    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _seen.on, _seen.thread = True, threading.get_ident()
    try:
        yield
    finally:
        _seen.on = False
        sys.dont_write_bytecode = compiled
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _memory(kind: str) -> int:
    """Return the bytes in use: now, ``VmRSS``, or at most since :func:`_forget_most`, ``VmHWM``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(kind))


def _forget_most() -> bool:
    """Let the most memory in use be what is in use now; not every container allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True

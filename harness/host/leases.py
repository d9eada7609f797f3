"""Who works on something now, told in a file: for machines that share a disk and no locks.

A lease is a small JSON file that its owner made, which only one can, and writes again every few
seconds. One that is no longer written is lost: its owner has died, or cannot reach the disk. It
stands beside a lock, which is faster where the file system has working ones.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import HarnessError
from harness.host import process
from harness.host.files import write_atomic
from harness.host.problems import FormatError
from harness.host.reading import from_json, read_text
from harness.host.writing import json_text

log = logging.getLogger(__name__)

FILE_NAME = "lease.json"

BEAT_S = 5.0
"""Seconds between two writings."""

LOST_S = 60.0
"""Seconds after which a lease that was not written is lost."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What the owner says.

    Attributes:
        owner: Host, process number and its start, as :func:`.process.identity` has them.
        since: When the work began, in ISO 8601.
        beat: How often the lease was written.
        step: How far the work is; 0 where it has no steps, or none is done.
        steps: How far it goes.
        left_s: Seconds until then, at the speed so far; None where that is not known.
    """

    owner: str
    since: str
    beat: int = 0
    step: int = 0
    steps: int = 0
    left_s: float | None = None

    @property
    def host(self) -> str:
        """Name of the machine."""
        return self.owner.rsplit("/", 2)[0]


class Held:
    """A lease of this process, written again by a thread until it is given back."""

    def __init__(self, path: Path) -> None:
        """Take a lease that nobody has.

        Raises:
            FileExistsError: Somebody has it.
            OSError: It cannot be written.
        """
        self.path = path
        self._said = Lease(process.identity(), datetime.now(UTC).isoformat(timespec="seconds"))
        self._first: tuple[float, int] | None = None
        self._done = threading.Event()
        self._owner = os.getpid()
        # Only creating a file tells two machines apart, on shared disks, too.
        with path.open("x", encoding="utf-8") as stream:
            stream.write(_text(self._said))
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    def note(self, step: int, steps: int) -> None:
        """Say how far the work is; written with the next beat."""
        now = time.monotonic()
        first_at, first = self._first = self._first or (now, step)
        left = (now - first_at) / (step - first) * (steps - step) if step > first else None
        self._said = dataclasses.replace(self._said, step=step, steps=steps, left_s=left)

    def give_back(self) -> None:
        """Remove the lease, where it is still this process's."""
        self._done.set()
        if os.getpid() != self._owner:  # a process that was forked while it was held
            return
        self._thread.join()
        with suppress(OSError):
            if (there := read(self.path)) and there.owner == self._said.owner:
                self.path.unlink()

    def _beat(self) -> None:
        while not self._done.wait(BEAT_S):
            self._said = dataclasses.replace(self._said, beat=self._said.beat + 1)
            try:
                write_atomic(self.path, _text(self._said))
            except HarnessError as error:  # the work may go on all the same
                log.debug("%s", error)


_held: list[Held] = []


def note(step: int, steps: int) -> None:
    """Say how far the work of this process is, where it holds a lease."""
    if _held:
        _held[-1].note(step, steps)


@contextmanager
def taken(path: Path, *, what: str) -> Iterator[None]:
    """Hold a lease; wait while another process, here or elsewhere, keeps it up.

    Args:
        path: Its file; the folder must be there.
        what: What the other process is doing, for the message while this one waits.

    Raises:
        OSError: It cannot be written.
    """
    if any(held.path == path for held in _held):  # taken further out
        yield
        return
    lease = _take(path, what)
    _held.append(lease)
    try:
        yield
    finally:
        _held.remove(lease)
        lease.give_back()


def read(path: Path) -> Lease | None:
    """Return what a lease says; None where there is none, or one that is damaged."""
    try:
        return from_json(Lease, read_text(path))
    except FormatError:
        return None


def is_lost(path: Path, lease: Lease) -> bool:
    """Tell whether a lease is no longer kept up.

    Its owner's clock does not matter: both times are of the disk that it lies on.
    """
    if process.has_ended(lease.owner):
        return True
    try:
        return _now(path.parent) - path.stat().st_mtime > LOST_S
    except OSError:  # given back meanwhile
        return False


def _take(path: Path, what: str) -> Held:
    said = False
    while True:
        try:
            return Held(path)
        except FileExistsError:
            there = read(path)
        if there is None:
            if not path.exists():
                continue  # given back meanwhile
            there = Lease("", "")
        if there.owner == process.identity() or process.has_ended(there.owner):
            _clear(path, there)
            continue
        if is_lost(path, there) and not _is_written_again(path, there):
            log.warning("taken over from %s, which has stopped: %s", there.host or "?", what)
            _clear(path, there)
            continue
        if not said:
            log.warning("%s on %s; waiting for it", what, there.host or "another machine")
            said = True
        time.sleep(min(1.0, BEAT_S))


def _is_written_again(path: Path, lease: Lease) -> bool:
    """Watch a lease for the time of some beats: a clock that was set makes none old."""
    deadline = time.monotonic() + 3 * BEAT_S
    while time.monotonic() < deadline:
        if read(path) != lease:
            return True
        time.sleep(BEAT_S / 5)
    return False


def _clear(path: Path, lost: Lease) -> None:
    """Remove a lost lease; of several that want to, one does.

    One that another process has taken meanwhile is put back.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with suppress(OSError):
        path.rename(aside)
        moved = read(aside)
        if moved is not None and moved.owner != lost.owner:
            with suppress(FileExistsError):  # written again before it was back
                os.link(aside, path)
        aside.unlink()


def _now(folder: Path) -> float:
    """Return the time by the clock of the disk; this machine's where it cannot be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".now.") as stream:
            return os.fstat(stream.fileno()).st_mtime
    except OSError:
        return time.time()


def _text(lease: Lease) -> str:
    return json_text(dataclasses.asdict(lease)) + "\n"

"""Stop in good order on Ctrl-C: once to finish the step and save, twice to stop at once.

SIGTERM, SIGHUP and SIGUSR1, which schedulers and closed terminals send, mean the same. One that
was ignored when the process started, as ``nohup`` does, stays ignored.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from harness.errors import HarnessError

log = logging.getLogger(__name__)

_Handler = Callable[[int, FrameType | None], None]

STOPS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)
)
"""The signals that stop a run; not every system has all of them."""


class Interrupted(HarnessError):
    """The user stopped a run; what was done so far is kept."""

    exit_code = 130


_others = {"answer": False, "leave": False}


def leave_alone() -> None:
    """Leave all signals of this process to what started it, which has its own answers to them."""
    _others["answer"] = True


def leave() -> None:
    """Say that the process is ended by what started it: its SystemExit is nobody's failure."""
    _others["leave"] = True


def leaving() -> bool:
    """Tell whether the process is being ended by what started it."""
    return _others["leave"]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the other signals raise KeyboardInterrupt, as Ctrl-C does."""
    owner = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner and number != signal.SIGINT:  # a forked worker: it just ends
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise KeyboardInterrupt

    with _handled(interrupt):
        yield


class StopSignal:
    """While active, the first signal is only noted, a second SIGINT interrupts."""

    def __init__(self) -> None:
        """Start with nothing requested."""
        self.requested = False
        self._taken = _handled(self._note)

    def __enter__(self) -> StopSignal:
        """Take over the signals; only a main thread can."""
        self._taken.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        self._taken.__exit__(kind, error, trace)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        log.warning("stopping: saving a checkpoint first (Ctrl-C again stops at once)")


@contextmanager
def _handled(handler: _Handler) -> Iterator[None]:
    """Handle the signals that stop a run, but for those that are ignored."""
    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread() and not _others["answer"]:
        for number in STOPS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)

"""Stop in good order on Ctrl-C: once to finish the step and save, twice to stop at once."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from harness.errors import HarnessError

log = logging.getLogger(__name__)


class Interrupted(HarnessError):
    """The user stopped a run; what was done so far is kept."""

    exit_code = 130


class StopSignal:
    """While active, the first SIGINT or SIGTERM is only noted, a second SIGINT interrupts."""

    def __init__(self) -> None:
        """Start with nothing requested."""
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignal:
        """Take over the signals; only a main thread can."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        log.warning("stopping: saving a checkpoint first (Ctrl-C again stops at once)")

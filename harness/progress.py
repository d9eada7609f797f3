"""Show how training goes: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time

from tqdm import tqdm

log = logging.getLogger(__name__)


class Progress:
    """The progress of one cell."""

    def __init__(self, name: str, *, total: int, done: int) -> None:
        """Begin at ``done`` of ``total`` steps."""
        self.total = total
        self._began = (time.monotonic(), done)
        self._bar = tqdm(
            desc=name,
            total=total,
            initial=done,
            unit="it",
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )

    def advance(self) -> None:
        """Count one step."""
        self._bar.update()

    def report(self, step: int, *, loss: float, lr: float) -> None:
        """Show loss and learning rate at a step; also a line in the log."""
        started, first = self._began
        rate = (step - first) / max(1e-9, time.monotonic() - started)
        left = (self.total - step) / max(1e-9, rate)
        self._bar.set_postfix(loss=f"{loss:.3f}", lr=f"{lr:.2e}")
        log.log(
            logging.DEBUG if not self._bar.disable else logging.INFO,
            "step %d/%d  loss %.3f  lr %.2e  %.2f it/s  %s left",
            step,
            self.total,
            loss,
            lr,
            rate,
            duration(left),
        )

    def close(self) -> None:
        """Leave the bar as it is and free the line."""
        self._bar.close()


def duration(seconds: float) -> str:
    """Return a time as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"

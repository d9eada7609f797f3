"""Show how training and upscaling go: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import NoReturn

from tqdm import tqdm

log = logging.getLogger(__name__)


class Progress:
    """The progress of one cell."""

    def __init__(self, name: str, *, total: int, done: int) -> None:
        """Begin at ``done`` of ``total`` steps."""
        self.total = total
        self._began = (time.monotonic(), done)
        self._bar = _bar(name, total=total, done=done, unit="it")

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


class TileBar:
    """The tiles of all images to be upscaled; nothing where there is no terminal."""

    def __init__(self, *, total: int) -> None:
        """Begin with ``total`` tiles to do."""
        self._bar = _bar("upscale", total=total, done=0, unit="tile")

    def advance(self) -> None:
        """Count one tile."""
        self._bar.update()

    def plan_anew(self, *, undone: int, more: int) -> None:
        """Take back tiles that were done, and expect more in all."""
        self._bar.total = (self._bar.total or 0) + more
        self._bar.update(-undone)

    def say(self, line: str) -> None:
        """Print a line to standard output, above the bar."""
        tqdm.write(line, file=sys.stdout)

    def close(self) -> None:
        """Leave the bar as it is and free the line."""
        self._bar.close()


def _bar(name: str, *, total: int, done: int, unit: str) -> tqdm[NoReturn]:
    return tqdm(
        desc=name,
        total=total,
        initial=done,
        unit=unit,
        dynamic_ncols=True,
        disable=not sys.stderr.isatty(),
    )


def duration(seconds: float) -> str:
    """Return a time as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"

"""Show how long work goes on: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from harness.host import bars

log = logging.getLogger(__name__)

_BETWEEN_LINES_S = 10.0
_SHORT_S = 1.0
"""Work that takes less has no bar."""

_Item = TypeVar("_Item")


class Progress:
    """The progress of one training, and below it that of all trainings."""

    def __init__(
        self, name: str, *, total: int, done: int, all_total: int = 0, all_done: int = 0
    ) -> None:
        """Begin at ``done`` of ``total`` steps, and at ``all_done`` of those of all trainings.

        There is no second bar where the training is the only one.
        """
        self.total = total
        self._began = (time.monotonic(), done)
        self._bar = bars.open_bar(name, total=total, done=done)
        self._all = None
        if all_total > total - done:
            self._all = bars.open_bar("all", total=all_total, done=all_done, timed=False)

    def advance(self) -> None:
        """Count one step."""
        self._bar.advance()
        if self._all is not None:
            self._all.advance()

    def say(self, text: str) -> None:
        """Show what is left of all trainings beside their bar."""
        if self._all is not None:
            self._all.say(text)

    def report(self, step: int, *, loss: float, lr: float) -> None:
        """Show loss and learning rate at a step; also a line in the log."""
        started, first = self._began
        rate = (step - first) / max(1e-9, time.monotonic() - started)
        left = (self.total - step) / max(1e-9, rate)
        self._bar.say(f"loss={loss:.3f}, lr={lr:.2e}")
        log.log(
            logging.DEBUG if self._bar.shown else logging.INFO,
            "step %d/%d  loss %.3f  lr %.2e  %.2f it/s  %s left",
            step,
            self.total,
            loss,
            lr,
            rate,
            bars.duration(left),
        )

    def close(self) -> None:
        """Leave the bar of the training as it is and free its line; that of all trainings goes."""
        if self._all is not None:
            self._all.close()
        self._bar.close(leave=True)


class TileBar:
    """The tiles of all images to be upscaled; nothing where there is no terminal."""

    def __init__(self, *, total: int) -> None:
        """Begin with ``total`` tiles to do."""
        self._bar = bars.open_bar("upscale", total=total, unit="tile")

    def advance(self) -> None:
        """Count one tile."""
        self._bar.advance()

    def plan_anew(self, *, undone: int, more: int) -> None:
        """Take back tiles that were done, and expect more in all."""
        self._bar.expect(more)
        self._bar.advance(-undone)

    def say(self, line: str) -> None:
        """Print a line to standard output, above the bar."""
        bars.write_line(line, sys.stdout)

    def close(self) -> None:
        """Leave the bar as it is and free the line."""
        self._bar.close(leave=True)


class Transfer:
    """The progress of something counted in bytes or things, whose end may be unknown."""

    def __init__(
        self,
        name: str,
        *,
        total: int | None,
        done: int = 0,
        unit: str = "B",
        after_s: float = 0.0,
    ) -> None:
        """Begin at ``done``.

        Args:
            name: What is done.
            total: How many bytes or things there are; None where nobody knows.
            done: How many were done before.
            unit: ``B`` for bytes or a word for things.
            after_s: There is no bar before so many seconds are over.
        """
        self._name = name
        self._total = total
        self._done = done
        self._told = _tenths(done, total)
        self._told_at = time.monotonic()
        self._bar = bars.open_bar(name, total=total, done=done, unit=unit, after_s=after_s)

    def advance(self, count: int = 1) -> None:
        """Count some more; without a terminal, a line at a tenth, but not every few seconds."""
        self._done += count
        self._bar.advance(count)
        if self._bar.shown:
            return
        tenths, now = _tenths(self._done, self._total), time.monotonic()
        if tenths > self._told and now - self._told_at >= _BETWEEN_LINES_S:
            self._told, self._told_at = tenths, now
            log.info("%s: %d %%", self._name, 10 * tenths)

    def close(self) -> None:
        """Free the line."""
        self._bar.close()


def over(
    items: Iterable[_Item], name: str, *, unit: str = "", total: int | None = None
) -> Iterator[_Item]:
    """Yield items, and show how many of them are done once it takes a second.

    Args:
        items: What there is to do.
        name: What is done with them, such as ``score Set5``.
        unit: What they are, one of them.
        total: How many there are, where ``items`` does not say.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    shown = Transfer(name, total=total, unit=unit, after_s=_SHORT_S)
    try:
        for item in items:
            yield item
            shown.advance()
    finally:
        shown.close()


def _tenths(done: int, total: int | None) -> int:
    return 10 * done // total if total else 0

"""Show how long work goes on: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, NoReturn

from tqdm import tqdm

log = logging.getLogger(__name__)

_BETWEEN_LINES_S = 10.0


class Progress:
    """The progress of one cell, and below it that of all cells."""

    def __init__(
        self, name: str, *, total: int, done: int, all_total: int = 0, all_done: int = 0
    ) -> None:
        """Begin at ``done`` of ``total`` steps, and at ``all_done`` of those of all cells.

        There is no second bar where the cell is the only one.
        """
        self.total = total
        self._began = (time.monotonic(), done)
        self._bar = _bar(name, total=total, done=done, unit="it")
        self._all = None
        if all_total > total - done:
            form = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"
            options = {"bar_format": form, "position": 1, "leave": False}
            self._all = _bar("all", total=all_total, done=all_done, unit="it", **options)

    def advance(self) -> None:
        """Count one step."""
        self._bar.update()
        if self._all is not None:
            self._all.update()

    def say(self, text: str) -> None:
        """Show what is left of all cells beside their bar."""
        if self._all is not None:
            self._all.set_postfix_str(text)

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
        """Leave the bar of the cell as it is and free its line; that of all cells goes."""
        if self._all is not None:
            self._all.close()
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


class Transfer:
    """The progress of something counted in bytes or files, whose end may be unknown."""

    def __init__(self, name: str, *, total: int | None, done: int = 0, unit: str = "B") -> None:
        """Begin at ``done``; ``unit`` is ``B`` for bytes or a word for things."""
        self._name = name
        self._total = total
        self._done = done
        self._told = _tenths(done, total)
        self._told_at = time.monotonic()
        self._bar = _bar(
            name,
            total=total,
            done=done,
            unit=unit,
            unit_scale=unit == "B",
            unit_divisor=1000,
            leave=False,
        )

    def advance(self, count: int = 1) -> None:
        """Count some more; without a terminal, a line at a tenth, but not every few seconds."""
        self._done += count
        self._bar.update(count)
        if not self._bar.disable:
            return
        tenths, now = _tenths(self._done, self._total), time.monotonic()
        if tenths > self._told and now - self._told_at >= _BETWEEN_LINES_S:
            self._told, self._told_at = tenths, now
            log.info("%s: %d %%", self._name, 10 * tenths)

    def close(self) -> None:
        """Free the line."""
        self._bar.close()


def _tenths(done: int, total: int | None) -> int:
    return 10 * done // total if total else 0


def _bar(name: str, *, total: int | None, done: int, unit: str, **options: Any) -> tqdm[NoReturn]:
    return tqdm(
        desc=name,
        total=total,
        initial=done,
        unit=unit,
        dynamic_ncols=True,
        disable=not sys.stderr.isatty(),
        **options,
    )


def duration(seconds: float) -> str:
    """Return a time as ``h:mm:ss``.

    Example:
        >>> duration(3725)
        '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"

"""Bars on the terminal, all in one region at its bottom; lines are written above it."""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from harness.host import terminal

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID

_BETWEEN_S = 0.1
"""Bars are drawn no oftener. No thread draws them, which would disturb what is measured."""

_BESIDE = 14
"""Characters of a line beside the name and what is said: a short bar, the percentage, gaps."""

_region: Progress | None = None
_drawn_at = 0.0


class Bar:
    """One bar; it does nothing where standard error is no terminal.

    Attributes:
        shown: Whether there is a terminal to show it on.
    """

    def __init__(
        self, name: str, *, total: int | None, done: int, unit: str, timed: bool, after_s: float
    ) -> None:
        """Begin; see :func:`open_bar`."""
        self.shown = terminal.is_terminal(sys.stderr)
        self._task: TaskID | None = None
        self._drawn_in: Progress | None = None
        self._closed = False
        self._name, self._total, self._done = name, total, done
        self._fields: dict[str, Any] = {"unit": unit, "timed": timed, "said": ""}
        self._from = time.monotonic() + after_s
        self._draw()

    def advance(self, count: int = 1) -> None:
        """Count some more; fewer where it is negative."""
        self._done += count
        if self.shown:
            self._draw()

    def expect(self, more: int) -> None:
        """Raise the total."""
        self._total = (self._total or 0) + more

    def say(self, text: str) -> None:
        """Show a text behind the bar."""
        self._fields["said"] = text
        if self.shown:
            self._draw()

    def close(self, *, leave: bool = False) -> None:
        """Take the bar away, and leave its last state as a line above the others if wanted."""
        there = not self._closed and self._drawn_in is _region
        self._closed = True
        if self._task is None or _region is None or not there:
            return
        self._update()
        if leave:
            (task,) = (one for one in _region.tasks if one.id == self._task)
            _region.console.print(_region.make_tasks_table([task]))
        _region.remove_task(self._task)
        if _region.task_ids:
            _region.refresh()
        else:
            close_all()

    def _draw(self) -> None:
        global _drawn_at
        now = time.monotonic()
        if not self.shown or self._closed or now < self._from:
            return
        region = _open_region()
        if self._task is None or self._drawn_in is not region:
            self._drawn_in = region
            self._task = region.add_task(
                self._name, total=self._total, completed=self._done, **self._fields
            )
        elif now - _drawn_at < _BETWEEN_S:
            return
        self._update()
        region.refresh()
        _drawn_at = now

    def _update(self) -> None:
        if _region is not None and self._task is not None:
            _region.update(self._task, completed=self._done, total=self._total, **self._fields)


def open_bar(
    name: str,
    *,
    total: int | None,
    done: int = 0,
    unit: str = "",
    timed: bool = True,
    after_s: float = 0.0,
) -> Bar:
    """Return a new bar below those that there are.

    Args:
        name: What stands before it.
        total: How many there are to do; None where nobody knows.
        done: How many are done.
        unit: ``B`` for bytes, or a word for things; empty for what needs none.
        timed: Whether the time that is left stands behind it.
        after_s: It is not drawn before so many seconds are over.
    """
    return Bar(name, total=total, done=done, unit=unit, timed=timed, after_s=after_s)


def write_line(line: str, stream: TextIO) -> None:
    """Write a line: on a terminal wrapped at words, and above the bars, if there are any."""
    shown = terminal.wrapped(line, stream)
    if _region is not None and terminal.is_terminal(stream):
        _region.console.print(shown, soft_wrap=True)
    else:
        stream.write(f"{shown}\n")
        stream.flush()


@contextmanager
def taken_away() -> Iterator[None]:
    """Take bars away that are left where the block ends, as by an error."""
    try:
        yield
    finally:
        close_all()


def close_all() -> None:
    """Take all bars away, as at the end of the process."""
    global _region
    if _region is not None:
        _region.stop()
        _region = None


def _open_region() -> Progress:
    global _region
    if _region is None:
        from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
        from rich.table import Column
        from rich.text import Text

        class Said(ProgressColumn):
            """How much is done, what is left, and what is said."""

            def render(self, task: Task) -> Text:
                room = shown_on.width - len(task.description) - _BESIDE
                return Text(_said(task, room), overflow="ellipsis", no_wrap=True)

        shown_on = terminal.console(sys.stderr)

        _region = Progress(
            TextColumn("{task.description}:", table_column=Column(no_wrap=True)),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(min_width=4, ratio=1)),
            Said(),
            console=shown_on,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            expand=True,
        )
        _region.start()
    return _region


def _said(task: Task, room: int) -> str:
    """Return what stands behind a bar; what does not fit is left out, the last first."""
    done, total = int(task.completed), None if task.total is None else int(task.total)
    if task.fields["unit"] == "B":
        counted = f"{done / 1e6:.1f}" + ("" if total is None else f"/{total / 1e6:.1f}") + " MB"
        counted += f" {task.speed / 1e6:.1f} MB/s" if task.speed else ""
    else:
        counted = " ".join(
            filter(None, [f"{done}/{total}" if total else f"{done}", task.fields["unit"]])
        )
    left = task.time_remaining if task.fields["timed"] and not task.finished else None
    parts = [counted, "" if left is None else f"{duration(left)} left"]
    parts = list(filter(None, [*parts, *task.fields["said"].split(", ")]))
    while len(parts) > 1 and len(", ".join(parts)) > room:
        parts.pop()
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a time as ``h:mm:ss``.

    Example:
        >>> duration(3725)
        '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


atexit.register(close_all)

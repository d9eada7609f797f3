"""Name a process so that a later one can tell whether it has ended; let it keep its garbage."""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def identity() -> str:
    """Return this process as ``HOST/PID/START``, the start in ticks since the machine's."""
    return f"{platform.node()}/{os.getpid()}/{_start(os.getpid())}"


def has_ended(name: str) -> bool:
    """Tell whether a process is known to have ended; one of another machine never is.

    Args:
        name: What :func:`identity` returned in it.
    """
    host, number_text, start = (["", "", "", *name.rsplit("/", 2)])[-3:]
    if host != platform.node() or not number_text.isdecimal():
        return False
    number = int(number_text)
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return bool(start) and _start(number) != start


def _start(number: int) -> str:
    """Return when a process started, which tells it from a later one of its number."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile.

    For work that makes many values and keeps them: looking through them again and again takes as
    long as making them. Best around a whole function, so that its values are gone at its end.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

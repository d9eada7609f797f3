"""Name a process so that a later one can tell if it has ended; keep its memory and garbage."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_INT = 2**31 - 1


def keep_memory() -> None:
    """Let the C library keep freed memory for the next tensors, and not hand it back.

    A training step frees and asks again for the same maps, and each page that comes back from
    the system is a fault that clears it: some 20,000 a step of AWSRN-S, without this. It is done
    where the C library is glibc, as mallopt(3) has it, and nowhere else.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_THRESHOLD, 2**30)
    mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT)


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

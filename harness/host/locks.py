"""A file that only one process at a time holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


@contextmanager
def held(path: Path, *, what: str) -> Iterator[None]:
    """Hold a lock file, which is made with its folder; wait where another process holds it.

    A process that holds it already may take it again.

    Args:
        path: The lock file.
        what: What the other process is doing, for the message while this one waits.

    Raises:
        OSError: The file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("%s by another process; waiting for it", what)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()

"""Where log lines go: to stderr, and to the file of the training or scoring that is going on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from harness.host import bars


class _AboveTheBar(logging.StreamHandler[TextIO]):
    """Write lines above a progress bar, where there is one, instead of into it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            bars.write_line(self.format(record), sys.stderr)
        except Exception:  # as of every handler: a log line must not end the work
            self.handleError(record)


def log_to_stderr(level: int) -> None:
    """Log the harness to stderr, from a level on; other libraries keep their own ways."""
    handler = _AboveTheBar(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger("harness")
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG)
    root.propagate = False
    logging.raiseExceptions = False  # a log file on a full disk must not spoil the screen


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Copy every log line of the harness to a file, appending, while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("harness")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()

"""How much a download may take: bytes of one file, and the room on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.data.fetch.registry import Archive
from harness.errors import DataError

_SPARE = 64 * 2**20
_LIMIT = 64 * 2**30  # bytes of a file of which nobody states the size


def require_space(folder: Path, needed: int) -> None:
    """Make sure that a disk has room for so many bytes.

    Raises:
        DataError: It has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise DataError(
            f"{folder}: expected {_gigabytes(needed + _SPARE)} free on the disk, "
            f"found {_gigabytes(free)}"
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def limit(archive: Archive) -> int:
    """Return how many bytes a download takes at most: its size, or well above the rough one."""
    return archive.size or (2 * archive.about + _SPARE if archive.about else _LIMIT)

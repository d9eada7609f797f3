"""Prepared images in the cache: do they still hold the pixels that they were made with?"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.images import hash_image

log = logging.getLogger(__name__)

INDEX = "index.json"

_checked: set[tuple[str, int, int]] = set()


@dataclass(frozen=True, slots=True)
class CachedSet:
    """A prepared folder.

    Attributes:
        folder: Where it lies.
        problem: What is wrong with it; empty where nothing is.
    """

    folder: Path
    problem: str


def other_pixels(folder: Path, index: Mapping[str, Any]) -> str:
    """Return in words that a prepared folder holds other pixels than its index says.

    Empty where it holds the right ones. A folder is read once in a process, unless it changes.

    Args:
        folder: A prepared folder, its files of the sizes that the index says.
        index: What its index says.

    Raises:
        OSError: A file cannot be read.
    """
    files = [folder / f"{name}.u8" for name in ("hr", "lr")]
    stamps = {(str(path), path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
    if stamps <= _checked:
        return ""
    if _digest(folder, index) != index["sha256"]:
        return "its pixels have another digest than its index says"
    _checked.update(stamps)
    return ""


def is_damaged(folder: Path, index: Mapping[str, Any]) -> bool:
    """Tell, and log, whether a prepared folder holds other pixels than its index says."""
    if problem := other_pixels(folder, index):
        log.warning("%s is damaged (%s); preparing it again", folder, problem)
    return bool(problem)


def check_all(cache: Path) -> Iterator[CachedSet]:
    """Check every prepared folder of a cache, read anew."""
    _checked.clear()
    for path in sorted(cache.glob(f"*/{INDEX}")):
        yield CachedSet(path.parent, _problem(path))


def _problem(path: Path) -> str:
    try:
        index: dict[str, Any] = json.loads(path.read_bytes())
        return other_pixels(path.parent, index)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"it cannot be read: {error}"


def _digest(folder: Path, index: Mapping[str, Any]) -> str:
    """Return the digest of all shapes and pixels, as they were written, image by image."""
    total = hashlib.sha256()
    scale = isqrt(index["hr_bytes"] // index["lr_bytes"]) if index["lr_bytes"] else 1
    with (folder / "hr.u8").open("rb") as hr_file, (folder / "lr.u8").open("rb") as lr_file:
        for entry in index["images"]:
            height, width = entry["height"], entry["width"]
            for stream, times, start in (
                (hr_file, scale, entry["hr_offset"]),
                (lr_file, 1, entry["lr_offset"]),
            ):
                shape = (height * times, width * times, 3)
                stream.seek(start)
                pixels = np.frombuffer(stream.read(int(np.prod(shape))), np.uint8)
                hash_image(total, pixels.reshape(shape))
    return total.hexdigest()

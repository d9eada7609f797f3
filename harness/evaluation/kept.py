"""Images of test sets, kept once they are decoded for what is scored on them next."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.data.catalogue import TestSet
from harness.data.images import is_grey
from harness.data.prepare import load_pair

MOST_BYTES = 2**29
"""Of all that is kept; Set5, Set14 and B100 are 60 MB, Urban100 is 240 MB."""

_SETTLED_S = 2.0
"""Age of a file whose time of change tells it from a later one of its name."""

Stamp = tuple[str, int, int, int, int]
_Of = tuple[str, Path, int]


class Decoded:
    """One image of a set: LR and HR as they are decoded, and what was made of them.

    Attributes:
        lr, hr: 8-bit RGB, ``(H, W, 3)`` and ``(scale H, scale W, 3)``; not to be written to.
    """

    def __init__(self, test: TestSet, index: int, scale: int) -> None:
        """Decode an image of a set.

        Raises:
            DataError: As :func:`harness.data.prepare.load_pair`.
        """
        self.lr, self.hr = load_pair(test, index, scale)
        self._path = test.hr[index]
        self._made: dict[Hashable, NDArray[Any]] = {}
        for image in (self.lr, self.hr):
            image.flags.writeable = False

    @cached_property
    def grey(self) -> bool:
        """Whether the file of HR has one channel."""
        return is_grey(self._path)

    @property
    def nbytes(self) -> int:
        """Bytes of all that it holds."""
        there = list(self._made.values())  # at once: other threads make more meanwhile
        made = sum(image.nbytes for image in there)
        return self.lr.nbytes + self.hr.nbytes + made

    def made(self, key: Hashable, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return what was made of the image under that key; make it where nothing was yet."""
        if key not in self._made:
            made = make()
            made.flags.writeable = False
            self._made[key] = made
        return self._made[key]


class Kept:
    """The images that were decoded last, as many as there is room for.

    Images of a set make room by the release of those of other sets, never of their own: a set
    that is too large would else be released just before it is read again. A file that has
    changed since is decoded anew.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Begin with none."""
        self._most = most_bytes
        self._images: dict[tuple[Hashable, ...], tuple[_Of, Decoded]] = {}

    def get(self, test: TestSet, index: int, scale: int) -> Decoded:
        """Return an image of a set.

        Raises:
            DataError: As :func:`harness.data.prepare.load_pair`.
        """
        stamps = stamps_of(part(test, slice(index, index + 1)))
        if stamps is None:
            return Decoded(test, index, scale)
        key, of = (*stamps, scale), (test.name, test.hr[index].parent, scale)
        if key not in self._images:
            self._images[key] = (of, Decoded(test, index, scale))
        found = self._images[key][1]
        self._make_room(key, of)
        return found

    def _make_room(self, key: tuple[Hashable, ...], of: _Of) -> None:
        total = sum(image.nbytes for _, image in self._images.values())
        others = [other for other, (its, _) in self._images.items() if its != of]
        for released in (*others, key):
            if total <= self._most:
                return
            total -= self._images.pop(released)[1].nbytes


def part(test: TestSet, which: slice) -> TestSet:
    """Return a set of some images of a set."""
    return replace(test, hr=test.hr[which], lr=test.lr[which] if test.lr else None)


def stamps_of(test: TestSet) -> tuple[Stamp, ...] | None:
    """Return by what the files of a set are known: name, number on the disk, size and times.

    None where that tells nothing: a file is not there, or was changed only just now.
    """
    stamps = []
    for path in (*test.hr, *(test.lr or ())):
        stamp = _stamp(path)
        if stamp is None:
            return None
        stamps.append(stamp)
    return tuple(stamps)


def _stamp(path: Path) -> Stamp | None:
    try:
        state = path.stat()
    except OSError:
        return None  # whoever reads it will tell
    if time.time() - state.st_mtime < _SETTLED_S:
        return None
    times = (state.st_mtime_ns, state.st_ctime_ns)  # the second one nobody can set
    return str(path.absolute()), state.st_ino, state.st_size, *times

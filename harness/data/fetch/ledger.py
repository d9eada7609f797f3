"""What a data root is known to hold: a small file in it, ``data-seen.json``.

A part whose pixels no publisher states is recorded when it is first seen, and compared with that
ever after. A part that was checked is remembered with the times of its files, so that a list of
the sets need not decode them all. The file is a convenience: a root that cannot be written works.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from harness.data.fetch.registry import Part
from harness.errors import DataError, HarnessError
from harness.host.files import reason, write_atomic
from harness.host.problems import FormatError
from harness.host.reading import from_json, read_text

log = logging.getLogger(__name__)

FILE = "data-seen.json"


@dataclass(frozen=True, slots=True)
class Sight:
    """A part as it was when it was last checked.

    Attributes:
        digest: Of the whole part, as in ``harness.data.fetch.registry``.
        images: Short hash of each image, by name; empty where pins say it.
        source: Where the files came from; empty where they were found.
        trusted: Whether the source had a hash that its publisher, or a loader in wide use, states.
        stamp: Of the names, sizes and times of the files when they were last checked.
    """

    digest: str
    images: dict[str, str]
    source: str
    trusted: bool
    stamp: str


@dataclass(frozen=True, slots=True)
class Sights:
    """The file.

    Attributes:
        schema: Of this form.
        parts: How each part was seen, by its id.
    """

    schema: Literal[1]
    parts: dict[str, Sight]


class Seen:
    """The earlier checks of one data root, by part."""

    def __init__(self, root: Path) -> None:
        """Read the root's file.

        Raises:
            DataError: It is damaged.
        """
        self._path = root / FILE
        self._sights = _read(self._path)

    def get(self, part: Part) -> Sight | None:
        """Return the last check of a part, None where there was none."""
        return self._sights.get(part.id)

    def put(self, part: Part, sight: Sight) -> None:
        """Write down a check at once; a root that cannot be written is no error."""
        if self._sights.get(part.id) == sight:
            return
        self._sights[part.id] = sight
        sights = Sights(1, dict(sorted(self._sights.items())))
        text = json.dumps(asdict(sights), indent=1)
        try:
            write_atomic(self._path, f"{text}\n")
        except HarnessError as error:
            log.debug("%s", error)


def stamp(files: Iterable[Path]) -> str:
    """Return what changes when a file is added, removed or written.

    Raises:
        DataError: A file cannot be looked at.
    """
    digest = hashlib.sha256()
    for file in files:
        try:
            status = file.stat()
        except OSError as error:
            raise DataError(f"{file}: expected a readable image ({reason(error)})") from error
        digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, Sight]:
    if not os.path.exists(path):
        return {}
    try:
        return from_json(Sights, read_text(path)).parts
    except FormatError as error:
        raise DataError(
            f"{path}: expected the record that harness data keeps ({error}); "
            "move it away to begin a new one"
        ) from error

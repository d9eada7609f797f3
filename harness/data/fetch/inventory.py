"""Which image sets there are, and the state of each under a data root."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.data import catalogue, layout
from harness.data.fetch import advice
from harness.data.fetch.ledger import Seen
from harness.data.fetch.registry import ImageSet, Part, archives, known
from harness.data.fetch.verify import WRONG, Finding, glance
from harness.data.images import is_folder
from harness.data.layout import PURPOSES, NoImagesError, Purpose
from harness.data.naming import SCALES
from harness.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """A set, and what was found of its parts; no findings where there is no root."""

    set: ImageSet
    findings: tuple[Finding, ...]

    @property
    def state(self) -> str:
        """Say in a few words whether it is there and whether it was verified."""
        hr_missing = [
            finding.part.id
            for finding in self.findings
            if not finding.part.scale and finding.status == "missing"
        ]
        if all(finding.status == "missing" or finding.part.scale for finding in self.findings):
            return "absent"
        if bad := [finding for finding in self.findings if finding.status in WRONG]:
            return f"{bad[0].status}: {bad[0].part.id} has {bad[0].found} images"
        if hr_missing:
            return f"incomplete: no {hr_missing[0]}"
        statuses = {finding.status for finding in self.findings}
        if "unchecked" in statuses:
            return "complete, not verified yet"
        return "unverified, as first seen" if "unverified" in statuses else "verified"

    @property
    def is_wanting(self) -> bool:
        """Whether it is absent, or has images that are wrong, or too few; half of DIV2K will do."""
        return self.state == "absent" or any(
            finding.status in WRONG
            or (finding.status == "missing" and not finding.part.scale and finding.part.prefix)
            for finding in self.findings
        )

    @property
    def scales(self) -> tuple[int, ...]:
        """Return the scales whose LR files are there."""
        present = {finding.part.scale for finding in self.findings if finding.status != "missing"}
        return tuple(sorted(present - {0}))


def take_stock(root: Path | None, sets: Sequence[ImageSet] = ()) -> tuple[Standing, ...]:
    """Return the state of sets, by file names and earlier checks.

    Args:
        root: Data root; None where there is none.
        sets: Which; by default all that are known, and the user's own under the root.

    Raises:
        DataError: The root is no folder, or cannot be read.
    """
    if root is None:
        return tuple(Standing(image_set, ()) for image_set in sets or known().values())
    if not is_folder(root):
        raise DataError(
            f"{root}: expected the data root, but there is no such folder; "
            f"`{advice.command(advice.USUAL, root)}` makes one"
        )
    ledger = Seen(root)
    chosen = sets or (*known().values(), *on_disk(root))
    return tuple(
        Standing(image_set, tuple(glance(part, root, ledger) for part in image_set.parts))
        for image_set in chosen
    )


def on_disk(root: Path) -> tuple[ImageSet, ...]:
    """Return the user's own sets, as the catalogue finds them.

    Raises:
        DataError: The root cannot be read.
    """
    by_folder = {
        folder: _own(folder, root, purpose)
        for purpose in PURPOSES
        for name, folder in catalogue.folders(root, purpose).items()
        if name not in known()
    }
    return tuple(by_folder.values())


def _own(folder: Path, root: Path, purpose: Purpose) -> ImageSet:
    parts = []
    for scale in (0, *SCALES):
        look = partial(_look, folder, scale, purpose)
        try:
            places = list(layout.files(folder, scale, purpose))
        except DataError:  # which looking at the part will tell
            places = ["."]
        for number, place in enumerate(places):
            name = f"X{scale}{f':{place}' if number else ''}" if scale else "HR"
            where = (folder / place).relative_to(root).as_posix()
            parts.append(
                Part(folder.name, name, where, images=None, scale=scale, look=partial(look, place))
            )
        if not scale and not _is_readable(parts[0]):
            break
    else:
        for note in layout.passed_over(folder, purpose):
            log.warning("%s", note)
    return ImageSet(folder.name, "your own", "yours to know", "", tuple(parts))


def _is_readable(hr: Part) -> bool:
    with suppress(DataError):
        return bool(hr.look and hr.look())
    return False


def _look(folder: Path, scale: int, purpose: Purpose, place: str) -> dict[str, Path]:
    try:
        return layout.files(folder, scale, purpose).get(place, {})
    except NoImagesError:
        return {}


def as_json(standing: Standing) -> dict[str, Any]:
    """Return all that is known of a set, for machines."""
    image_set = standing.set
    names = dict.fromkeys(name for part in image_set.parts for name in part.archives)
    return {
        "name": image_set.name,
        "what": image_set.what,
        "images": sum(finding.found for finding in standing.findings if not finding.part.scale)
        if any(part.images is None for part in image_set.parts)
        else image_set.images,
        "licence": image_set.licence,
        "home": image_set.home,
        "by_hand": image_set.by_hand,
        "state": standing.state,
        "archives": [
            {
                "name": name,
                "urls": list(archives()[name].urls),
                "bytes": archives()[name].size,
                "hash": ":".join(archives()[name].hashed or ()) or None,
                "source": archives()[name].source,
            }
            for name in names
        ],
        "parts": [
            {
                "part": finding.part.id,
                "folder": finding.part.folder,
                "status": finding.status,
                "found": finding.found,
                "expected": finding.part.images,
            }
            for finding in standing.findings
        ],
    }

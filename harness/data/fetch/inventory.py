"""Which image sets there are, and the state of each under a data root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.fetch.ledger import Seen
from harness.data.fetch.registry import ImageSet, archives, known, on_disk
from harness.data.fetch.verify import WRONG, Finding, glance
from harness.data.images import is_folder
from harness.errors import DataError


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
        raise DataError(f"{root}: expected the data root, but there is no such folder")
    ledger = Seen(root)
    chosen = sets or (*known().values(), *on_disk(root))
    return tuple(
        Standing(image_set, tuple(glance(part, root, ledger) for part in image_set.parts))
        for image_set in chosen
    )


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

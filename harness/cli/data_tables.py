"""The tables of ``harness data``: which sets there are, and whether they are as known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.reports.tables.table import Column, Table, simple

if TYPE_CHECKING:
    from harness.data.cached import CachedSet
    from harness.data.fetch.inventory import Standing
    from harness.data.fetch.registry import ImageSet
    from harness.data.fetch.verify import Finding

_WORDS = {
    "unverified": "unverified: nobody states its pixels; as first seen here",
    "missing": "missing",
}


def sets(standings: Iterable[Standing], title: str) -> Table:
    """Return the sets: what they are, their terms, where from, and whether they are there."""
    columns = (
        Column("set", "set"),
        Column("state", "state", drop=0),
        Column("lr", "LR", drop=2),
        Column("what", "what", drop=1),
        Column("terms", "terms", drop=4),
        Column("from", "from", drop=5),
        Column("home", "home", drop=6),
    )
    rows = (
        (
            one.set.name,
            one.state,
            ", ".join(f"x{scale}" for scale in one.scales),
            one.set.what,
            one.set.licence if one.set.home else None,
            _source(one.set) if one.set.home else None,
            one.set.home,
        )
        for one in standings
    )
    return simple("sets", title, columns, rows)


def _source(image_set: ImageSet) -> str:
    from harness.data.fetch.registry import archives

    names = dict.fromkeys(name for part in image_set.parts for name in part.archives)
    hosts = dict.fromkeys(url.split("/")[2] for name in names for url in archives()[name].urls)
    return ", ".join(hosts) if hosts else f"by hand: {image_set.by_hand}"


def verified(findings: Sequence[Finding], prepared: Iterable[CachedSet], root: Path) -> Table:
    """Return what was found of each part, and of the prepared images in the cache."""
    columns = (
        Column("part", "part"),
        Column("images", "images", "count", drop=1),
        Column("state", "state", drop=0),
        Column("folder", "folder", drop=2),
    )
    rows = [
        (one.part.id, one.found, _state(one), str(_folder(one, root) or "")) for one in findings
    ]
    rows += [("cache", 0, one.problem or "ok", str(one.folder)) for one in prepared]
    problems = (f"{one.part.id}: {problem}" for one in findings for problem in one.problems)
    return simple("verified", "", columns, rows, problems)


def line(finding: Finding, root: Path) -> str:
    """Return what was found of one part, as text."""
    folder = _folder(finding, root)
    where = f": {folder}" if folder else ""
    first = f"{finding.part.id}: {finding.found} images, {_state(finding)}{where}"
    return "\n".join([first, *(f"  - {problem}" for problem in finding.problems)])


def _state(finding: Finding) -> str:
    if finding.status == "missing" and finding.part.scale:
        return "no files; LR is made from HR"
    return _WORDS.get(finding.status, finding.status)


def _folder(finding: Finding, root: Path) -> Path | None:
    from harness.data.fetch.verify import folder_of

    there = finding.status == "ok" and finding.found
    return folder_of(finding.part, root) if there else None

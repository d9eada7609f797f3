"""``harness data``: list, get and verify the image sets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import completion, data_tables
from harness.cli.options import DATA_ROOT, factors
from harness.cli.output import Output, say, table_options
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.data.cached import CachedSet
    from harness.data.fetch.registry import ImageSet
    from harness.data.fetch.verify import Finding


@click.group("data")
def data() -> None:
    """List, get and verify the training and test sets.

    Example: harness data prepare Set5 --data-root ~/sr-data
    """


@data.command("list")
@DATA_ROOT
@table_options
def list_sets(*, root: Path | None, out: Output) -> None:
    """List the sets, and which of them are there.

    What they are, their terms, and where they are from.

    Example: harness data list --format json
    """
    from harness.data.fetch import inventory

    standings = inventory.take_stock(root)
    place = root or "not set (HARNESS_DATA or --data-root)"
    out.show(
        data_tables.sets(standings, f"Data root: {place}"),
        json=lambda: [inventory.as_json(standing) for standing in standings],
    )


@data.command("prepare")
@click.argument("names", nargs=-1, required=True, metavar="SET...", shell_complete=completion.sets)
@DATA_ROOT
@click.option(
    "--from",
    "origins",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Archive or folder of your own to take the images from, instead of downloading.",
)
@click.option(
    "--scale",
    "scales",
    multiple=True,
    metavar="2,3,4",
    default=("2,3,4",),
    show_default="2,3,4",
    shell_complete=completion.scales,
    help="LR files to get, where there are any; none for HR alone (LR is then made from it).",
)
@click.option("--mirror", metavar="URL", help="Folder of the archives, tried first.")
@click.option("--keep", is_flag=True, help="Keep the archives in the root's .downloads.")
@click.option("--yes", is_flag=True, help="Accept the terms without being asked.")
def prepare(
    *,
    names: Sequence[str],
    root: Path | None,
    origins: Sequence[Path],
    scales: Sequence[str],
    mirror: str | None,
    keep: bool,
    yes: bool,
) -> None:
    """Get sets, verify them, and lay them out.

    What is there is not fetched again, and an interrupted download goes on.

    Example: harness data prepare T291 Set5 Set14 B100 --yes
    """
    from harness.data.fetch import install, registry

    order = install.Order(
        sets=registry.named(names),
        root=_required(root),
        scales=_scales(scales),
        origins=tuple(origins),
        mirror=mirror,
        keep=keep,
    )
    todo = install.examine(order)
    for image_set in order.sets:
        say(f"{image_set.name}: {image_set.licence} ({image_set.home})")
    if todo and not origins:
        chosen = install.first_choice(todo)
        gigabytes = sum(archive.about or 0 for archive in chosen) / 1e9
        more = "" if all(archive.about for archive in chosen) else ", some of unknown size"
        say(f"To download: {len(chosen)} archives, {gigabytes:.2f} GB{more}")
        _consent(yes=yes)
    for finding in install.obtain(order, todo):
        say(data_tables.line(finding, order.root))


@data.command("verify")
@click.argument("names", nargs=-1, metavar="[SET]...", shell_complete=completion.sets)
@DATA_ROOT
@table_options
def verify(*, names: Sequence[str], root: Path | None, out: Output) -> None:
    """Compare the pixels of sets with what is known of them.

    Without SET, every set that is there, and the prepared images in the cache. Sets whose pixels
    nobody states are compared with what was first seen. Exit code 1: something differs, or a SET
    is not there.

    Example: harness data verify Set5 Set14
    """
    from harness.data.cached import check_all
    from harness.data.fetch import inventory
    from harness.data.fetch.ledger import Seen
    from harness.data.fetch.verify import WRONG, check, leaks
    from harness.host.paths import cache_folder

    place = _required(root)
    chosen = _present(place, names)
    seen = Seen(place)
    findings: list[Finding] = []
    notes: list[str] = []
    for standing in inventory.take_stock(place, chosen) if chosen else ():
        for part in standing.set.parts:
            finding = check(part, place, seen)
            if part.scale and finding.status == "missing":
                continue
            findings.append(finding)
        notes += leaks(standing.set, place) if standing.state != "absent" else ()
    prepared = [] if names else list(check_all(cache_folder()))
    out.show(
        data_tables.verified(findings, prepared, place),
        json=lambda: [*map(_as_json, findings), *map(_cached_as_json, prepared)],
    )
    for note in notes:
        say(f"Warning: {note}", err=True)
    bad = [
        finding
        for finding in findings
        # Half of DIV2K may be wanted, half of a folder not.
        if finding.status in WRONG
        or (finding.status == "missing" and (names or finding.part.prefix))
    ]
    wrong = [finding.part.id for finding in bad]
    wrong += [f"{one.folder} (remove it)" for one in prepared if one.problem]
    if wrong:
        raise HarnessError(f"not as they should be: {', '.join(wrong)}")
    if not findings:
        raise HarnessError(f"{place}: there is no set to verify; see harness data list")


def _present(root: Path, names: Sequence[str]) -> tuple[ImageSet, ...]:
    """Return the named sets, the user's own among them; without names those that are there."""
    from harness.data.fetch import inventory, registry

    standings = inventory.take_stock(root)
    own = {
        standing.set.name: standing.set
        for standing in standings
        if standing.set.name not in registry.known()
    }
    if names:
        chosen = [own[name] if name in own else registry.named([name])[0] for name in names]
        return tuple({image_set.name: image_set for image_set in chosen}.values())
    return tuple(standing.set for standing in standings if standing.state != "absent")


def _required(root: Path | None) -> Path:
    if root is None:
        raise UsageError("expected a data root: set HARNESS_DATA, or name one by --data-root")
    return root.expanduser()


def _scales(texts: Sequence[str]) -> tuple[int, ...]:
    if [text.strip().lower() for text in texts] in (["none"], [""]):
        return ()
    from harness.data.naming import SCALES

    found = factors(texts)
    if not set(found) <= set(SCALES):
        known = ",".join(map(str, SCALES))
        raise UsageError(f"--scale: expected some of {known}, or none; not {','.join(texts)}")
    return tuple(sorted(found))


def _consent(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("say --yes to accept the terms above and to download")
    click.confirm("Download on these terms?", abort=True)


def _cached_as_json(one: CachedSet) -> dict[str, Any]:
    return {
        "part": f"cache/{one.folder.name}",
        "status": "differs" if one.problem else "ok",
        "problems": [one.problem] if one.problem else [],
    }


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "part": finding.part.id,
        "status": finding.status,
        "found": finding.found,
        "expected": finding.part.images,
        "problems": list(finding.problems),
    }

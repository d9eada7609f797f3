"""Get image sets: from their addresses or the user's own files, checked, into the data root."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from harness.data.fetch.archives import is_archive
from harness.data.fetch.download import (
    PATIENT,
    DownloadError,
    Patience,
    download,
    mismatch,
)
from harness.data.fetch.ledger import Seen
from harness.data.fetch.matching import Intake, place, staging
from harness.data.fetch.registry import Archive, ImageSet, Part, archives
from harness.data.fetch.room import require_space
from harness.data.fetch.verify import WRONG, Finding, check, exclude_file, glance, leaks
from harness.data.images import list_folder
from harness.errors import DataError, UsageError
from harness.host.files import reason, write_atomic

log = logging.getLogger(__name__)

WORKPLACE = ".downloads"
"""Folder below the data root for what is on its way."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to get.

    Attributes:
        sets: The sets.
        root: Data root; made when missing.
        scales: Of the LR files to get, where a source has them.
        origins: Files and folders of the user; nothing is downloaded where there are any.
        mirror: Address of a folder that is tried before the known ones.
        keep: Whether archives are kept after they were unpacked.
    """

    sets: tuple[ImageSet, ...]
    root: Path
    scales: tuple[int, ...] = (2, 3, 4)
    origins: tuple[Path, ...] = ()
    mirror: str | None = None
    keep: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the wanted parts, in order."""
        wanted = {0, *self.scales}
        return tuple(
            part for image_set in self.sets for part in image_set.parts if part.scale in wanted
        )


def examine(order: Order) -> tuple[Part, ...]:
    """Return the parts that are still needed, after all checks that need no download.

    Raises:
        UsageError: A set cannot be downloaded, a file of the user does not exist, or the
            mirror is no web address.
        DataError: What is there differs from what it should be, or the root cannot be read.
    """
    if order.mirror is not None and not order.mirror.startswith(("http://", "https://")):
        raise UsageError(f"expected an http or https address, not {order.mirror!r}")
    for origin in order.origins:
        if not origin.exists():
            raise UsageError(f"{origin}: expected an archive or a folder, but there is none")
    ledger = Seen(order.root)
    todo = []
    for part in order.parts:
        finding = glance(part, order.root, ledger)
        if finding.status == "unchecked":
            finding = check(part, order.root, ledger)
        if finding.status == "differs":
            raise DataError(
                f"{part.id} differs from what it should be; move it away to get it anew:\n"
                + "\n".join(f"  - {problem}" for problem in finding.problems[:5])
            )
        if finding.status not in ("ok", "unverified"):
            todo.append(part)
    for image_set in order.sets:
        if image_set.by_hand and not order.origins and _lacks_hr(image_set, todo):
            raise UsageError(
                f"{image_set.name} cannot be downloaded: {image_set.by_hand} ({image_set.home})"
            )
    return tuple(todo)


def first_choice(todo: Sequence[Part]) -> tuple[Archive, ...]:
    """Return the archives that are fetched for some parts when nothing goes wrong."""
    names = dict.fromkeys(part.archives[0] for part in todo if part.archives)
    return tuple(archives()[name] for name in names)


def obtain(
    order: Order, todo: Sequence[Part], *, patience: Patience = PATIENT
) -> tuple[Finding, ...]:
    """Get the missing parts, and return the state of every part of the order afterwards.

    A part is laid out when all of its images are there, in one step where its folder is new.
    Complete parts stay, even if others fail.

    Args:
        order: What to get.
        todo: Result of ``examine``.
        patience: How long to wait for servers.

    Raises:
        DataError: HR images of a set could not be got; says why, source by source. Also when
            the disk is full or cannot be written, or another process is at work there.
    """
    problems: list[str] = []
    if todo:
        with _workplace(order.root) as home:
            job = _Job(order, list(todo), home, patience, problems)
            job.from_origins() if order.origins else job.from_addresses()
            todo = job.todo
    ledger = Seen(order.root)
    for image_set in order.sets:
        if image_set.exclude and any(part not in todo for part in image_set.parts):
            _list_leaks(image_set, order.root)
    if any(_lacks_hr(image_set, todo) for image_set in order.sets):
        lacking = ", ".join(part.id for part in todo if not part.scale)
        raise DataError("\n".join([f"could not get {lacking}", *_shorten(problems)]))
    for problem in problems if todo else ():  # some LR is lacking
        log.warning("%s", problem.strip())
    return tuple(glance(part, order.root, ledger) for part in order.parts)


class _Job:
    """One order on its way."""

    def __init__(
        self,
        order: Order,
        todo: list[Part],
        home: Path,
        patience: Patience,
        problems: list[str],
    ) -> None:
        self.order = order
        self.todo = todo
        self.home = home
        self.patience = patience
        self.problems = problems

    def from_origins(self) -> None:
        """Take what the user's files have; a known archive must be what its name says."""
        with self._intake(self.todo) as intake:
            trusted = True
            for origin in _expand(self.order.origins):
                archive = archives().get(origin.name)
                if archive is not None and (problem := mismatch(origin, archive)):
                    self.problems.append(f"  - {origin}: {problem}")
                    continue
                trusted = trusted and archive is not None and archive.hashed is not None
                self._take(intake, origin)
            self._place(intake, "the user's files", trusted=trusted)

    def from_addresses(self) -> None:
        """Fetch archive after archive until nothing is lacking or nothing is left to try."""
        sizes = [archive.about or 0 for archive in first_choice(self.todo)]
        # Images take as much room as the archives; of these one is there at a time.
        require_space(self.home, sum(sizes) * (2 if self.order.keep else 1) + max(sizes, default=0))
        tried: set[str] = set()
        for archive in self._archives(tried):
            tried.add(archive.name)
            try:
                path = download(archive, self.home, patience=self.patience)
            except DownloadError as error:
                self.problems.append("  - " + str(error).replace("\n", "\n    "))
                continue
            parts = [part for part in self.todo if archive.name in part.archives]
            with self._intake(parts) as intake:
                whole = self._take(intake, path)
                self._place(intake, archive.name, trusted=archive.hashed is not None)
            if not (self.order.keep and whole):
                path.unlink(missing_ok=True)

    def _archives(self, tried: set[str]) -> Iterator[Archive]:
        while True:
            lost = {part.set for part in self.todo if not part.scale}
            names = (
                name
                for part in self.todo
                for name in part.archives
                # Without HR its LR is of no use.
                if name not in tried and not (part.scale and part.set in lost)
            )
            name = next(names, None)
            if name is None:
                return
            archive = archives()[name]
            if self.order.mirror is not None:
                own = f"{self.order.mirror.rstrip('/')}/{name}"
                archive = replace(archive, urls=(own, *archive.urls))
            yield archive

    @contextmanager
    def _intake(self, parts: Sequence[Part]) -> Iterator[Intake]:
        with staging(self.home) as folder:
            yield Intake(parts, self.order.root, folder)

    def _take(self, intake: Intake, source: Path) -> bool:
        """Collect from a source; tell whether it could be read."""
        log.info("looking through %s", source)
        try:
            intake.take(source)
        except DataError as error:
            self.problems.append(f"  - {error}")
            return False
        return True

    def _place(self, intake: Intake, source: str, *, trusted: bool) -> None:
        """Lay out what is complete, check it there, and note what is not complete."""
        seen = Seen(self.order.root)
        for part, folder in list(intake.complete()):
            place(part, folder, self.order.root)
            finding = check(part, self.order.root, seen, source=source, trusted=trusted)
            self.problems += [f"  - {problem}" for problem in finding.problems]
            if finding.status not in WRONG:
                self.todo.remove(part)
                log.info("%s: %d images", part.id, finding.found)
        self.problems += [
            f"  - {source}: {part.id} lacks {what}" for part, what in intake.lacking()
        ]
        self.problems += [f"  - {problem}" for problem in intake.problems]


def _lacks_hr(image_set: ImageSet, todo: Sequence[Part]) -> bool:
    return any(part.set == image_set.name and not part.scale for part in todo)


def _expand(origins: Sequence[Path]) -> Iterator[Path]:
    """Yield the origins, and the archives that lie directly in those that are folders."""
    for origin in origins:
        if origin.is_dir():
            yield from (path for path in list_folder(origin) if path.is_file() and is_archive(path))
        yield origin


def _list_leaks(image_set: ImageSet, root: Path) -> None:
    """Add to EXCLUDE.txt what must not be trained on."""
    if not leaks(image_set, root):
        return
    path = exclude_file(root)
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
    listed = {line.partition("#")[0].strip() for line in text.splitlines()}
    lines = [
        f"{image_set.name}/{file}  # {why}\n"
        for file, why in (image_set.exclude or {}).items()
        if f"{image_set.name}/{file}" not in listed
    ]
    gap = "\n" if text and not text.endswith("\n") else ""
    write_atomic(path, (text + gap + "".join(lines)).encode("utf-8", "surrogateescape"))


def _shorten(problems: Sequence[str], shown: int = 12) -> list[str]:
    more = len(problems) - shown
    return [*problems[:shown], *([f"  - and {more} more"] if more > 0 else [])]


@contextmanager
def _workplace(root: Path) -> Iterator[Path]:
    """Give the folder for downloads in progress; only one process at a time may use it."""
    home = root / WORKPLACE
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "lock", timeout=0):
            try:
                yield home
            finally:
                (home / "lock").unlink(missing_ok=True)
                with suppress(OSError):  # not empty: an unfinished download is in it
                    home.rmdir()
    except Timeout as error:
        raise DataError(f"{home}: another harness data prepare is at work there") from error
    except OSError as error:
        raise DataError(f"{home}: cannot be written ({reason(error)})") from error

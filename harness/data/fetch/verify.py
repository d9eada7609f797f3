"""Check that the images of a set are those they should be, by their decoded pixels.

Files that were packed anew, into another format or by another program, stay the same images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from harness.data.fetch.ledger import Seen, Sight, stamp
from harness.data.fetch.registry import SHORT, ImageSet, Part
from harness.data.images import hash_image, is_folder, list_images, read_rgb
from harness.errors import DataError
from harness.host.progress import Transfer

PartStatus = Literal["ok", "unverified", "unchecked", "differs", "incomplete", "missing"]

WRONG: frozenset[PartStatus] = frozenset({"differs", "incomplete"})
"""Statuses of parts that must not be scored or trained on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part.

    Attributes:
        part: The part.
        status: ``ok``: equal to what is known of it. ``unverified``: nobody states its pixels;
            equal to those first seen. ``unchecked``: all there, but not looked into since it
            changed. ``differs``: other pixels or more files. ``incomplete``: files are missing.
        found: Number of images that are there.
        problems: What differs, file by file.
    """

    part: Part
    status: PartStatus
    found: int
    problems: tuple[str, ...] = ()


def pixel_hash(image: NDArray[Any], part: Part) -> str:
    """Return the SHA-256 of an image's shape and pixels, (H, W, 3), as the part defines it."""
    digest = hashlib.sha256()
    sides = part.first_sides
    hash_image(digest, image if sides is None else image[:sides, :sides])
    return digest.hexdigest()


def part_digest(hashes: Mapping[str, str]) -> str:
    """Return the digest of a part from the full hash of each image by name."""
    lines = "".join(f"{name} {value}\n" for name, value in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def files_of(part: Part, root: Path) -> dict[str, Path]:
    """Return the files of a part that are there, by name without suffix, sorted.

    Raises:
        DataError: The folder cannot be read, or holds two images of one name.
    """
    if part.look is not None:
        return dict(part.look())
    folder = folder_of(part, root)
    if not is_folder(folder):
        return {}
    return {
        path.stem: path for path in list_images(folder) if path.stem.startswith(part.prefix or "")
    }


def folder_of(part: Part, root: Path) -> Path:
    """Return where a part lies: published sets may also lie below ``ROOT/train``."""
    home = part.folder.partition("/")[0]
    below_train = is_folder(root / "train" / home) and not is_folder(root / home)
    return root / "train" / part.folder if below_train else root / part.folder


def glance(part: Part, root: Path, ledger: Seen) -> Finding:
    """Judge a part by its file names and earlier checks, without decoding anything.

    Raises:
        DataError: The folder or a file cannot be read.
    """
    try:
        files = files_of(part, root)
    except DataError as error:
        return _unreadable(part, error)
    early = _by_names(part, files)
    if early is not None:
        return early
    sight = ledger.get(part)
    if sight is None or sight.stamp != stamp(files.values()):
        return Finding(part, "unchecked", len(files))
    return Finding(part, _rank(part, sight), len(files))


def check(
    part: Part, root: Path, ledger: Seen, *, source: str = "", trusted: bool = False
) -> Finding:
    """Decode all images of a part and compare their pixels; record the part if they are right.

    Args:
        part: What to check.
        root: Data root.
        ledger: Earlier checks of that root; updated.
        source: Where the files have just come from, if they have.
        trusted: Whether that source was verified itself.

    Raises:
        DataError: The folder cannot be read.
    """
    try:
        files = files_of(part, root)
    except DataError as error:
        return _unreadable(part, error)
    hashes, problems = _hash_all(part, files)
    early = _by_names(part, files)
    before = ledger.get(part)
    if trusted and before and not before.trusted:
        before = None  # what was merely seen first gives way to a source that is verified
    pins = part.pins or (before.images if before else {})
    problems += [
        f"{files[name]}: expected pixels of SHA-256 {pins[name]}.., found {value[:SHORT]}.."
        for name, value in hashes.items()
        if name in pins and not value.startswith(pins[name])
    ]
    if early is not None:
        return Finding(part, early.status, len(files), (*early.problems, *problems))
    problems += [
        f"{files[name]}: expected no such image" for name in hashes if pins and name not in pins
    ]
    problems += [
        f"{folder_of(part, root)}: expected {name}, but it is gone"
        for name in pins
        if name not in files
    ]
    digest = part_digest(hashes)
    expected = part.digest or (before.digest if before else digest)
    if problems or digest != expected:
        return Finding(part, "differs", len(files), tuple(problems))
    sight = Sight(
        digest=digest,
        images={} if part.pins else {name: value[:SHORT] for name, value in hashes.items()},
        source=source or (before.source if before else ""),
        trusted=trusted or bool(before and before.trusted),
        stamp=stamp(files.values()),
    )
    ledger.put(part, sight)
    return Finding(part, _rank(part, sight), len(files))


def _unreadable(part: Part, error: DataError) -> Finding:
    """Return what is said of a set of the user's own whose files are not clear.

    Raises:
        DataError: The set is no user's.
    """
    if part.look is None:
        raise error
    return Finding(part, "differs", 0, (str(error),))


def leaks(image_set: ImageSet, root: Path) -> tuple[str, ...]:
    """Return what the root's EXCLUDE.txt should list of a set and does not, with the reasons."""
    listed = exclude_file(root)
    text = listed.read_text(encoding="utf-8", errors="replace") if listed.is_file() else ""
    lines = {line.partition("#")[0].strip() for line in text.splitlines()}
    return tuple(
        f"{listed}: expected the line {image_set.name}/{file}: {why}"
        for file, why in (image_set.exclude or {}).items()
        if f"{image_set.name}/{file}" not in lines
    )


def exclude_file(root: Path) -> Path:
    """Return the list of training images that are left out."""
    return root / "train" / "EXCLUDE.txt"


def _by_names(part: Part, files: Mapping[str, Path]) -> Finding | None:
    """Judge a part by the names of its files; None where the names are as expected."""
    if not files:
        return Finding(part, "missing", 0)
    missing = [name for name in part.names if name not in files]
    if missing:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        return Finding(part, "incomplete", len(files), (f"{part.id} lacks {shown}",))
    expected = part.images
    if expected is not None and len(files) < expected:
        problem = f"{part.id}: expected {expected} images, found {len(files)}"
        return Finding(part, "incomplete", len(files), (problem,))
    if expected is not None and len(files) > expected:
        extra = [str(path) for name, path in files.items() if name not in part.names]
        problem = f"{part.id}: expected {expected} images, found {len(files)}"
        more = f", among them {extra[0]}" if part.names and extra else ""
        return Finding(part, "differs", len(files), (problem + more,))
    return None


def _hash_all(part: Part, files: Mapping[str, Path]) -> tuple[dict[str, str], list[str]]:
    """Return the full hash of each image, and what is wrong with those that have none."""
    hashes: dict[str, str] = {}
    problems: list[str] = []
    bar = Transfer(part.id, total=len(files), unit="images")
    try:
        for name, path in files.items():
            try:
                hashes[name] = pixel_hash(read_rgb(path), part)
            except DataError as error:
                problems.append(str(error))
            bar.advance()
    finally:
        bar.close()
    return hashes, problems


def _rank(part: Part, sight: Sight) -> PartStatus:
    return "ok" if part.digest or sight.trusted else "unverified"

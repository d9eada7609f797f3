"""The image sets that can be fetched: where from, on which terms, and what they must hold.

The facts lie beside this module. ``sets.json`` has the archives (addresses, sizes and hashes as
their publishers or widely used loaders state them) and the sets, each in parts: one folder of
images each. ``pins.csv`` has, for parts whose pixels are known, the leading 16 digits of the
SHA-256 of every image's shape and RGB pixels (``harness.data.images.hash_image``). A part's
``digest`` is that of all its lines ``NAME SHA256``, sorted by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from harness.errors import UsageError, suggest
from harness.host.reading import from_csv, from_json

SHORT = 16
"""Digits of an image's hash that are kept."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A file to download.

    Attributes:
        name: Its file name.
        urls: Addresses of the same bytes, tried in order.
        size: In bytes, exactly; None where nobody states it.
        about: Approximate size in bytes, to check the free space of the disk.
        hashed: Algorithm and hex digest; None where nobody states one.
        source: Who states address, size and hash.
    """

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    about: int | None = None
    hashed: tuple[str, str] | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of images of a set, or those in a folder that share a prefix.

    Attributes:
        set: Name of the set.
        name: Such as ``HR`` or ``X2``.
        folder: Below the data root, with ``/``.
        images: How many there must be; None for any number.
        scale: Of LR; 0 for HR.
        names: Names of the images without suffix; empty where they are not known.
        prefix: Of the names in the folder.
        within: How the paths of its folders in archives end, best first.
        archives: Names of the archives that hold it, best first.
        pins: Short hash of each image by name; empty where the pixels are not known.
        digest: Of the whole part; empty where the pixels are not known.
        first_sides: Only so many rows and columns are hashed; None for all. Copies of B100
            differ in whether the last row or column of 481 is there.
        look: Finds the files by name, for a set of the user's own; None where they are those
            in the folder.
    """

    set: str
    name: str
    folder: str
    images: int | None
    scale: int = 0
    names: tuple[str, ...] = ()
    prefix: str = ""
    within: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    pins: Mapping[str, str] | None = None
    digest: str = ""
    first_sides: int | None = None
    look: Callable[[], Mapping[str, Path]] | None = None

    @property
    def id(self) -> str:
        """Return ``SET/NAME``."""
        return f"{self.set}/{self.name}"


@dataclass(frozen=True, slots=True)
class ImageSet:
    """An image set.

    Attributes:
        name: As in its folder's name.
        what: What it is, in one line.
        licence: Its terms, in one line.
        home: Page with the terms, or of who distributes it.
        parts: HR before the LR made of it.
        aliases: Other names.
        by_hand: Why the user must get the files, and how; empty where they are downloaded.
        exclude: Files that must not be trained on, and why.
    """

    name: str
    what: str
    licence: str
    home: str
    parts: tuple[Part, ...]
    aliases: tuple[str, ...] = ()
    by_hand: str = ""
    exclude: Mapping[str, str] | None = None

    @property
    def images(self) -> int:
        """Return the number of HR images."""
        return sum(part.images or 0 for part in self.parts if not part.scale)


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What ``sets.json`` says of an archive.

    Attributes:
        urls: Addresses of the same bytes, tried in order.
        source: Who states address, size and hash.
        bytes: Its size, exactly; None where nobody states it.
        about_bytes: Its size, roughly.
        sha256: Of its bytes, in hex.
        md5: The same, where there is no better one.
    """

    urls: tuple[str, ...]
    source: str
    bytes: int | None = None
    about_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None

    def archive(self, name: str) -> Archive:
        """Return the archive of that name."""
        hashes = (("sha256", self.sha256), ("md5", self.md5))
        hashed = next(((kind, digest) for kind, digest in hashes if digest), None)
        about = self.bytes or self.about_bytes
        return Archive(name, self.urls, self.bytes, about, hashed, self.source)


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What ``sets.json`` says of a part; fields that :class:`Part` has too are as there.

    Attributes:
        numbered: Form of the images' names, for a number; empty where pins name them, or nobody.
        first: The first number.
    """

    name: str
    folder: str
    images: int
    within: tuple[str, ...]
    archives: tuple[str, ...]
    scale: int = 0
    prefix: str = ""
    digest: str = ""
    first_sides: int | None = None
    numbered: str = ""
    first: int = 0

    def part(self, owner: str, pins: Mapping[str, Mapping[str, str]]) -> Part:
        """Return the part of that set, with its pins if it has some."""
        own_pins = pins.get(f"{owner}/{self.name}")
        names: tuple[str, ...] = tuple(own_pins or ())
        if self.numbered:
            numbers = range(self.first, self.first + self.images)
            suffix = f"x{self.scale}" if self.scale else ""
            names = tuple(self.numbered.format(number) + suffix for number in numbers)
        return Part(
            set=owner,
            name=self.name,
            folder=self.folder,
            images=self.images,
            scale=self.scale,
            names=names,
            prefix=self.prefix,
            within=self.within,
            archives=self.archives,
            pins=own_pins,
            digest=self.digest,
            first_sides=self.first_sides,
        )


@dataclass(frozen=True, slots=True)
class SetFacts:
    """What ``sets.json`` says of a set; the fields are as those of :class:`ImageSet`."""

    what: str
    licence: str
    home: str
    parts: tuple[PartFacts, ...]
    aliases: tuple[str, ...] = ()
    by_hand: str = ""
    exclude: dict[str, str] = field(default_factory=dict)

    def image_set(self, name: str, pins: Mapping[str, Mapping[str, str]]) -> ImageSet:
        """Return the set of that name."""
        return ImageSet(
            name=name,
            what=self.what,
            licence=self.licence,
            home=self.home,
            parts=tuple(part.part(name, pins) for part in self.parts),
            aliases=self.aliases,
            by_hand=self.by_hand,
            exclude=self.exclude or None,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """The file ``sets.json``: archives and sets by name."""

    archives: dict[str, ArchiveFacts]
    sets: dict[str, SetFacts]


@dataclass(frozen=True, slots=True)
class Pin:
    """A line of ``pins.csv``: the short hash of an image of a part."""

    part: str
    image: str
    sha256: str


@cache
def archives() -> Mapping[str, Archive]:
    """Return the archives by name."""
    return {name: facts.archive(name) for name, facts in _facts().archives.items()}


@cache
def known() -> Mapping[str, ImageSet]:
    """Return the sets that can be fetched, by name."""
    pins: dict[str, dict[str, str]] = {}
    for _, pin in from_csv(Pin, _shipped("pins.csv")):
        pins.setdefault(pin.part, {})[pin.image] = pin.sha256
    return {name: facts.image_set(name, pins) for name, facts in _facts().sets.items()}


def named(names: Iterable[str]) -> tuple[ImageSet, ...]:
    """Return known sets by name or alias, each once.

    Raises:
        UsageError: A name is not known.
    """
    aliases = {
        alias: image_set.name for image_set in known().values() for alias in image_set.aliases
    }
    chosen: dict[str, ImageSet] = {}
    for name in names:
        image_set = known().get(aliases.get(name, name))
        if image_set is None:
            raise UsageError(f"unknown data set {name!r}{suggest(name, known())}")
        chosen[image_set.name] = image_set
    return tuple(chosen.values())


@cache
def _facts() -> Facts:
    return from_json(Facts, _shipped("sets.json"))


def _shipped(name: str) -> str:
    return files("harness.data.fetch").joinpath(name).read_text(encoding="utf-8")

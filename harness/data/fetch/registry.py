"""The image sets that can be fetched: where from, on which terms, and what they must hold.

The facts lie beside this module. ``sets.json`` has the archives (addresses, sizes and hashes as
their publishers or widely used loaders state them) and the sets, each in parts: one folder of
images each. ``pins.csv`` has, for parts whose pixels are known, the leading 16 digits of the
SHA-256 of every image's shape and RGB pixels (``harness.data.images.hash_image``). A part's
``digest`` is that of all its lines ``NAME SHA256``, sorted by name.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.data.images import is_folder, list_folder
from harness.errors import UsageError, suggest

SHORT = 16
"""Digits of an image's hash that are kept."""

_LR_SCALES = (2, 3, 4, 8)


@dataclass(frozen=True, slots=True)
class Archive:
    """A file to download.

    Attributes:
        name: Its file name.
        urls: Addresses of the same bytes, tried in order.
        size: In bytes, exactly; None where nobody states it.
        about: In bytes, roughly; for the check of the disk.
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
        images: How many there must be; None where anything goes.
        scale: Of LR; 0 for HR.
        names: Names of the images without suffix; empty where they are not known.
        prefix: Of the names in the folder.
        within: Ends of the folder paths that hold the images in archives, best first.
        archives: Names of the archives that hold it, best first.
        pins: Short hash of each image by name; empty where the pixels are not known.
        digest: Of the whole part; empty where the pixels are not known.
        first_sides: Only so many rows and columns are hashed; None for all. Copies of B100
            differ in whether the last row or column of 481 is there.
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

    @property
    def id(self) -> str:
        """Return ``SET/NAME``."""
        return f"{self.set}/{self.name}"


@dataclass(frozen=True, slots=True)
class ImageSet:
    """An image set.

    Attributes:
        name: As in its folder's name.
        what: One line.
        licence: Its terms, in one line.
        home: Page with the terms, or of who distributes it.
        parts: HR before the LR made of it.
        aliases: Other names.
        by_hand: Why and how its files must be got by the user; empty where they are fetched.
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


@cache
def archives() -> Mapping[str, Archive]:
    """Return the archives by name."""
    return {name: _archive(name, one) for name, one in _facts()["archives"].items()}


@cache
def known() -> Mapping[str, ImageSet]:
    """Return the sets that can be fetched, by name."""
    pins: dict[str, dict[str, str]] = {}
    text = files("harness.data.fetch").joinpath("pins.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        pins.setdefault(row["part"], {})[row["image"]] = row["sha256"]
    return {name: _set(name, one, pins) for name, one in _facts()["sets"].items()}


def named(names: Iterable[str]) -> tuple[ImageSet, ...]:
    """Return known sets by name or alias, each once.

    Raises:
        UsageError: A name is not known.
    """
    aliases = {alias: one.name for one in known().values() for alias in one.aliases}
    chosen: dict[str, ImageSet] = {}
    for name in names:
        one = known().get(aliases.get(name, name))
        if one is None:
            raise UsageError(f"unknown data set {name!r}{suggest(name, known())}")
        chosen[one.name] = one
    return tuple(chosen.values())


def on_disk(root: Path) -> tuple[ImageSet, ...]:
    """Return the user's own sets: folders laid out as the known ones, under other names.

    Raises:
        DataError: A folder cannot be read.
    """
    found = []
    for home in ("benchmark", "train"):
        folders = list_folder(root / home) if is_folder(root / home) else ()
        for folder in folders:
            if is_folder(folder) and folder.name not in known():
                found.append(_own(folder, f"{home}/{folder.name}"))
    return tuple(found)


def _own(folder: Path, place: str) -> ImageSet:
    inside = f"{place}/HR" if is_folder(folder / "HR") else place
    parts = [Part(set=folder.name, name="HR", folder=inside, images=None)]
    for scale in _LR_SCALES:
        if is_folder(folder / "LR_bicubic" / f"X{scale}"):
            lr = f"{place}/LR_bicubic/X{scale}"
            parts.append(Part(folder.name, f"X{scale}", lr, images=None, scale=scale))
    return ImageSet(folder.name, "your own", "yours to know", "", tuple(parts))


@cache
def _facts() -> dict[str, Any]:
    text = files("harness.data.fetch").joinpath("sets.json").read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts


def _archive(name: str, facts: dict[str, Any]) -> Archive:
    hashed = next(((kind, facts[kind]) for kind in ("sha256", "md5") if kind in facts), None)
    size = facts.get("bytes")
    about = size or facts.get("about_bytes")
    return Archive(name, tuple(facts["urls"]), size, about, hashed, facts["source"])


def _set(name: str, facts: dict[str, Any], pins: Mapping[str, Mapping[str, str]]) -> ImageSet:
    return ImageSet(
        name=name,
        what=facts["what"],
        licence=facts["licence"],
        home=facts["home"],
        parts=tuple(_part(name, part, pins) for part in facts["parts"]),
        aliases=tuple(facts.get("aliases", ())),
        by_hand=facts.get("by_hand", ""),
        exclude=facts.get("exclude"),
    )


def _part(owner: str, facts: dict[str, Any], pins: Mapping[str, Mapping[str, str]]) -> Part:
    scale = facts.get("scale", 0)
    own_pins = pins.get(f"{owner}/{facts['name']}")
    names: tuple[str, ...] = tuple(own_pins or ())
    if "numbered" in facts:
        numbers = range(facts["first"], facts["first"] + facts["images"])
        suffix = f"x{scale}" if scale else ""
        names = tuple(facts["numbered"].format(number) + suffix for number in numbers)
    return Part(
        set=owner,
        name=facts["name"],
        folder=facts["folder"],
        images=facts["images"],
        scale=scale,
        names=names,
        prefix=facts.get("prefix", ""),
        within=tuple(facts["within"]),
        archives=tuple(facts["archives"]),
        pins=own_pins,
        digest=facts.get("digest", ""),
        first_sides=facts.get("first_sides"),
    )

"""Find the images of sets in whatever archive or folder they come, and lay them out.

Archives name and sort the same images differently. Where a part's pixels are known, its images
are recognised by them, whatever they are called; elsewhere by folder and name.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.data.fetch import archives
from harness.data.fetch.registry import SHORT, Part
from harness.data.fetch.verify import files_of, folder_of, pixel_hash
from harness.data.images import is_grey, read_rgb
from harness.errors import DataError
from harness.host.progress import Transfer

_PNG = b"\x89PNG\r\n\x1a\n"


class Intake:
    """Images of some parts, collected in a staging folder on the data root's disk.

    Attributes:
        problems: What was wrong with images that seemed to belong to a part.
    """

    def __init__(self, parts: Sequence[Part], root: Path, staging: Path) -> None:
        """Start with the images that lie under the root already."""
        self.problems: list[str] = []
        self._root = root
        self._staging = staging
        self._shelves = [_Shelf(part, root, staging / str(n)) for n, part in enumerate(parts)]

    def take(self, source: Path) -> None:
        """Collect the images of the parts from an archive or a folder.

        Raises:
            DataError: The source cannot be read or is unsafe.
        """
        begun = self._scan(source, self._shelves, by_name=True)
        # No folder bears the name of the set: look at the pixels of everything.
        unnamed = [shelf for shelf in self._shelves if shelf.part.pins and shelf not in begun]
        if unnamed and any(shelf.missing() for shelf in unnamed):
            self._scan(source, unnamed, by_name=False)

    def complete(self) -> Iterator[tuple[Part, Path]]:
        """Yield the parts that were completed, with the folders of their images."""
        for shelf in self._shelves:
            if shelf.images and not shelf.missing():
                yield shelf.part, shelf.folder

    def lacking(self) -> Iterator[tuple[Part, str]]:
        """Yield the parts that were begun and not completed, and what they lack."""
        for shelf in self._shelves:
            if (shelf.images or shelf.strange) and (missing := shelf.missing()):
                also = f"; of other pixels: {shelf.strange[0]} and so on" if shelf.strange else ""
                yield shelf.part, missing + also

    def _scan(self, source: Path, shelves: Sequence[_Shelf], *, by_name: bool) -> list[_Shelf]:
        """Read a source once; return the parts that some image of it seemed to belong to."""
        begun: list[_Shelf] = []

        def wanted(path: PurePosixPath) -> bool:
            return any(shelf.wants(path, by_name=by_name) for shelf in shelves)

        bar = Transfer(source.name, total=None, unit="images")
        try:
            for path, content in archives.images(source, wanted):
                takers = [shelf for shelf in shelves if shelf.wants(path, by_name=by_name)]
                begun += [shelf for shelf in takers if shelf not in begun]
                incoming = self._staging / f"incoming{path.suffix.lower()}"
                try:
                    _sort_in(path, content, incoming, takers)
                except DataError as error:
                    if not by_name:
                        continue  # it may belong to none of the parts
                    self.problems.append(str(error).replace(str(incoming), f"{source}: {path}"))
                bar.advance()
        finally:
            bar.close()
        return begun


def _sort_in(
    path: PurePosixPath, content: bytes, incoming: Path, shelves: Sequence[_Shelf]
) -> None:
    """Add an image to every part it belongs to; it is decoded even if it belongs to none."""
    incoming.write_bytes(content)
    pixels = read_rgb(incoming)
    if not content.startswith(_PNG):
        content = _as_png(pixels[..., 0] if is_grey(incoming) else pixels)
    for shelf in shelves:
        rank, names = shelf.places(path, pixels)
        if not names and shelf.is_named(path):
            shelf.strange.append(f"{path.name} ({pixels.shape[1]}x{pixels.shape[0]})")
        for name in names:
            shelf.put(name, rank, path, content, pixels)


class _Shelf:
    """The images found for one part."""

    def __init__(self, part: Part, root: Path, folder: Path) -> None:
        self.part = part
        self.folder = folder
        self.images: dict[str, tuple[int, PurePosixPath]] = {}
        self.strange: list[str] = []
        self._unclear: dict[str, str] = {}
        self._there = set(files_of(part, root))
        self._within = [PurePosixPath(end.lower()).parts for end in part.within]
        self._bears = {end[0] for end in self._within}
        self._by_key = {_key(name): name for name in part.names}
        if part.scale:  # LR is also called as its HR, in a folder of its own
            for name in part.names:
                self._by_key.setdefault(_key(name.removesuffix(f"x{part.scale}")), name)
        self._by_hash: dict[str, list[str]] = {}
        for name, value in (part.pins or {}).items():
            self._by_hash.setdefault(value, []).append(name)

    def wants(self, path: PurePosixPath, *, by_name: bool) -> bool:
        """Tell whether an image may belong here, by its path."""
        if not self.part.pins:
            return by_name and self._rank(path) is not None and bool(self._named(path))
        folders = [folder.lower() for folder in path.parts[:-1]]
        bears = any(folder.startswith(tuple(self._bears)) for folder in folders)
        return bears or not by_name

    def is_named(self, path: PurePosixPath) -> bool:
        """Tell whether an image's folder is one that the part's images lie in elsewhere."""
        return self._rank(path) is not None

    def places(self, path: PurePosixPath, pixels: NDArray[np.uint8]) -> tuple[int, tuple[str, ...]]:
        """Return how well an image fits, 0 best, and under which names it belongs here."""
        if self.part.pins:
            return 0, tuple(self._by_hash.get(pixel_hash(pixels, self.part)[:SHORT], ()))
        return self._rank(path) or 0, tuple(self._named(path))

    def put(
        self, name: str, rank: int, path: PurePosixPath, png: bytes, pixels: NDArray[np.uint8]
    ) -> None:
        """Keep an image, given as PNG file and as pixels, unless a better one is there."""
        target = self.folder / f"{name}.png"
        best, other = self.images.get(name, (rank + 1, path))
        if rank >= best:
            if rank == best and not np.array_equal(read_rgb(target), pixels):
                self._unclear.setdefault(name, f"one of {other} and {path}, which differ")
            return
        self.folder.mkdir(exist_ok=True)
        target.write_bytes(png)
        self.images[name] = (rank, path)
        self._unclear.pop(name, None)

    def missing(self) -> str:
        """Say what is missing, with what lies under the root already; empty where nothing is."""
        if self._unclear:
            return next(iter(self._unclear.values()))
        have = self.images.keys() | self._there
        if self.part.names:
            missing = [name for name in self.part.names if name not in have]
            shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            return f"{len(missing)} of {len(self.part.names)} ({shown})" if missing else ""
        expected = self.part.images
        return "" if len(have) == expected else f"{len(have)} images instead of {expected}"

    def _rank(self, path: PurePosixPath) -> int | None:
        folders = tuple(folder.lower() for folder in path.parts[:-1])
        ranks = (n for n, end in enumerate(self._within) if folders[-len(end) :] == end)
        return next(ranks, None)

    def _named(self, path: PurePosixPath) -> list[str]:
        if self.part.names:
            name = self._by_key.get(_key(path.stem))
            return [] if name is None else [name]
        if not self.part.scale:
            return [path.stem]
        suffix = f"x{self.part.scale}"
        return [path.stem if path.stem.endswith(suffix) else path.stem + suffix]


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Give a folder to collect images in, and clear it away."""
    home.mkdir(parents=True, exist_ok=True)
    for stale in home.glob("staging-*"):
        shutil.rmtree(stale, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="staging-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(part: Part, folder: Path, root: Path) -> None:
    """Move the collected images of a part to where they belong; files there are not replaced."""
    target = folder_of(part, root)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
        return
    present = files_of(part, root)
    for image in sorted(folder.iterdir()):
        if image.stem not in present:
            image.replace(target / image.name)


def _key(name: str) -> str:
    """Return a name without what differs between archives: ``img_001`` is ``img001``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _as_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return an image of another format as a PNG file; grey, (H, W), stays grey."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()

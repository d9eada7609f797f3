"""Read image files from an archive or a folder, without trusting what it says.

Nothing is ever written at a path that an archive names: members are handed out as bytes, one
after another, and whoever takes them names the files. Links, devices and members of other types
are skipped. An archive with a member that would lie outside of it, or with far more content
than its size warrants, is refused as a whole.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from harness.data.images import SUFFIXES
from harness.errors import DataError
from harness.host.files import reason

_MIB = 2**20

_PACKED: tuple[tuple[bytes, Callable[[Path], Any]], ...] = (
    (b"\x1f\x8b", gzip.GzipFile),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)

_ENDINGS = re.compile(r"(\.tar)?\.(zip|tar|tgz|gz|bz2|xz)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold at most.

    Attributes:
        members: Number of members, of any type.
        member_bytes: Size of one image file; the largest of DIV2K has some 10 MB.
        total_bytes: Size of everything unpacked.
        ratio: Unpacked per packed byte; image files hardly shrink, even bitmaps.
        free_bytes: Below so much unpacked the ratio does not matter.
    """

    members: int = 100_000
    member_bytes: int = 256 * _MIB
    total_bytes: int = 32 * 1024 * _MIB
    ratio: int = 50
    free_bytes: int = 64 * _MIB

    def total_for(self, packed: int) -> int:
        """Return how much a file of ``packed`` bytes may unpack to."""
        return min(self.total_bytes, max(self.free_bytes, self.ratio * packed))


DEFAULT = Limits()

Wanted = Callable[[PurePosixPath], bool]


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive of a type that can be read."""
    return bool(_ENDINGS.search(path.name))


def images(
    source: Path, wanted: Wanted, limits: Limits = DEFAULT
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield path and content of the image files of a folder, zip or tar that are wanted.

    Paths begin with the name of the folder, or of the archive without its ending, as an
    archive may hold its images without a folder around them. Hidden files are passed over.

    Args:
        source: A folder, or a zip or tar file; packed by gzip, bzip2, xz or not.
        wanted: Called with the path of every image file; those refused are not read.
        limits: What the source may hold.

    Raises:
        DataError: The source is missing, damaged, encrypted or none of these, names a place
            outside of it, or exceeds a limit.
    """
    try:
        if source.is_dir():
            yield from _from_folder(source, wanted, limits)
        elif zipfile.is_zipfile(source):
            yield from _from_zip(source, wanted, limits)
        else:
            yield from _from_tar(source, wanted, limits)
    except OSError as error:
        raise DataError(f"{source}: expected a readable archive ({reason(error)})") from error
    except DataError:
        raise
    except Exception as error:  # on damaged ones, the readers of archives raise what they like
        why = error or type(error).__name__
        raise DataError(
            f"{source}: expected a whole zip or tar file without password ({why})"
        ) from error


def _from_folder(
    folder: Path, wanted: Wanted, limits: Limits
) -> Iterator[tuple[PurePosixPath, bytes]]:
    top = PurePosixPath(folder.resolve().name)
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            count += 1
            _check(count <= limits.members, folder, f"more than {limits.members} files")
            file = Path(place, name)
            inner = top / PurePosixPath(file.relative_to(folder).as_posix())
            if not (_is_image(inner) and wanted(inner)):
                continue
            status = file.stat()
            if stat.S_ISREG(status.st_mode):  # a pipe would never end
                _check_size(status.st_size, folder, inner, limits)
                yield inner, file.read_bytes()


def _from_zip(path: Path, wanted: Wanted, limits: Limits) -> Iterator[tuple[PurePosixPath, bytes]]:
    allowed = limits.total_for(path.stat().st_size)
    total = 0
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check(len(members) <= limits.members, path, f"{len(members)} members")
        for member in members:
            _check_name(member.filename, path)
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            inner = _inside(path, member.filename)
            regular = kind in (0, stat.S_IFREG) and not member.is_dir()
            if not (regular and _is_image(inner) and wanted(inner)):
                continue
            _check_size(member.file_size, path, inner, limits)
            total += member.file_size
            _check(total <= allowed, path, f"more than {allowed} bytes once unpacked")
            yield inner, archive.read(member)


def _from_tar(path: Path, wanted: Wanted, limits: Limits) -> Iterator[tuple[PurePosixPath, bytes]]:
    with path.open("rb") as plain:
        head = plain.read(8)
    opener = next((opener for magic, opener in _PACKED if head.startswith(magic)), None)
    if opener is None and not tarfile.is_tarfile(path):
        raise DataError(f"{path}: expected a zip or tar file, but it is neither{_looks_like(head)}")
    # Everything is unpacked while the tar is walked, members that are passed over, too.
    allowed = limits.total_for(path.stat().st_size)
    stream = _Capped(opener(path) if opener else path.open("rb"), allowed, path)
    count = 0
    with stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            count += 1
            _check(count <= limits.members, path, f"more than {limits.members} members")
            _check_name(member.name, path)
            inner = _inside(path, member.name)
            regular = member.isreg() and not member.issparse()
            if not (regular and _is_image(inner) and wanted(inner)):
                continue
            _check_size(member.size, path, inner, limits)
            content = archive.extractfile(member)
            if content is not None:
                yield inner, content.read()


class _Capped(io.RawIOBase):
    """A stream that refuses to give more than so many bytes."""

    def __init__(self, stream: IO[bytes], allowed: int, path: Path) -> None:
        self._stream = stream
        self._left = allowed
        self._allowed = allowed
        self._path = path

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes; reading past the limit is an error."""
        content = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(content)
        _check(self._left >= 0, self._path, f"more than {self._allowed} bytes once unpacked")
        return content

    def close(self) -> None:
        """Close the file below."""
        self._stream.close()
        super().close()


def _inside(source: Path, name: str) -> PurePosixPath:
    return PurePosixPath(_ENDINGS.sub("", source.name)) / PurePosixPath(name)


def _is_image(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _check_name(name: str, source: Path) -> None:
    """Refuse an empty name, and names that lead out of the archive, on any system."""
    _check(name, source, "a member without a name")
    parts = name.replace("\\", "/").split("/")
    leads_out = name.startswith(("/", "\\")) or ".." in parts or re.match("[A-Za-z]:", name)
    _check(not leads_out, source, f"{name!r}, which lies outside of it")


def _check_size(size: int, source: Path, inner: PurePosixPath, limits: Limits) -> None:
    _check(size <= limits.member_bytes, source, f"{str(inner)!r} of {size} bytes")


def _check(fine: object, source: Path, has: str) -> None:
    if not fine:
        raise DataError(f"{source}: expected a plain archive of images, but it has {has}")


def _looks_like(head: bytes) -> str:
    return "; it looks like a web page" if head.lstrip()[:1] == b"<" else ""

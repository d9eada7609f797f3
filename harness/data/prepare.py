"""Training images decoded once: raw 8-bit pixels on disk, opened by memory map.

A prepared folder holds ``hr.u8`` and ``lr.u8``, the pixels of all images end to end, and
``index.json``, which says where each begins. A training step never decodes an image file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from harness.data.cached import is_damaged
from harness.data.catalogue import TestSet, TrainSet, joined_name, lr_text
from harness.data.images import hash_image, read_rgb
from harness.data.resize import crop_to_multiple, downscale
from harness.errors import DataError
from harness.host import progress
from harness.host.files import reason
from harness.host.paths import printable

logger = logging.getLogger(__name__)

VERSION = 1  # part of the cache key: raised when the same files would give other bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """Size of an LR image in pixels (HR is ``scale`` times it), and offsets in bytes."""

    name: str
    height: int
    width: int
    lr_offset: int
    hr_offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Training images, decoded and ready to be cut into patches.

    Attributes:
        name: Names of the sets, joined by ``+``.
        scale: HR side per LR side.
        sha256: Of all shapes and pixels, in order: the same wherever the files lie and whatever
            they are called.
        entries: The images, in the order of the sets and their files.
        excluded: Names of the files that EXCLUDE.txt left out.
        lr_text: Where LR comes from, in words.
        hr_pixels, lr_pixels: All pixels end to end, uint8, read-only.
    """

    name: str
    scale: int
    sha256: str
    entries: tuple[Entry, ...]
    excluded: tuple[str, ...]
    lr_text: str
    hr_pixels: NDArray[np.uint8]
    lr_pixels: NDArray[np.uint8]

    def hr(self, index: int) -> NDArray[np.uint8]:
        """Return an HR image, (H, W, 3), sides multiples of the scale; a view, not a copy."""
        entry = self.entries[index]
        height, width = entry.height * self.scale, entry.width * self.scale
        return _image_at(self.hr_pixels, entry.hr_offset, height, width)

    def lr(self, index: int) -> NDArray[np.uint8]:
        """Return an LR image, (H / scale, W / scale, 3); a view, not a copy."""
        entry = self.entries[index]
        return _image_at(self.lr_pixels, entry.lr_offset, entry.height, entry.width)

    def usable(self, patch: int) -> tuple[int, ...]:
        """Return which images hold an LR patch of ``patch`` x ``patch`` pixels."""
        fits = (min(entry.height, entry.width) >= patch for entry in self.entries)
        return tuple(index for index, fit in enumerate(fits) if fit)

    def describe(self, patch: int) -> str:
        """Say in one line which images are trained on, and which are not and why."""
        used = self.usable(patch)
        megapixels = sum(self.hr(index).size for index in used) / 3e6
        small = [entry.name for n, entry in enumerate(self.entries) if n not in set(used)]
        side = patch * self.scale
        line = f"{self.name} x{self.scale}: {len(used)} images, {megapixels:.1f} MP, {self.lr_text}"
        line += _left_out(f"as smaller than the {side}x{side} patch", small)
        return line + _left_out("by EXCLUDE.txt", self.excluded)


def prepare(sets: Sequence[TrainSet], scale: int, cache: Path) -> Prepared:
    """Decode training sets into the cache, or open what an earlier call left there.

    HR is cropped to a multiple of the scale. LR is read where the sets have it, else made by
    ``downscale``. The cache is keyed by path, size and time of change of every file, and checked
    by the digest of its pixels; processes that want the same sets at once prepare them once.

    Raises:
        DataError: Images cannot be used (all of them are named), LR does not fit HR, or the
            cache cannot be written.
    """
    final = _folder(sets, scale, cache)
    with _cache_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(final.with_name(f"{final.name}.lock")):
            index = _read_index(final)
            if index is None or is_damaged(final, index):
                _build(sets, scale, final)
                index = _read_index(final)
    if index is None:
        raise DataError(f"{final}: expected the images just prepared, but they are damaged")
    return _open(sets, scale, final, index)


def open_cached(sets: Sequence[TrainSet], scale: int, cache: Path) -> Prepared | None:
    """Open what :func:`prepare` left in the cache, None where it is not usable; write nothing."""
    final = _folder(sets, scale, cache)
    index = _read_index(final, level=logging.DEBUG)
    return _open(sets, scale, final, index) if index else None


def _folder(sets: Sequence[TrainSet], scale: int, cache: Path) -> Path:
    """Return where the sets lie in the cache once they are prepared."""
    return cache / f"{joined_name(sets)[:60]}-x{scale}-{_key(sets, scale)}"


def _open(sets: Sequence[TrainSet], scale: int, final: Path, index: dict[str, Any]) -> Prepared:
    return Prepared(
        name=joined_name(sets),
        scale=scale,
        sha256=index["sha256"],
        entries=_entries(index),
        excluded=tuple(f"{train.name}/{file}" for train in sets for file in train.excluded),
        lr_text=lr_text(sets),
        hr_pixels=_open_pixels(final / "hr.u8"),
        lr_pixels=_open_pixels(final / "lr.u8"),
    )


def load_pair(
    test_set: TestSet, index: int, scale: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return one (LR, HR) pair to score on, HR cropped to a multiple of the scale.

    Raises:
        DataError: A file cannot be used, LR does not fit HR, or HR is smaller than the scale.
    """
    hr_file = test_set.hr[index]
    lr, hr = _pair(hr_file, test_set.lr[index] if test_set.lr else None, scale)
    if not hr.size:
        raise DataError(f"{hr_file}: expected at least {scale}x{scale} pixels, but it is smaller")
    return lr, hr


def hash_pair(digest: hashlib._Hash, lr: NDArray[Any], hr: NDArray[Any]) -> None:
    """Add an image pair, shapes and pixels, to the digest that identifies a set."""
    for image in (hr, lr):
        hash_image(digest, image)


def _pair(
    hr_file: Path, lr_file: Path | None, scale: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return LR, read or made, and HR cropped to fit it."""
    whole = read_rgb(hr_file)
    hr = np.ascontiguousarray(crop_to_multiple(whole, scale))
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    if lr_file is not None:
        lr = read_rgb(lr_file)
        if lr.shape[:2] != (height, width):
            raise DataError(
                f"{lr_file}: expected {width}x{height} pixels, as {hr_file.name} is "
                f"{whole.shape[1]}x{whole.shape[0]}, but it is {lr.shape[1]}x{lr.shape[0]}"
            )
        return lr, hr
    return (downscale(hr, scale) if hr.size else np.empty((height, width, 3), np.uint8)), hr


def _build(sets: Sequence[TrainSet], scale: int, final: Path) -> None:
    """Write the prepared folder under a temporary name, then rename it."""
    for stale in (final, *final.parent.glob(f"{final.name}.partial-*")):
        shutil.rmtree(stale, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{final.name}.partial-", dir=final.parent))
    try:
        logger.info("preparing %d images for x%d in %s", len([*_files(sets)]), scale, final)
        # Plain writes, not a memory map: a full disk is then an error and not a dead process.
        with (partial / "hr.u8").open("wb") as hr_out, (partial / "lr.u8").open("wb") as lr_out:
            index = _write_pixels(sets, scale, hr_out, lr_out)
        (partial / "index.json").write_text(json.dumps(index), encoding="utf-8")
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_pixels(
    sets: Sequence[TrainSet], scale: int, hr_out: BinaryIO, lr_out: BinaryIO
) -> dict[str, Any]:
    """Write every image and return the index; all bad files are reported together."""
    digest = hashlib.sha256()
    entries: list[Entry] = []
    problems: list[str] = []
    shown = progress.over(_files(sets), "prepare images", total=len([*_files(sets)]))
    for name, hr_file, lr_file in shown:
        try:
            lr, hr = _pair(hr_file, lr_file, scale)
        except DataError as error:
            problems.append(str(error))
            continue
        height, width = lr.shape[:2]
        entries.append(Entry(name, height, width, lr_out.tell(), hr_out.tell()))
        hr_out.write(hr.data)
        lr_out.write(lr.data)
        hash_pair(digest, lr, hr)
    if len(problems) == 1:
        raise DataError(problems[0])
    if problems:
        raise DataError("\n".join([f"{len(problems)} images cannot be used:", *problems]))
    return {
        "sha256": digest.hexdigest(),
        "hr_bytes": hr_out.tell(),
        "lr_bytes": lr_out.tell(),
        "images": [asdict(entry) for entry in entries],
    }


def _read_index(folder: Path, level: int = logging.WARNING) -> dict[str, Any] | None:
    """Return the index of a prepared folder; None where there is none or it is damaged."""
    if not folder.exists():
        return None
    try:
        index: dict[str, Any] = json.loads((folder / "index.json").read_bytes())
        _entries(index)
        for name in ("hr", "lr"):
            got, expected = (folder / f"{name}.u8").stat().st_size, index[f"{name}_bytes"]
            if got != expected:
                raise ValueError(f"{name}.u8 has {got} bytes, not {expected}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.log(level, "%s is damaged (%s); preparing it again", folder, error)
        return None
    return index


def _entries(index: dict[str, Any]) -> tuple[Entry, ...]:
    return tuple(Entry(**entry) for entry in index["images"])


def _files(sets: Sequence[TrainSet]) -> Iterator[tuple[str, Path, Path | None]]:
    """Yield name, HR file and LR file of every image."""
    for train in sets:
        lr_files = train.lr or [None] * len(train.images)
        for hr_file, lr_file in zip(train.images, lr_files, strict=True):
            yield f"{train.name}/{printable(hr_file.stem)}", hr_file, lr_file


def _key(sets: Sequence[TrainSet], scale: int) -> str:
    """Return a key that changes whenever the prepared bytes could change."""
    stamps = [(name, _stamp(hr), lr and _stamp(lr)) for name, hr, lr in _files(sets)]
    return hashlib.sha256(json.dumps([VERSION, scale, stamps]).encode()).hexdigest()[:16]


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path}: expected a readable image ({reason(error)})") from error
    return str(path.absolute()), status.st_size, status.st_mtime_ns


def _open_pixels(path: Path) -> NDArray[np.uint8]:
    """Memory-map a file of raw pixels, except an empty one, which cannot be mapped."""
    if not path.stat().st_size:
        return np.empty(0, np.uint8)
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))  # plain: quicker to slice


def _image_at(pixels: NDArray[np.uint8], offset: int, height: int, width: int) -> NDArray[np.uint8]:
    return pixels[offset : offset + 3 * height * width].reshape(height, width, 3)


def _left_out(why: str, names: Sequence[str]) -> str:
    shown = ", ".join([*names[:3], *(["..."] if len(names) > 3 else [])])
    return f"; left out {why}: {len(names)} ({shown})" if names else ""


@contextmanager
def _cache_errors(cache: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = reason(error)
        raise DataError(f"{cache}: expected a folder to keep prepared images in ({why})") from error

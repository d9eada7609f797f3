"""Image files: finding them in a folder and decoding them to 8-bit RGB, or saying why not."""

from __future__ import annotations

import hashlib
import logging
import stat
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from harness.data import depth
from harness.errors import DataError
from harness.host.files import reason

logger = logging.getLogger(__name__)

_READABLE = (
    ".apng .avif .bmp .dds .dib .gif .ico .j2c .j2k .jfif .jp2 .jpc .jpe .jpeg .jpf .jpg .jpx "
    ".pbm .pcx .pfm .pgm .png .pnm .ppm .psd .qoi .sgi .tga .tif .tiff .webp"
)
_UNREADABLE = ".arw .cr2 .cr3 .dng .exr .hdr .heic .heif .jxl .nef .orf .raf .rw2"
SUFFIXES = frozenset([*_READABLE.split(), *_UNREADABLE.split()])
"""Suffixes of image files; a file of a type that cannot be read is an error that names it."""

BY_SUFFIX = "by their suffix"
"""Why a stray is passed over."""

_KNOWN_BY_CONTENT = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")

_BITS_PER_SAMPLE = 258  # tag of TIFF

_GREY = frozenset({"1", "L"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there.

    Raises:
        DataError: A parent folder may not be searched, so it is not known.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except PermissionError as error:
        raise DataError(f"{path}: expected a readable folder ({reason(error)})") from error
    except OSError:
        return False


def list_folder(folder: Path) -> tuple[Path, ...]:
    """Return what a folder holds, sorted by name, without hidden entries.

    Raises:
        DataError: The folder is missing or cannot be read.
    """
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder}: expected a readable folder ({reason(error)})") from error
    return tuple(sorted(entries, key=lambda path: path.name))


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    Attributes:
        images: The image files directly in it, sorted by name.
        strays: Files that hold an image and are passed over: they have no suffix of one, or are
            of a type that cannot be read and stand beside a readable file of the same name.
        others: What else is there: files of other types, and subfolders.
    """

    images: tuple[Path, ...]
    strays: tuple[Path, ...]
    others: tuple[Path, ...]


def list_images(folder: Path) -> tuple[Path, ...]:
    """Return the image files directly in a folder, and log what is passed over: :func:`survey`."""
    notes: list[str] = []
    images = images_in(folder, notes)
    for note in notes:
        logger.warning("%s", note)
    return images


def images_in(folder: Path, notes: list[str]) -> tuple[Path, ...]:
    """Return the image files directly in a folder; add what is passed over to the notes."""
    listing = survey(folder)
    if listing.strays:
        notes.append(f"{folder}: passed over {named(listing.strays)}, {BY_SUFFIX}")
    return listing.images


def survey(folder: Path) -> Listing:
    """Return what a folder holds, sorted by name.

    Hidden files are left out. The suffix decides what is an image, in upper or lower case. A link
    without a target counts as an image, so that reading it raises an error with its name. A
    camera's ``a.dng`` is passed over beside its ``a.jpg``.

    Raises:
        DataError: The folder is missing, cannot be read, or holds ``a.png`` beside ``a.jpg``
            (scores and LR files go by the name without suffix).
    """
    images: dict[str, Path] = {}
    not_images: list[Path] = []
    named_as_images: list[Path] = []
    for path in list_folder(folder):
        by_suffix = path.suffix.lower() in SUFFIXES and not is_folder(path)
        (named_as_images if by_suffix else not_images).append(path)
    readable = {path.stem for path in named_as_images if not _is_unreadable(path)}
    raw = [path for path in named_as_images if _is_unreadable(path) and path.stem in readable]
    for path in named_as_images:
        if path in raw:
            continue
        other = images.setdefault(path.stem, path)
        if other is not path:
            raise DataError(f"{path}: expected one image named {path.stem}, but {other.name} too")
    strays = [path for path in not_images if _holds_image(path)]
    others = tuple(path for path in not_images if path not in strays)
    return Listing(tuple(images.values()), tuple(sorted([*strays, *raw])), others)


def holds_images(folder: Path) -> bool:
    """Tell whether a folder holds a file with the suffix of an image."""
    return any(path.suffix.lower() in SUFFIXES for path in list_folder(folder))


def _is_unreadable(path: Path) -> bool:
    return path.suffix.lower() in _UNREADABLE.split()


def _holds_image(path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_KNOWN_BY_CONTENT):
                return True
    except Exception:  # on what is no image, Pillow's decoders raise what they like
        return False


def named(paths: Sequence[Path], most: int = 5) -> str:
    """Return how many files there are, and the names of the first ones."""
    names = ", ".join(path.name for path in paths[:most])
    count = f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
    return f"{count} ({names}{', ...' if len(paths) > most else ''})"


def size(path: Path) -> tuple[int, int] | None:
    """Return height and width from the head of an image file, None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                return image.height, image.width
    except Exception:  # as above
        return None


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Decode an image file.

    Grey and palette images become RGB with the colours they show, and an alpha channel without
    effect is dropped. EXIF orientation and colour profiles are not applied.

    Returns:
        (H, W, 3), uint8 RGB, C order.

    Raises:
        DataError: The file cannot be read, is damaged or no image, has more than 8 bits per
            channel, transparent pixels, several frames, another colour space, or is so large
            that Pillow takes it for a decompression bomb.
    """
    try:
        with warnings.catch_warnings():
            # Pillow only warns up to twice its limit, and of EXIF data that do not matter here.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return np.array(_as_rgb(image, path))
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: expected an image, but its content is not one") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(
            f"{path}: expected at most {Image.MAX_IMAGE_PIXELS} pixels; larger files are refused"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: expected a readable image ({reason(error)})") from error
    except DataError:
        raise
    except Exception as error:  # on damaged files, Pillow's decoders raise what they like
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> DataError:
    """Return the refusal of an image that its decoder failed on."""
    return DataError(f"{path}: expected an undamaged image ({error or type(error).__name__})")


def is_grey(path: Path) -> bool:
    """Tell whether an image is stored as one grey channel; ``read_rgb`` must be able to read it."""
    with Image.open(path) as image:
        return image.mode in _GREY


def hash_image(digest: hashlib._Hash, image: NDArray[Any]) -> None:
    """Add the shape and the pixels of an image to a digest."""
    digest.update(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)


def _as_rgb(image: Image.Image, path: Path) -> Image.Image:
    """Return the image as RGB if that loses nothing."""
    frames = getattr(image, "n_frames", 1)
    if frames != 1 and image.format != "MPO":  # a phone's JPEG with a preview behind it
        raise DataError(f"{path}: expected one image, but it has {frames} frames")
    if image.mode in _DEEP or _stored_in_16_bits(image) or depth.is_cut(image, path):
        raise DataError(f"{path}: expected 8 bits per channel, but it has more")
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            raise DataError(f"{path}: expected an opaque image, but it has transparent pixels")
    elif image.mode not in _GREY | {"P", "RGB"}:
        raise DataError(f"{path}: expected RGB, grey or palette, but it is {image.mode}")
    return image.convert("RGB")


def _stored_in_16_bits(image: Image.Image) -> bool:
    """Tell whether Pillow would cut 16 bits per channel to 8 while decoding.

    The mode does not show it: 16-bit RGB opens as ``RGB``. The raw mode of the tiles does,
    and for TIFF with its channels in planes of their own only the number of bits.
    """
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
    tiles = getattr(image, "tile", ())
    return max(bits) > 8 or any(";16" in str(tile[3]) for tile in tiles)

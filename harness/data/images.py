"""Image files: finding them in a folder and decoding them to 8-bit RGB, or saying why not."""

from __future__ import annotations

import hashlib
import stat
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from harness.errors import DataError
from harness.host.files import reason

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})

_BITS_PER_SAMPLE = 258  # tag of TIFF

_GREY = frozenset({"1", "L"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})

# What Pillow's decoders raise on damaged files, beside OSError.
DAMAGED = (SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error)


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there.

    Raises:
        DataError: A parent folder may not be searched, so nobody can tell.
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


def list_images(folder: Path) -> tuple[Path, ...]:
    """Return the image files directly in a folder, sorted by name.

    Hidden files, subfolders and files of other types are passed over; types go by the suffix,
    in either case. A link whose target is gone counts as an image: it fails by name when read.

    Raises:
        DataError: The folder is missing, cannot be read, or holds ``a.png`` beside ``a.jpg``
            (scores and LR files go by the name without suffix).
    """
    images: dict[str, Path] = {}
    for path in list_folder(folder):
        if path.suffix.lower() not in SUFFIXES or is_folder(path):
            continue
        other = images.setdefault(path.stem, path)
        if other is not path:
            raise DataError(f"{path}: expected one image named {path.stem}, but {other.name} too")
    return tuple(images.values())


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
    except DAMAGED as error:
        raise DataError(f"{path}: expected an undamaged image ({error})") from error


def is_grey(path: Path) -> bool:
    """Tell whether an image that ``read_rgb`` can read is stored with one channel, of grey."""
    with Image.open(path) as image:
        return image.mode in _GREY


def hash_image(digest: hashlib._Hash, image: NDArray[Any]) -> None:
    """Add the shape and the pixels of an image to a digest."""
    digest.update(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)


def _as_rgb(image: Image.Image, path: Path) -> Image.Image:
    """Return the image as RGB where nothing is lost by it."""
    frames = getattr(image, "n_frames", 1)
    if frames != 1 and image.format != "MPO":  # a phone's JPEG with a preview behind it
        raise DataError(f"{path}: expected one image, but it has {frames} frames")
    if image.mode in _DEEP or _stored_in_16_bits(image):
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
    return max(bits) > 8 or any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))

"""Images of 16 bits per channel: Pillow holds them only in grey, and writes no others.

Its decoders do read them, and drop one byte of each sample while unpacking. The byte order
in the raw mode says which, so decoding twice, once with the order swapped, gives both.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from PIL.ImageFile import ImageFile

from harness.data import depth
from harness.errors import DataError

Deep = NDArray[np.uint16]
Arguments = tuple[Any, ...] | str | None

_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_GREY_16 = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
_PNG_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR = 258, 262, 284


def is_deep(image: ImageFile) -> bool:
    """Tell whether an opened image has 16 bits per channel, grey or not."""
    return image.mode in _GREY_16 or any(";16" in raw for raw in _raw_modes(image))


def read(image: ImageFile, path: Path) -> Deep:
    """Decode an opened image of 16 bits per channel.

    Args:
        image: Just opened, nothing decoded yet, and :func:`is_deep`.
        path: Its file, for messages.

    Returns:
        (H, W, C), native uint16; grey, grey and alpha, RGB or RGBA. A colour that is
        declared transparent (PNG's tRNS) becomes an alpha channel.

    Raises:
        DataError: It is stored in a way that cannot be read without loss.
    """
    if image.mode in _GREY_16:
        deep = np.asarray(image).astype(np.uint16)[..., None]
    elif _raw_modes(image) == {"LA;16B"}:
        # Four bytes a pixel, which Pillow can hold as they are.
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]
        deep = np.asarray(image).view(">u2").astype(np.uint16)
    else:
        deep = _read_colour(image, path)
    transparent = image.info.get("transparency")
    if transparent is None or image.mode == "RGBA":
        return deep
    opaque = (deep != np.array(transparent, np.uint16)).any(2, keepdims=True)
    return np.concatenate([deep, np.where(opaque, np.uint16(65535), np.uint16(0))], 2)


def refuse_unreadable(image: ImageFile, path: Path) -> None:
    """Refuse files of more than 8 bits that Pillow would decode wrongly.

    Raises:
        DataError: A PPM, AVIF or SGI, a JPEG 2000 in colour; a TIFF of other than 16 bits, with
            the channels in planes of their own, white as 0, or colours multiplied by alpha.
    """
    if depth.is_cut(image, path):
        form = image.format
        raise DataError(f"{path}: expected 8 bits per channel in {form}, but it has more")
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    tags = image.tag_v2
    bits = max(tags.get(_BITS_PER_SAMPLE, (1,)))
    if bits <= 8:
        return
    if bits != 16:
        raise DataError(f"{path}: expected 8 or 16 bits per channel, but it has {bits}")
    if tags.get(_PLANAR, 1) != 1:
        raise DataError(f"{path}: expected interleaved channels, but they are stored one by one")
    if tags.get(_PHOTOMETRIC) == 0:
        raise DataError(f"{path}: expected black as 0, but it has white as 0")
    if any("RGBa;16" in raw for raw in _raw_modes(image)):
        raise DataError(f"{path}: expected plain alpha, but its colours are multiplied by it")


def _read_colour(image: ImageFile, path: Path) -> Deep:
    readable = {f"{mode};16{order}" for mode in ("RGB", "RGBA", "RGBX") for order in _SWAPPED}
    if strange := _raw_modes(image) - readable:
        raise DataError(f"{path}: expected RGB or grey in 16 bits, but it is {strange.pop()}")
    with Image.open(path) as other:
        other.tile = [tile._replace(args=_swap(tile.args)) for tile in other.tile]
        low = np.asarray(other)
    high: Deep = np.asarray(image).astype(np.uint16)
    deep: Deep = np.bitwise_or(np.left_shift(high, 8), low, dtype=np.uint16)
    return deep


def _raw_modes(image: ImageFile) -> set[str]:
    return {_raw_mode(tile.args) for tile in image.tile}


def _raw_mode(arguments: Arguments) -> str:
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _swap(arguments: Arguments) -> Arguments:
    raw = _raw_mode(arguments)
    swapped = raw[:-1] + _SWAPPED[raw[-1]]
    return (swapped, *arguments[1:]) if isinstance(arguments, tuple) else swapped


def png(pixels: Deep, icc: bytes | None) -> bytes:
    """Encode a PNG file (W3C recommendation, 2003), which Pillow cannot with 16-bit colour.

    Args:
        pixels: (H, W, C), C of 1 to 4.
        icc: Colour profile.
    """
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _PNG_COLOUR[channels], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    chunks += [(b"IDAT", zlib.compress(_filtered(pixels))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _filtered(pixels: Deep) -> bytes:
    """Return the rows as differences to the pixel on the left or above, whichever are less."""
    height, _, channels = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    left, above = rows.copy(), rows.copy()
    left[:, 2 * channels :] -= rows[:, : -2 * channels]
    above[1:] -= rows[:-1]
    cost = [np.abs(rest.view(np.int8).astype(np.int16)).sum(1) for rest in (left, above)]
    choice = (cost[1] < cost[0]).astype(np.uint8)[:, None]
    return np.concatenate([choice + 1, np.where(choice, above, left)], 1).tobytes()


def tiff(pixels: Deep, icc: bytes | None) -> bytes:
    """Encode a TIFF file, compressed without loss.

    Args:
        pixels: (H, W, C), C of 1 to 4.
        icc: Colour profile.
    """
    stream = io.BytesIO()
    channels = pixels.shape[2]
    tifffile.imwrite(
        stream,
        pixels if channels > 1 else pixels[..., 0],
        photometric="rgb" if channels > 2 else "minisblack",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        planarconfig="contig" if channels > 1 else None,
        compression="zlib",
        predictor=True,
        iccprofile=icc,
        metadata=None,
    )
    return stream.getvalue()

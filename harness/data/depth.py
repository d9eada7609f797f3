"""Image files of more than 8 bits per channel that Pillow cuts to 8 while it decodes them.

The mode does not show it: such files open as ``RGB``. Their headers do.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image

_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000: start, and its sizes
_SIZES = struct.Struct(">2H8IH")
_HIGH_DEPTH = 0x40  # of av1C: 10 or 12 bits


def is_cut(image: Image.Image, path: Path) -> bool:
    """Tell whether an opened image loses bits that Pillow does not give by any way.

    Raises:
        OSError: The file cannot be read.
    """
    if is_deep_ppm(image):
        return True
    is_deep = _DEEP.get(image.format or "")
    if is_deep is None or image.mode.startswith("I"):
        return False
    with path.open("rb") as file:
        return is_deep(file)


def is_deep_ppm(image: Image.Image) -> bool:
    """Tell whether an opened image is a PPM whose values go beyond 255."""
    arguments = [tile[3] for tile in getattr(image, "tile", ()) if tile[0].startswith("ppm")]
    return any(isinstance(argument, tuple) and int(argument[-1]) > 255 for argument in arguments)


def _is_deep_jpeg2000(file: BinaryIO) -> bool:
    """Read the depth of every channel (ISO/IEC 15444-1, A.5.1)."""
    if file.read(4) != _CODESTREAM:
        end = _length(file)
        start = next((start for kind, start, _ in _boxes(file, 0, end) if kind == b"jp2c"), end)
        file.seek(start + len(_CODESTREAM))
    sizes = file.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        return False  # damaged: decoding tells
    depths = file.read(3 * _SIZES.unpack(sizes)[-1])[::3]
    return any((depth & 0x7F) + 1 > 8 for depth in depths)


def _is_deep_avif(file: BinaryIO) -> bool:
    """Read the depth of every image in the file (AV1-ISOBMFF, 2.3)."""
    places = [(0, _length(file))]
    for wanted, skipped in ((b"meta", 4), (b"iprp", 0), (b"ipco", 0), (b"av1C", 0)):
        places = [
            (start + skipped, stop)
            for begin, end in places
            for kind, start, stop in _boxes(file, begin, end)
            if kind == wanted
        ]
    return any(_byte(file, start + 2) & _HIGH_DEPTH for start, _ in places)


def _is_deep_sgi(file: BinaryIO) -> bool:
    return _byte(file, 3) > 1  # bytes per channel


_DEEP: dict[str, Callable[[BinaryIO], bool]] = {
    "JPEG2000": _is_deep_jpeg2000,
    "AVIF": _is_deep_avif,
    "SGI": _is_deep_sgi,
}


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each box (ISO/IEC 14496-12, 4.2)."""
    while begin + 8 <= end:
        file.seek(begin)
        head = file.read(16)
        if len(head) < 8:
            return
        length, start = int.from_bytes(head[:4], "big"), begin + 8
        if length == 1:
            length, start = int.from_bytes(head[8:], "big"), begin + 16
        stop = min(begin + length, end) if length else end
        if stop < start:
            return
        yield head[4:8], start, stop
        begin = stop


def _length(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _byte(file: BinaryIO, place: int) -> int:
    file.seek(place)
    return int.from_bytes(file.read(1), "big")

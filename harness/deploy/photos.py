"""Image files read and written as they are: grey or colour, alpha, 8 or 16 bits, profile."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from harness.data.images import damaged
from harness.deploy import sixteen_bit
from harness.errors import DataError, HarnessError
from harness.host.files import reason

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_ORIENTATION = 0x0112
_KEPT = {"1": "L", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "PA": "RGBA"}
_REFUSED = {
    "F": "floating-point (HDR) values",
    "I": "32-bit integers",
    "CMYK": "CMYK inks",
    "YCbCr": "YCbCr colours",
    "LAB": "Lab colours",
    "HSV": "HSV colours",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it is in its file, upright.

    Attributes:
        pixels: (H, W, C), uint8 or uint16; grey, grey and alpha, RGB or RGBA for C of 1 to 4.
        icc: Its colour profile.
    """

    pixels: Pixels
    icc: bytes | None = None

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[2] in (2, 4)

    @property
    def is_deep(self) -> bool:
        """Whether it has 16 bits per channel."""
        return self.pixels.dtype == np.uint16


@dataclass(frozen=True, slots=True)
class Format:
    """A file format that pictures can be written in.

    Attributes:
        name: Pillow's name of it.
        alpha: Whether it keeps alpha.
        deep: Whether it keeps 16 bits.
        options: For Pillow.
    """

    name: str
    alpha: bool = True
    deep: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


_TIFF = Format("TIFF", deep=True, options={"compression": "tiff_adobe_deflate"})
_JPEG = Format("JPEG", alpha=False, options={"quality": 95, "subsampling": 0})

FORMATS: Mapping[str, Format] = {
    ".png": Format("PNG", deep=True),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WEBP", options={"lossless": True, "exact": True}),
}
"""By the ending of the file's name."""


def read(path: Path) -> Picture:
    """Decode an image file.

    Grey stays grey, palettes become RGB with the colours they show, a transparent colour
    becomes alpha, and the image is turned as its EXIF orientation says.

    Raises:
        DataError: The file cannot be read, is damaged or no image, has several frames,
            floating-point values, 32-bit integers or another colour space, or is so large
            that Pillow takes it for a decompression bomb.
    """
    with _opened(path) as image:
        frames = getattr(image, "n_frames", 1)
        if frames != 1 and image.format != "MPO":  # a phone's JPEG with a preview behind it
            raise DataError(f"{path}: expected one image, but it has {frames} frames")
        if image.mode in _REFUSED:
            raise DataError(f"{path}: expected RGB or grey, but it has {_REFUSED[image.mode]}")
        sixteen_bit.refuse_unreadable(image, path)
        if sixteen_bit.is_deep(image):
            pixels: Pixels = sixteen_bit.read(image, path)
        else:
            pixels = _read_8_bit(image, path)
        orientation = image.getexif().get(_ORIENTATION, 1)  # 1 again where Pillow has turned it
        return Picture(_upright(pixels, orientation), image.info.get("icc_profile") or None)


def _read_8_bit(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    transparent = "transparency" in image.info
    if image.mode == "P":
        mode = "RGBA" if transparent else "RGB"
    elif image.mode in _KEPT:
        mode = _KEPT[image.mode]
        mode += "A" if transparent and not mode.endswith("A") else ""
    else:
        raise DataError(f"{path}: expected RGB, grey or palette, but it is {image.mode}")
    pixels = np.array(image.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _upright(pixels: NDArray[Any], orientation: int) -> Pixels:
    """Undo an EXIF orientation (Exif 2.3, tag 274)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def check_format(picture: Picture, suffix: str) -> None:
    """Refuse a format that cannot hold a picture.

    Args:
        picture: What will be written.
        suffix: A key of ``FORMATS``.

    Raises:
        DataError: It has alpha or 16 bits, and the format has not.
    """
    form = FORMATS[suffix]
    if picture.is_deep and not form.deep:
        raise DataError(f"16 bits per channel do not fit into {form.name}: expected .png or .tif")
    if picture.has_alpha and not form.alpha:
        raise DataError(f"alpha does not fit into {form.name}: expected .png, .tif or .webp")


def encode(picture: Picture, suffix: str) -> bytes:
    """Return a picture as the content of a file.

    Args:
        picture: What to write.
        suffix: A key of ``FORMATS``.

    Raises:
        DataError: The format cannot hold the picture.
    """
    check_format(picture, suffix)
    form = FORMATS[suffix]
    if picture.is_deep:
        encoder = sixteen_bit.png if form.name == "PNG" else sixteen_bit.tiff
        return encoder(picture.pixels.astype(np.uint16), picture.icc)
    pixels = picture.pixels if picture.pixels.shape[2] > 1 else picture.pixels[..., 0]
    stream = io.BytesIO()
    options = dict(form.options) | ({"icc_profile": picture.icc} if picture.icc else {})
    try:
        Image.fromarray(pixels).save(stream, form.name, **options)
    except (OSError, ValueError) as error:  # sides beyond what the format can say
        raise DataError(f"it cannot be written as {form.name}: {error}") from error
    return stream.getvalue()


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    """Open an image, and name the file in whatever goes wrong while it is used."""
    try:
        with warnings.catch_warnings():
            # Pillow only warns up to twice its limit, and of EXIF data that do not matter here.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                yield image
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: expected an image, but its content is none known") from error
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise DataError(f"{path}: expected at most {most} pixels; larger files are refused") from (
            error
        )
    except OSError as error:
        raise DataError(f"{path}: expected a readable image ({reason(error)})") from error
    except HarnessError:
        raise
    except Exception as error:  # on damaged files, Pillow's decoders raise what they like
        raise damaged(path, error) from error

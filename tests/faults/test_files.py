"""Images and archives, whole, damaged and hostile: pixels as they are, or why not."""

import io
import os
import random
import stat
import tarfile
import warnings
import zipfile
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.data import images
from harness.data.fetch import archives
from harness.data.fetch.archives import Limits
from harness.data.fetch.matching import Intake, staging
from harness.data.fetch.registry import Part
from harness.deploy import photos
from tests.faults.damage import DAMAGES, Content, files
from tests.faults.watch import Watch

MODES = ("RGB", "L", "P", "1", "RGBA", "LA", "I;16", "I", "F", "CMYK", "YCbCr")
FORMATS: dict[str, dict[str, Any]] = {
    "png": {},
    "jpg": {"format": "JPEG"},
    "bmp": {},
    "tif": {},
    "tiff": {"compression": "tiff_lzw"},
    "webp": {"lossless": True},
    "jp2": {"irreversible": False},
    "avif": {"speed": 10},
    "ppm": {},
    "pgm": {},
    "pbm": {},
    "gif": {},
    "ico": {},
    "tga": {},
    "sgi": {},
    "pcx": {},
    "dds": {},
    "qoi": {},
    "pfm": {},
    "apng": {"format": "PNG"},
}
LOSSLESS = frozenset(
    {"png", "bmp", "tif", "tiff", "webp", "jp2", "ppm", "tga", "sgi", "qoi", "apng"}
)
SLOW = frozenset({"dds", "qoi"})
"""Pillow decodes these in Python, more than a second for each million of pixels."""

SMALL = ((1, 1), (7, 5), (64, 48), (300, 200))
LARGE = (2000, 2000)


def pixels(size):
    """Return pixels with edges and noise, (H, W, 3)."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[: size[1], : size[0]]
    noise = generator.integers(0, 64, (size[1], size[0], 3))
    return (noise + 90 * ((x // 9 + y // 7) % 2)[..., None] + 60).astype(np.uint8)


@cache
def encoded(suffix, mode, size):
    """Return an image as the bytes of a file; none where the format does not know the mode."""
    image = Image.fromarray(pixels(size)).convert("L" if mode.startswith(("I", "F")) else mode)
    image = image.convert(mode)
    out = io.BytesIO()
    options = dict(FORMATS[suffix])
    form = options.pop("format", None) or Image.registered_extensions()[f".{suffix}"]
    if suffix == "apng":
        options |= {
            "save_all": True,
            "append_images": [image.transpose(Image.Transpose.ROTATE_180)],
        }
    try:
        image.save(out, form, **options)
    except (OSError, ValueError, KeyError):
        return None
    return Content(out.getvalue())


@st.composite
def image_files(draw):
    """Draw a suffix, what the file was made of, how often it was mutated, and its bytes."""
    suffix = draw(st.sampled_from(tuple(FORMATS)))
    size = draw(st.sampled_from((*SMALL * 5, *((LARGE,) if suffix not in SLOW else ()))))
    mode = draw(st.sampled_from(MODES * 1 + ("RGB",) * 6)) if size != LARGE else "RGB"
    valid = encoded(suffix, mode, size)
    if valid is None:
        mode, valid = "RGB", encoded(suffix, "RGB", size)
    if valid is None:
        mode, valid = "L", encoded(suffix, "L", size)
    other = encoded(draw(st.sampled_from(tuple(FORMATS))), "RGB", (7, 5))
    _, times, content = draw(files((valid,) if other is None else (valid, valid, valid, other)))
    return suffix, (mode, size), times, content


@given(image_files())
def test_images(watch, drawn):
    suffix, (mode, size), _, content = drawn
    path = watch.empty() / f"a.{suffix}"
    path.write_bytes(content)
    read = watch.accepted(images.read_rgb, path)
    aside = Watch(watch.folder)  # one input, read in two ways
    picture = aside.accepted(photos.read, path)
    listing = aside.accepted(images.survey, watch.folder)
    assert listing.images == (path,)
    if picture is not None:
        assert picture.pixels.dtype in (np.uint8, np.uint16)
        assert picture.pixels.ndim == 3
        assert 1 <= picture.pixels.shape[2] <= 4
        assert picture.pixels.size
    if read is not None:
        assert read.dtype == np.uint8
        assert read.ndim == 3
        assert read.shape[2] == 3
        assert read.size
        assert read.flags.c_contiguous
    whole = content == encoded(suffix, mode, size)
    if whole and suffix in LOSSLESS - {"apng"} and mode == "RGB":
        assert np.array_equal(read, pixels(size))
        assert np.array_equal(picture.pixels, pixels(size))


PICTURE = encoded("png", "RGB", (7, 5))
NAMES = (
    *("Set/HR/a.png", "Set/HR/b.JPG", "Set/readme.txt", "._a.png", "deep/" * 40 + "a.png", "a.png"),
    *("../a.png", "/tmp/a.png", "C:\\a.png", "x/../../a.png", "..\\a.png", "", ".", "/", "a.png/"),
    *(
        "é.png",
        "\udcff.png",
        "a\nb.png",
        "x" * 300 + ".png",
        "Set/HR/a.bmp",
        "nul\x00.png",
        "Set/HR/A.png",
    ),
)
GOOD = NAMES[:6]


def zipped(members, chance):
    """Return the bytes of a zip file; members are names and contents."""
    out = io.BytesIO()
    method = chance.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that stand there twice
        for name, content in members:
            info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
            info.compress_type = method
            if chance.random() < 0.05:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content)
    return out.getvalue()


def tarred(members, chance):
    """Return the bytes of a tar file, packed in some way."""
    out = io.BytesIO()
    mode = chance.choice(("w", "w", "w:gz", "w:bz2", "w:xz"))
    form = chance.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT))
    with tarfile.open(fileobj=out, mode=mode, format=form, errors="surrogateescape") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if chance.random() < 0.05:
                info.type = chance.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE))
                info.linkname = "/etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@st.composite
def archive_files(draw):
    """Draw what the archive is called, how often it was mutated, its names, and its bytes."""
    times = draw(st.sampled_from((0, 1, 1, 2, 3, -1, -1, -1)))
    chance = random.Random(draw(st.integers(0, 2**24 - 1)))
    names = [chance.choice(GOOD if times >= 0 else NAMES) for _ in range(chance.randrange(1, 6))]
    names = list(dict.fromkeys(names)) if times >= 0 else names
    if times > 0 and chance.random() < 0.4:
        names[chance.randrange(len(names))] = chance.choice(NAMES)
        times -= 1
    contents = [
        chance.choice((PICTURE, encoded("bmp", "RGB", (7, 5)), b"", bytes(10**6))) for _ in names
    ]
    ending, make = chance.choice((("zip", zipped), ("tar", tarred), ("tar.gz", tarred)))
    try:
        written = make(zip(names, contents, strict=True), chance)
    except (ValueError, UnicodeError):  # names that such an archive cannot have
        written = b""
    for _ in range(times if times >= 0 else chance.choice((0, 1, 20))):
        written = chance.choice(DAMAGES)(written, chance)
    return f"Set.{ending}", times, names, Content(written)


PART = Part(set="Set", name="HR", folder="Set/HR", images=2, names=("a", "b"), within=("hr",))
LIMITS = Limits(member_bytes=10**7, total_bytes=10**8)


@given(archive_files())
def test_archives(watch, drawn):
    name, times, names, content = drawn
    path = watch.empty() / name
    path.write_bytes(content)
    found = watch.accepted(lambda: list(archives.images(path, lambda _: True, LIMITS)))
    if found is None:
        assert times != 0 or set(names) - set(GOOD)
    for place, inside in found or ():
        assert isinstance(place, PurePosixPath)
        assert place.parts[0] == "Set"
        assert ".." not in place.parts
        assert len(inside) <= LIMITS.member_bytes
    if times == 0 and set(names) <= set(GOOD):
        suffixes = (".png", ".jpg")
        wanted = [n for n in names if n.lower().endswith(suffixes) and not n.startswith(".")]
        assert {str(place) for place, _ in found} <= {f"Set/{name}" for name in wanted}

    def laid_out():
        with staging(watch.folder / "root") as folder:
            intake = Intake([PART], watch.folder / "root", folder)
            intake.take(path)
            return [*intake.complete(), *intake.lacking(), *intake.problems]

    Watch(watch.folder).accepted(laid_out)
    assert set(os.listdir(watch.folder)) <= {name, "root"}

"""Pictures as they are in their files, against Pillow, tifffile and files made by hand."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from skimage.data import astronaut

from harness.data import images
from harness.deploy import photos
from harness.deploy.photos import Picture
from harness.errors import DataError

RGB = astronaut()[:40, 180:231]
ALPHA = np.arange(RGB.shape[0] * RGB.shape[1], dtype=np.uint8).reshape(RGB.shape[:2])


def noise(channels, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 65536, (23, 31, channels), dtype=np.uint16)


def png(pixels, *extra, filters=(0,)):
    """A PNG file by the book, with the filters 0 (none), 2 (up) and 4 (Paeth)."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8).astype(int)
    bpp, body = 2 * channels, b""
    for y in range(height):
        up = rows[y - 1] if y else np.zeros_like(rows[0])
        left, corner = (np.concatenate([np.zeros(bpp, int), one[:-bpp]]) for one in (rows[y], up))
        estimate = left + up - corner
        far = [abs(estimate - one) for one in (left, up, corner)]
        paeth = np.where(
            (far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], up, corner)
        )
        kind = filters[y % len(filters)]
        guess = {0: 0, 2: up, 4: paeth}[kind]
        body += bytes([kind]) + ((rows[y] - guess) % 256).astype(np.uint8).tobytes()
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


# Reading


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits_keeps_every_bit(channels, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(noise(channels), filters=(0, 2, 4)))
    read = photos.read(path)
    assert read.pixels.dtype == np.uint16
    assert np.array_equal(read.pixels, noise(channels))
    assert (read.has_alpha, read.is_deep) == (channels in (2, 4), True)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_of_16_bits_keeps_every_bit(channels, byteorder, compression, tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        noise(channels).squeeze(),
        photometric="rgb" if channels > 1 else "minisblack",
        extrasamples=["unassalpha"] if channels == 4 else None,
        byteorder=byteorder,
        compression=compression,
        predictor=compression is not None,
        rowsperstrip=7,
        metadata=None,
    )
    assert np.array_equal(photos.read(tmp_path / "a.tif").pixels, noise(channels))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_of_16_bits_becomes_alpha(channels, tmp_path):
    pixels = noise(channels)
    pixels[2, 3] = pixels[4, 5] = (500, 600, 700)[:channels]
    path = tmp_path / "a.png"
    key = struct.pack(f">{channels}H", *(500, 600, 700)[:channels])
    path.write_bytes(png(pixels, (b"tRNS", key)))
    read = photos.read(path).pixels
    assert np.array_equal(read[..., :-1], pixels)
    expected = np.full(pixels.shape[:2], 65535)
    expected[2, 3] = expected[4, 5] = 0
    assert np.array_equal(read[..., -1], expected)


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (Image.fromarray(RGB), {}, RGB),
        (Image.fromarray(RGB[..., 0]), {}, RGB[..., :1]),
        (Image.fromarray(np.dstack([RGB, ALPHA])), {}, np.dstack([RGB, ALPHA])),
        (
            Image.fromarray(np.dstack([RGB[..., 0], ALPHA])),
            {},
            np.dstack([RGB[..., 0], ALPHA]),
        ),
        (Image.fromarray(RGB[..., 0] > 99), {}, 255 * (RGB[..., :1] > 99)),
        (
            Image.fromarray(RGB[..., 0]),
            {"transparency": 7},
            np.dstack([RGB[..., 0], np.where(RGB[..., 0] == 7, 0, 255)]),
        ),
    ],
)
def test_8_bits_stay_as_they_are(image, options, expected, tmp_path):
    image.save(tmp_path / "a.png", **options)
    read = photos.read(tmp_path / "a.png").pixels
    assert read.dtype == np.uint8
    assert np.array_equal(read, expected)


@pytest.mark.parametrize("transparency", [None, 3])
def test_palettes_become_the_colours_they_show(transparency, tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    indices = np.asarray(image)
    image.save(
        tmp_path / "a.png", **({} if transparency is None else {"transparency": transparency})
    )
    read = photos.read(tmp_path / "a.png").pixels
    assert np.array_equal(read[..., :3], np.asarray(image.convert("RGB")))
    assert read.shape[2] == (3 if transparency is None else 4)
    if transparency is not None:
        assert np.array_equal(read[..., 3], np.where(indices == transparency, 0, 255))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(orientation, suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB).save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(photos.read(path).pixels, expected)


@pytest.mark.parametrize("orientation", [6, 7])
def test_images_of_16_bits_are_turned_upright(orientation, tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        noise(3),
        photometric="rgb",
        metadata=None,
        extratags=[(274, "H", 1, orientation, True)],
    )
    turned = np.rot90(noise(3), -1)
    expected = turned if orientation == 6 else turned[::-1]
    assert np.array_equal(photos.read(tmp_path / "a.tif").pixels, expected)


def save_animation(path):
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (lambda path: Image.fromarray(RGB).convert("CMYK").save(path, "JPEG"), "has CMYK inks"),
        (lambda path: Image.fromarray(RGB).convert("LAB").save(path, "TIFF"), "has Lab colours"),
        (
            lambda path: Image.fromarray(RGB[..., 0].astype(np.float32)).save(path, "TIFF"),
            r"has floating-point \(HDR\) values",
        ),
        (
            lambda path: Image.fromarray(RGB[..., 0].astype(np.int32)).save(path, "TIFF"),
            "has 32-bit integers",
        ),
        (save_animation, "expected one image, but it has 2 frames"),
        (lambda path: path.write_bytes(b"no image"), "its content is none known"),
        (lambda path: path.write_bytes(png(noise(3))[:900]), "expected a"),
        (lambda path: path.mkdir(), "Is a directory"),
        (
            lambda path: tifffile.imwrite(
                path, np.moveaxis(noise(3), 2, 0), photometric="rgb", planarconfig="separate"
            ),
            "expected interleaved channels",
        ),
        (
            lambda path: tifffile.imwrite(
                path, noise(4), photometric="rgb", extrasamples=["assocalpha"]
            ),
            "expected plain alpha",
        ),
        (
            lambda path: tifffile.imwrite(path, noise(1)[..., 0], photometric="miniswhite"),
            "it has white as 0",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(save, message, tmp_path):
    path = tmp_path / "a.image"
    save(path)
    with pytest.raises(DataError, match=f"a.image: .*{message}"):
        photos.read(path)


def test_an_image_twice_beyond_pillow_s_limit_is_refused_with_what_is_allowed(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 356)
    path = tmp_path / "a.png"
    path.write_bytes(png(noise(3)))  # 23 x 31 = 713 pixels
    with pytest.raises(DataError, match="at most 712 pixels"):
        photos.read(path)
    path.write_bytes(png(noise(3)[1:]))
    assert photos.read(path).pixels.size


# Writing


def deep(content, suffix):
    if suffix == ".tif":
        return tifffile.imread(io.BytesIO(content))
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_written_whole(channels, suffix, tmp_path):
    content = photos.encode(Picture(noise(channels), b"profile" * 30), suffix)
    others = deep(content, suffix)
    if others.dtype == np.uint8:  # Pillow shows the high bytes of 16-bit colour
        others = others[..., [0, 3]] if channels == 2 else others
        assert np.array_equal(others, noise(channels) >> 8)
    else:
        assert np.array_equal(others, noise(channels).squeeze())
    if (channels, suffix) != (2, ".tif"):  # which Pillow does not know
        (tmp_path / f"a{suffix}").write_bytes(content)
        again = photos.read(tmp_path / f"a{suffix}")
        assert np.array_equal(again.pixels, noise(channels))
        assert again.icc == b"profile" * 30


def test_16_bit_png_is_smaller_than_its_samples():
    smooth = np.add.outer(np.arange(300), np.arange(200)).astype(np.uint16)[..., None] * 100
    assert len(photos.encode(Picture(smooth), ".png")) < smooth.nbytes / 10


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".webp"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_8_bits_are_written_without_loss(channels, suffix):
    pixels = np.dstack([RGB, ALPHA])[..., 4 - channels :]
    content = photos.encode(Picture(pixels, b"profile" * 30), suffix)
    with Image.open(io.BytesIO(content)) as image:
        mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
        if suffix == ".webp":  # which has no grey
            rgba = np.asarray(image.convert("RGBA"))
            wide = pixels if channels > 2 else np.dstack([pixels[..., :1]] * 3 + [pixels[..., 1:]])
            assert np.array_equal(rgba[..., : wide.shape[2]], wide)
        else:
            assert image.mode == mode
            assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)
        assert image.info["icc_profile"] == b"profile" * 30


@pytest.mark.parametrize(
    ("picture", "suffix", "message"),
    [
        (Picture(noise(3)), ".jpg", "16 bits per channel do not fit into JPEG"),
        (Picture(noise(1)), ".webp", "16 bits per channel do not fit into WEBP"),
        (Picture(np.dstack([RGB, ALPHA])), ".jpeg", "alpha does not fit into JPEG"),
        (Picture(np.zeros((1, 17000, 3), np.uint8)), ".webp", "cannot be written as WEBP"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(picture, suffix, message):
    with pytest.raises(DataError, match=message):
        photos.encode(picture, suffix)


def test_a_decoder_may_fail_in_any_way(tmp_path):
    """A DDS file of a pixel format that nobody knows: Pillow has not implemented it."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.dds")
    content = bytearray((tmp_path / "a.dds").read_bytes())
    content[80:84] = bytes(4)
    (tmp_path / "a.dds").write_bytes(content)
    with pytest.raises(DataError, match="undamaged"):
        photos.read(tmp_path / "a.dds")
    assert images.size(tmp_path / "a.dds") is None

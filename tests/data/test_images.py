"""Decoding: what is read, and what is refused with which words."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from harness.data.images import list_images, read_rgb, size, survey
from harness.errors import DataError


@pytest.fixture
def colours() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def refusal(path: Path) -> str:
    """Return the message of a refusal: one line that begins with the file and says what was due."""
    with pytest.raises(DataError) as caught:
        read_rgb(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: expected ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "TIFF", "PNG"])
def test_lossless_formats_give_the_pixels_back(
    tmp_path: Path, colours: NDArray[np.uint8], suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(colours).save(path)
    image = read_rgb(path)
    np.testing.assert_array_equal(image, colours)
    assert image.flags.c_contiguous
    assert image.flags.owndata


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "webp"])
def test_lossy_formats_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (30, 20), (200, 100, 50)).save(path)
    np.testing.assert_allclose(read_rgb(path), np.tile((200, 100, 50), (20, 30, 1)), atol=4)


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_becomes_three_equal_channels(
    tmp_path: Path, colours: NDArray[np.uint8], mode: str
) -> None:
    grey = Image.fromarray(colours).convert(mode)
    grey.save(tmp_path / "a.png")
    expected = np.repeat(np.asarray(grey.convert("L"))[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), expected)


def test_palette_becomes_the_colours_shown(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 150, 100])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png")
    assert read_rgb(tmp_path / "a.png").tolist() == [[[10, 20, 30], [200, 150, 100]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_opaque_alpha_is_dropped(tmp_path: Path, colours: NDArray[np.uint8], mode: str) -> None:
    flat = Image.fromarray(colours).convert(mode)
    flat.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), np.asarray(flat.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_one_transparent_pixel_is_refused(
    tmp_path: Path, colours: NDArray[np.uint8], mode: str
) -> None:
    image = Image.fromarray(colours).convert(mode)
    alpha = Image.new("L", image.size, 255)
    alpha.putpixel((3, 4), 254)
    image.putalpha(alpha)
    image.save(tmp_path / "a.png")
    assert "an opaque image, but it has transparent pixels" in refusal(tmp_path / "a.png")


def test_transparent_palette_entry_is_refused_where_it_is_used(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 150, 100])
    image.save(tmp_path / "unused.png", transparency=1)
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "used.png", transparency=1)
    assert read_rgb(tmp_path / "unused.png").tolist() == [[[10, 20, 30]] * 2]
    assert "transparent pixels" in refusal(tmp_path / "used.png")


def test_grey_of_16_bits_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "a.png")
    assert "8 bits per channel, but it has more" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("colour_type", [2, 4, 6])
def test_colour_of_16_bits_is_refused_though_pillow_would_cut_it(
    tmp_path: Path, colour_type: int
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_of_16_bits(colour_type))
    with Image.open(path) as image:
        assert image.mode in {"RGB", "RGBA"}
    assert "8 bits per channel, but it has more" in refusal(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colour_of_16_bits_in_separate_planes_is_refused(
    compression: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    planes = np.full((3, 4, 5), 40000, np.uint16)
    tifffile.imwrite(
        path, planes, photometric="rgb", planarconfig="separate", compression=compression
    )
    with pytest.raises(DataError, match="expected 8 bits per channel"):
        read_rgb(path)


def png_of_16_bits(colour_type: int) -> bytes:
    """Return a 2x1 PNG with 16 bits per channel: RGB, grey with alpha or RGB with alpha."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    channels = {2: 3, 4: 2, 6: 4}[colour_type]
    row = b"\0" + struct.pack(f">{2 * channels}H", *[65535] * (2 * channels))
    header = struct.pack(">IIBBBBB", 2, 1, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )


def test_cmyk_jpeg_is_refused(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")
    assert "RGB, grey or palette, but it is CMYK" in refusal(tmp_path / "a.jpg")


def test_float_image_is_refused(tmp_path: Path) -> None:
    Image.new("F", (8, 8)).save(tmp_path / "a.tif")
    assert "8 bits per channel" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["tif", "webp", "png"])
def test_several_frames_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert "one image, but it has 3 frames" in refusal(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_truncated_file_is_refused(tmp_path: Path, colours: NDArray[np.uint8], suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(colours).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "truncated" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"not an image\n", b"\x89PNG\r\n\x1a\n"])
def test_text_or_nothing_named_png_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert "an image, but its content is not one" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("limit", [400, 200])  # Pillow warns up to twice the limit, then raises
def test_decompression_bomb_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no user gets it by silencing warnings
        assert f"at most {limit} pixels" in refusal(tmp_path / "a.png")


def test_text_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("comment", "a" * (PngImagePlugin.MAX_TEXT_CHUNK + 1), zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=notes)
    assert "undamaged image" in refusal(tmp_path / "a.png")


def test_missing_file_and_dangling_link_are_refused(tmp_path: Path) -> None:
    assert "readable image (No such file or directory)" in refusal(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    assert list_images(tmp_path) == (tmp_path / "b.png",)
    assert "No such file or directory" in refusal(tmp_path / "b.png")


def test_unreadable_file_is_refused(
    shared_tmp: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    path = shared_tmp / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    path.chmod(0)
    with unprivileged():
        assert "readable image (Permission denied)" in refusal(path)


def test_exif_orientation_is_not_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert read_rgb(tmp_path / "a.jpg").shape == (4, 8, 3)


def test_listing_is_sorted_and_passes_over_what_is_no_image(tmp_path: Path) -> None:
    for name in ["b.PNG", "a.jpeg", "10.png", "9.webp", ".hidden.png", "README.md", "Thumbs.db"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["10.png", "9.webp", "a.jpeg", "b.PNG"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DataError, match=r"a\.png: expected one image named a, but a\.jpg too"):
        list_images(tmp_path)


def test_missing_folder_and_file_for_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"readable folder \(No such file or directory\)"):
        list_images(tmp_path / "gone")
    (tmp_path / "a.png").touch()
    with pytest.raises(DataError, match=r"readable folder \(Not a directory\)"):
        list_images(tmp_path / "a.png")


def test_unreadable_folder_is_refused(
    shared_tmp: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    Image.new("RGB", (8, 8)).save(shared_tmp / "a.png")
    with unprivileged():
        assert len(list_images(shared_tmp)) == 1
    shared_tmp.chmod(0)
    with unprivileged(), pytest.raises(DataError) as caught:
        list_images(shared_tmp)
    assert str(caught.value) == f"{shared_tmp}: expected a readable folder (Permission denied)"


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        ("jfif", "JPEG"),
        ("jpe", "JPEG"),
        ("avif", "AVIF"),
        ("jp2", "JPEG2000"),
        ("ppm", "PPM"),
        ("PGM", "PPM"),
        ("tga", "TGA"),
        ("gif", "GIF"),
        ("dib", "DIB"),
    ],
)
def test_types_that_are_read_alone_are_listed_in_a_folder(
    tmp_path: Path, suffix: str, form: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (16, 8), (200, 100, 50)).save(path, form)
    assert list_images(tmp_path) == (path,)
    assert read_rgb(path).shape == (8, 16, 3)


def test_an_image_type_that_cannot_be_read_is_listed_and_fails_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    assert list_images(tmp_path) == (tmp_path / "a.heic",)
    assert "expected an image" in refusal(tmp_path / "a.heic")


def test_the_rest_of_a_folder_is_told_apart_by_what_it_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "b.png.bak").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "inner").mkdir()
    listing = survey(tmp_path)
    assert listing.images == (tmp_path / "a.png",)
    assert listing.strays == (tmp_path / "b.png.bak",)
    assert listing.others == (tmp_path / "inner", tmp_path / "notes.txt")
    list_images(tmp_path)
    assert "passed over 1 file (b.png.bak)" in caplog.text


@pytest.mark.parametrize("raw", ["ARW", "cr2", "dng", "heic"])
def test_a_camera_s_raw_file_beside_its_jpeg_is_passed_over_and_named(
    tmp_path: Path, raw: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.{raw}").write_bytes(b"II*\0")
    (tmp_path / f"c.{raw}").write_bytes(b"II*\0")
    assert [path.name for path in list_images(tmp_path)] == ["a.jpg", "b.jpg", f"c.{raw}"]
    assert f"passed over 2 files (a.{raw}, b.{raw})" in caplog.text


def test_size_comes_from_the_head_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.effect_noise((31, 23), 50).save(path)
    path.write_bytes(path.read_bytes()[:60])
    assert size(path) == (23, 31)
    path.write_bytes(b"no image")
    assert size(path) is None


def test_ppm_of_more_than_8_bits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6\n2 1\n65535\n" + bytes(12))
    assert "8 bits per channel, but it has more" in refusal(tmp_path / "a.ppm")


def test_a_decoder_may_fail_in_any_way(tmp_path: Path) -> None:
    """A DDS file of a pixel format that nobody knows: Pillow has not implemented it."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.dds")
    content = bytearray((tmp_path / "a.dds").read_bytes())
    content[80:84] = bytes(4)
    (tmp_path / "a.dds").write_bytes(content)
    assert "undamaged" in refusal(tmp_path / "a.dds")
    assert size(tmp_path / "a.dds") is None

"""Archives that are hostile, damaged or odd."""

import io
import os
import stat
import tarfile
import zipfile
from pathlib import PurePosixPath

import pytest
from PIL import Image

from harness.data.fetch.archives import Limits, images
from harness.errors import DataError


def png(level=0):
    out = io.BytesIO()
    Image.new("RGB", (4, 3), (level, 0, 0)).save(out, "PNG")
    return out.getvalue()


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def make_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            if isinstance(name, tarfile.TarInfo):
                archive.addfile(name, content and io.BytesIO(content))
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def taken(source, limits=Limits()):  # noqa: B008 - a frozen value
    return {str(path): content for path, content in images(source, lambda _: True, limits)}


GOOD = {"Set5/HR/a.png": png(1), "Set5/b.JPG": png(2), "Set5/readme.txt": b"-", "._a.png": b"-"}


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_only_images_come_out_of_every_kind_of_archive(tmp_path, ending):
    path = tmp_path / f"box.{ending}"
    if ending == "zip":
        make_zip(path, GOOD)
    else:
        packing = {"tgz": "gz", "tar": ""}.get(ending, ending.removeprefix("tar."))
        make_tar(path, GOOD, f"w:{packing}")
    assert taken(path) == {"box/Set5/HR/a.png": png(1), "box/Set5/b.JPG": png(2)}


def test_a_folder_is_read_likewise_and_the_wanted_alone(tmp_path):
    for name, content in GOOD.items():
        (tmp_path / "box" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "box" / name).write_bytes(content)
    os.mkfifo(tmp_path / "box" / "endless.png")
    assert set(taken(tmp_path / "box")) == {"box/Set5/HR/a.png", "box/Set5/b.JPG"}
    found = images(tmp_path / "box", lambda path: path.parent.name == "HR")
    assert [path for path, _ in found] == [PurePosixPath("box/Set5/HR/a.png")]


@pytest.mark.parametrize(
    "name", ["../a.png", "x/../../a.png", "/etc/a.png", "\\a.png", "x\\..\\a.png", "C:/a.png"]
)
def test_paths_that_lead_out_refuse_the_whole_archive(tmp_path, name):
    members = {"fine.png": png(), name: png()}
    for path in (make_zip(tmp_path / "a.zip", members), make_tar(tmp_path / "a.tar", members)):
        with pytest.raises(DataError, match="lies outside of it"):
            taken(path)


def test_links_and_devices_are_passed_over(tmp_path):
    (tmp_path / "secret.png").write_bytes(png(9))
    special: dict[tarfile.TarInfo, None] = {}
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        member = tarfile.TarInfo(f"{kind.decode()}.png")
        member.type, member.linkname = kind, str(tmp_path / "secret.png")
        special[member] = None
    tar = make_tar(tmp_path / "a.tar", {**special, "fine.png": png(1)})
    assert taken(tar) == {"a/fine.png": png(1)}
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(link, str(tmp_path / "secret.png"))
        archive.writestr("fine.png", png(1))
    assert taken(tmp_path / "b.zip") == {"b/fine.png": png(1)}


def test_bombs_are_refused_before_they_fill_memory(tmp_path):
    limits = Limits(member_bytes=10**6, free_bytes=10**5, ratio=20)
    big = {"big.png": bytes(2 * 10**6)}
    small = {f"{n}.png": bytes(9 * 10**5) for n in range(3)}  # each of them is allowed
    for members, told in ((big, "2000000 bytes"), (small, "once unpacked")):
        for path in (
            make_zip(tmp_path / "a.zip", members),
            make_tar(tmp_path / "a.tar.gz", members, "w:gz"),
        ):
            with pytest.raises(DataError, match=f"{told}|once unpacked"):
                taken(path, limits)


def test_a_bomb_beside_the_images_of_a_tar_is_refused_too(tmp_path):
    path = make_tar(tmp_path / "a.tar.gz", {"x.bin": bytes(10**7), "a.png": png()}, "w:gz")
    with pytest.raises(DataError, match="once unpacked"):
        taken(path, Limits(free_bytes=10**5))


def test_too_many_members_are_refused(tmp_path):
    members = {f"{n}.png": png() for n in range(4)}
    for path in (make_zip(tmp_path / "a.zip", members), make_tar(tmp_path / "a.tar", members)):
        with pytest.raises(DataError, match="members"):
            taken(path, Limits(members=3))


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.xz"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_archives_are_told(tmp_path, ending, share):
    members = {f"{n}.png": os.urandom(20_000) for n in range(5)}
    path = tmp_path / f"a.{ending}"
    if ending == "zip":
        make_zip(path, members)
    else:
        make_tar(path, members, f"w:{ending.removeprefix('tar').removeprefix('.')}")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"a\.\w+"):
        taken(path)


def test_damage_within_is_told(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.png": os.urandom(20_000)})
    content = bytearray(path.read_bytes())
    content[10_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="expected a whole zip or tar"):
        taken(path)


def test_what_is_no_archive_is_told(tmp_path):
    page = tmp_path / "a.zip"
    page.write_text("<html>Please log in</html>")
    with pytest.raises(DataError, match="web page"):
        taken(page)
    with pytest.raises(DataError, match="expected a readable archive"):
        taken(tmp_path / "none.zip")


def test_a_member_without_a_name_refuses_the_whole_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("", "fine.png"):
            archive.writestr(zipfile.ZipInfo(name), png())
    with pytest.raises(DataError, match="without a name"):
        taken(tmp_path / "a.zip")

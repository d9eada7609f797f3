"""Sets that are got: from a server and from the user's own files."""

import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from harness.data import catalogue
from harness.data.fetch import registry
from harness.data.fetch.download import Patience
from harness.data.fetch.install import WORKPLACE, Order, examine, obtain
from harness.data.fetch.registry import Archive, ImageSet, Part
from harness.data.fetch.verify import part_digest, pixel_hash
from harness.data.images import read_rgb
from harness.errors import DataError, UsageError

QUICK = Patience(stall_s=0.3, attempts=2, wait_s=0.0, sleep=lambda _: None)
NAMES = ("01", "02", "03")


def picture(seed, sides=(12, 16)):
    return np.random.default_rng(seed).integers(0, 256, (*sides, 3), np.uint8)


def encode(pixels, form="PNG"):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form)
    return out.getvalue()


HR = {name: picture(int(name)) for name in NAMES}
LR = {f"{name}x2": picture(10 + int(name), (6, 8)) for name in NAMES}
LAYOUT = {
    **{f"benchmark/Toy/HR/{name}.png": encode(one) for name, one in HR.items()},
    **{f"benchmark/Toy/LR_bicubic/X2/{name}.png": encode(one) for name, one in LR.items()},
    "benchmark/Else/HR/01.png": encode(picture(99)),
}


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def known(monkeypatch):
    """Make the facts about a small set, with pixels known or not, the only ones there are."""

    def declare(*, url="http://127.0.0.1:9", pinned=True, names=NAMES, md5=None, **more):
        parts = []
        for label, scale, folder, images in (
            ("HR", 0, "HR", HR),
            ("X2", 2, "LR_bicubic/X2", LR),
        ):
            part = Part(
                "Toy", label, f"benchmark/Toy/{folder}", 3, scale,
                names=tuple(f"{name}x2" if scale else name for name in names),
                within=(f"Toy/{folder}", "Toy_LR_x2" if scale else "Toy"),
                archives=("first.tar", "second.tar"),
            )  # fmt: skip
            hashes = {name: pixel_hash(one, part) for name, one in images.items()}
            if pinned:
                pins = {name: value[:16] for name, value in hashes.items()}
                part = Part(
                    **{field: getattr(part, field) for field in Part.__slots__}
                    | {"pins": pins, "digest": part_digest(hashes)}
                )
            parts.append(part)
        toy = ImageSet("Toy", "toys", "free", "http://home", tuple(parts), **more)
        hashed = ("md5", md5) if md5 else None
        archives = {
            name: Archive(name, (f"{url}/{name}",), hashed=hashed if name == "first.tar" else None)
            for name in ("first.tar", "second.tar")
        }
        monkeypatch.setattr(registry, "known", lambda: {"Toy": toy})
        monkeypatch.setattr("harness.data.fetch.inventory.known", lambda: {"Toy": toy})
        monkeypatch.setattr("harness.data.fetch.install.archives", lambda: archives)
        monkeypatch.setattr("harness.data.fetch.inventory.archives", lambda: archives)
        monkeypatch.setattr(registry, "archives", lambda: archives)
        return toy

    return declare


def get(toy, root, **how):
    order = Order((toy,), root, **how)
    return {one.part.name: one.status for one in obtain(order, examine(order), patience=QUICK)}


def pixels_found(root):
    """The set's pixels as scoring would find them: HR and LR by name."""
    found = catalogue.find_test("Toy", root, 2)
    return (
        {path.stem: read_rgb(path) for path in found.hr},
        {path.stem: read_rgb(path) for path in found.lr or ()},
    )


def same(one, other):
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


def test_a_set_is_fetched_and_found_by_scoring_and_not_fetched_again(site, known, root):
    site.files["/first.tar"] = tar(LAYOUT)
    toy = known(url=site.url)
    assert get(toy, root) == {"HR": "ok", "X2": "ok"}
    hr, lr = pixels_found(root)
    assert same(hr, HR)
    assert same(lr, LR)
    assert not (root / WORKPLACE).exists()
    assert not (root / "benchmark/Else").exists()
    get(toy, root)
    assert len(site.asked) == 1


def test_only_what_is_lacking_is_replaced(site, known, root):
    site.files["/first.tar"] = tar(LAYOUT)
    toy = known(url=site.url)
    get(toy, root)
    (root / "benchmark/Toy/HR/02.png").unlink()
    kept = root / "benchmark/Toy/HR/01.png"
    before = kept.stat()
    assert get(toy, root) == {"HR": "ok", "X2": "ok"}
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert same(pixels_found(root)[0], HR)


def test_a_source_with_other_pixels_gives_way_to_the_next(site, known, root):
    other = {name: encode(picture(50)) if "/HR/02" in name else one for name, one in LAYOUT.items()}
    site.files["/first.tar"] = tar(other)
    site.files["/second.tar"] = tar(LAYOUT)
    assert get(known(url=site.url), root) == {"HR": "ok", "X2": "ok"}
    assert same(pixels_found(root)[0], HR)


def test_a_set_that_nobody_has_says_what_was_tried(site, known, root):
    site.files["/first.tar"] = b"<html>log in</html>" * 100
    with pytest.raises(DataError) as told:
        get(known(url=site.url), root)
    assert "could not get Toy/HR" in str(told.value)
    assert "looks like a web page" in str(told.value)
    assert f"{site.url}/second.tar: HTTP 404" in str(told.value)
    assert not (root / "benchmark").exists()


def test_a_mirror_of_the_user_comes_first(site, known, root):
    site.files["/mine/first.tar"] = tar(LAYOUT)
    get(known(url=site.url), root, mirror=f"{site.url}/mine/")
    assert [path for path, _ in site.asked] == ["/mine/first.tar"]


def test_an_archive_may_be_kept_and_is_used_again(site, known, root):
    site.files["/first.tar"] = tar(LAYOUT)
    toy = known(url=site.url)
    get(toy, root, keep=True, scales=())
    assert not (root / "benchmark/Toy/LR_bicubic").exists()
    get(toy, root, keep=True)
    assert len(site.asked) == 1


@pytest.mark.parametrize("kind", ["folder", "zip", "folder of archives"])
def test_the_users_files_do_without_a_download(tmp_path, known, root, kind):
    toy = known()
    origin = tmp_path / "mine"
    if kind == "folder":
        for name, content in LAYOUT.items():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            (origin / name).write_bytes(content)
    else:
        origin.mkdir()
        with zipfile.ZipFile(origin / "x.zip", "w") as archive:
            for name, content in LAYOUT.items():
                archive.writestr(name, content)
        origin = origin / "x.zip" if kind == "zip" else origin
    assert get(toy, root, origins=(origin,)) == {"HR": "ok", "X2": "ok"}
    assert same(pixels_found(root)[0], HR)


def test_known_pixels_are_recognised_under_any_name_and_format(tmp_path, known, root):
    origin = tmp_path / "holiday"
    origin.mkdir()
    for number, one in enumerate(HR.values()):
        (origin / f"photo{number}.bmp").write_bytes(encode(one, "BMP"))
    assert get(known(), root, origins=(origin,)) == {"HR": "ok", "X2": "missing"}
    hr, lr = pixels_found(root)
    assert same(hr, HR)
    assert lr == {}
    assert {path.suffix for path in (root / "benchmark/Toy/HR").iterdir()} == {".png"}


def test_grey_stays_grey_in_another_format(tmp_path, known, root):
    origin = tmp_path / "Toy"
    origin.mkdir()
    for name in NAMES:
        (origin / f"{name}.bmp").write_bytes(encode(HR[name][..., 0], "BMP"))
    get(known(pinned=False), root, origins=(origin,))
    with Image.open(root / "benchmark/Toy/HR/01.png") as image:
        assert image.mode == "L"


def test_unknown_pixels_go_by_folder_and_name_and_are_recorded(tmp_path, known, root):
    origin = tmp_path / "Toy"
    origin.mkdir()
    for name, one in HR.items():
        (origin / f"0_{name[1:]}.png").write_bytes(encode(one))  # as SelfExSR writes img_001
    (origin / "thumbnail.png").write_bytes(encode(picture(70)))
    toy = known(pinned=False)
    assert get(toy, root, origins=(origin,)) == {"HR": "unverified", "X2": "missing"}
    assert same(pixels_found(root)[0], HR)
    (root / "benchmark/Toy/HR/02.png").write_bytes(encode(picture(71)))
    with pytest.raises(DataError, match=r"differs.*\n.*02.png: expected pixels"):
        get(toy, root)


def test_an_archive_of_known_hash_makes_its_images_verified(site, known, root):
    site.files["/first.tar"] = tar(LAYOUT)
    md5 = hashlib.md5(site.files["/first.tar"]).hexdigest()
    toy = known(url=site.url, pinned=False, md5=md5)
    assert get(toy, root) == {"HR": "ok", "X2": "ok"}


def test_a_users_archive_must_be_what_its_name_says(tmp_path, known, root):
    (tmp_path / "first.tar").write_bytes(tar(LAYOUT))
    toy = known(pinned=False, md5="0" * 32)
    with pytest.raises(DataError, match=f"expected md5 {'0' * 32}, found"):
        get(toy, root, origins=(tmp_path / "first.tar",))


def test_a_set_whose_names_are_unknown_must_have_its_number_of_images(tmp_path, known, root):
    origin = tmp_path / "Toy"
    origin.mkdir()
    for name, one in list(HR.items())[:2]:
        (origin / f"{name}.png").write_bytes(encode(one))
    toy = known(pinned=False, names=())
    with pytest.raises(DataError, match="Toy/HR lacks 2 images instead of 3"):
        get(toy, root, origins=(origin,))
    (origin / "03.png").write_bytes(encode(HR["03"]))
    assert get(toy, root, origins=(origin,))["HR"] == "unverified"


def test_the_layouts_in_use_are_understood(tmp_path, root, invoke):
    """EDSR's DIV2K has all images in the training folders; SelfExSR's Urban100 an underscore."""
    tiny, half = encode(picture(1, (4, 4))), encode(picture(2, (2, 2)))
    members: dict[str, bytes] = {}
    for folder, names, content in (
        ("DIV2K/DIV2K_train_HR", [f"{n:04}" for n in range(1, 901)], tiny),
        ("DIV2K/DIV2K_train_LR_unknown/X2", [f"{n:04}x2" for n in range(1, 901)], b"not these"),
        ("Urban100_HR", [f"img_{n:03}" for n in range(1, 101)], tiny),
        ("Urban100_LR_x2", [f"img_{n:03}" for n in range(1, 101)], half),
        ("Manga109/HR", [f"Title{n}" for n in range(109)], tiny),
    ):
        members |= {f"{folder}/{name}.png": content for name in names}
    mine = tmp_path / "mine.tar"
    mine.write_bytes(tar(members))
    sets_wanted = ("DIV2K", "Urban100", "Manga109")
    done = invoke(
        "data", "prepare", *sets_wanted, "--data-root", root, "--from", mine, "--scale", "2"
    )
    assert done.exit_code == 0, done.output
    (div2k,) = catalogue.find_train("DIV2K", root, 2)
    assert [div2k.images[0].name, div2k.images[-1].name] == ["0001.png", "0800.png"]
    assert div2k.lr is None  # of another track
    assert len(catalogue.find_test("DIV2K", root, 2).hr) == 100
    urban = catalogue.find_test("Urban100", root, 2)
    assert urban.lr is not None
    assert [urban.hr[99].name, urban.lr[99].name] == ["img100.png", "img100x2.png"]
    assert len(catalogue.find_test("Manga109", root, 2).hr) == 109


def test_damaged_images_are_not_laid_out(tmp_path, known, root):
    origin = tmp_path / "Toy"
    origin.mkdir()
    for name, one in HR.items():
        (origin / f"{name}.png").write_bytes(encode(one)[: -200 if name == "02" else None])
    with pytest.raises(DataError, match=r"Toy/02.png: expected"):
        get(known(pinned=False), root, origins=(origin,))
    assert not (root / "benchmark").exists()


def test_two_images_for_one_place_are_refused_unless_they_are_the_same(tmp_path, known, root):
    for folder in ("a/Toy", "b/Toy"):
        (tmp_path / "mine" / folder).mkdir(parents=True)
        for name, one in HR.items():
            (tmp_path / "mine" / folder / f"{name}.png").write_bytes(encode(one))
    toy = known(pinned=False)
    assert get(toy, root, origins=(tmp_path / "mine",))["HR"] == "unverified"
    (tmp_path / "mine/b/Toy/02.png").write_bytes(encode(HR["03"]))
    with pytest.raises(DataError, match=r"one of mine/a/Toy/02.png and mine/b/Toy/02.png"):
        get(toy, tmp_path / "other", origins=(tmp_path / "mine",))


def test_what_must_not_be_trained_on_is_listed_once(tmp_path, known, root):
    (tmp_path / "x.tar").write_bytes(tar(LAYOUT))
    (root / "train").mkdir(parents=True)
    (root / "train/EXCLUDE.txt").write_text("Other/1.png")
    toy = known(exclude={"01.png": "it is a test image"})
    for _ in range(2):
        get(toy, root, origins=(tmp_path / "x.tar",))
    expected = "Other/1.png\nToy/01.png  # it is a test image\n"
    assert (root / "train/EXCLUDE.txt").read_text() == expected


def test_what_cannot_be_is_told_before_anything_starts(known, root, tmp_path):
    by_hand = known(by_hand="ask for it")
    with pytest.raises(UsageError, match="cannot be downloaded: ask for it"):
        examine(Order((by_hand,), root))
    with pytest.raises(UsageError, match=r"none.zip: expected an archive or a folder"):
        examine(Order((by_hand,), root, origins=(tmp_path / "none.zip",)))
    with pytest.raises(UsageError, match="http or https"):
        examine(Order((known(),), root, mirror="file:///etc"))
    assert not root.exists()


def test_the_commands_go_together(site, known, root, invoke):
    site.files["/first.tar"] = tar(LAYOUT)
    known(url=site.url)
    refused = invoke("data", "prepare", "Toy", "--data-root", root)
    assert refused.exit_code == 2
    assert "free (http://home)" in refused.stdout  # the terms come first
    assert not site.asked
    assert invoke("data", "verify", "Toy", "--data-root", root).exit_code == 1
    done = invoke(
        "data", "prepare", "Toy", "--data-root", root, "--yes", "--scale", "none", "--keep"
    )
    assert done.exit_code == 0, done.output
    assert [path.name for path in (root / ".downloads").glob("*.tar")] == ["first.tar"]
    assert "Toy/HR" in done.stdout
    listed = invoke("data", "list", "--data-root", root, "--format", "json")
    (toy,) = json.loads(listed.stdout)
    assert (toy["name"], toy["images"], toy["state"]) == ("Toy", 3, "verified")
    (root / "benchmark/Toy/HR/03.png").write_bytes(encode(picture(5)))
    wrong = invoke("data", "verify", "--data-root", root)
    assert wrong.exit_code == 1
    assert "03.png: expected pixels" in wrong.stdout


@pytest.mark.parametrize("text", ["5", "2,x", "2;3"])
def test_a_wrong_scale_is_a_usage_error(known, root, invoke, text):
    known()
    done = invoke("data", "prepare", "Toy", "--data-root", root, "--scale", text)
    assert done.exit_code == 2
    assert text in done.output

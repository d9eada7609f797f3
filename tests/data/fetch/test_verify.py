"""The facts about sets, and sets compared with them."""

import hashlib
import shutil

import numpy as np
import pytest
from PIL import Image

from harness.data.catalogue import find_train
from harness.data.fetch import inventory, registry
from harness.data.fetch.ledger import FILE, Seen
from harness.data.fetch.matching import place
from harness.data.fetch.registry import Part
from harness.data.fetch.verify import check, glance, leaks, pixel_hash
from harness.data.images import list_images, read_rgb
from harness.data.resize import crop_to_multiple, downscale
from harness.errors import DataError, UsageError


def test_every_set_has_its_parts_and_every_part_its_archives():
    known = registry.known()
    sizes = {name: one.images for name, one in known.items()}
    assert sizes == {
        "DIV2K": 900, "Set5": 5, "Set14": 14, "B100": 100, "Urban100": 100, "Manga109": 109,
        "T291": 291, "General100": 100,
    }  # fmt: skip
    for one in known.values():
        assert one.licence
        assert one.home.startswith("http")
        for part in one.parts:
            assert set(part.archives) <= set(registry.archives())
            assert bool(part.archives) != bool(one.by_hand)
            assert not part.pins or len(part.pins) == part.images
            assert bool(part.pins) == bool(part.digest)


def test_addresses_are_secure_but_where_the_official_one_is_not():
    insecure = {
        url.split("/")[2]
        for archive in registry.archives().values()
        for url in archive.urls
        if not url.startswith("https://")
    }
    assert insecure == {
        "vllab1.ucmerced.edu", "vllab.ucmerced.edu", "www.eecs.berkeley.edu"
    }  # fmt: skip


def test_div2k_is_pinned_by_its_published_hashes():
    half = registry.known()["DIV2K"].parts
    archives = [registry.archives()[part.archives[0]] for part in half]
    assert len(archives) == 10
    assert all(one.size and one.hashed and one.hashed[0] == "sha256" for one in archives)
    assert [half[1].names[0], half[-1].names[-1]] == ["0001x2", "0900x8"]


def test_other_names_lead_to_the_same_set_and_wrong_ones_to_the_nearest():
    assert [one.name for one in registry.named(["BSD100", "T91", "T291"])] == ["B100", "T291"]
    with pytest.raises(UsageError, match="did you mean 'Set14'"):
        registry.named(["Set41"])


def test_the_pixel_hash_is_sha256_of_shape_and_pixels():
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    part = Part("a", "HR", "x", None)
    assert pixel_hash(image, part) == hashlib.sha256(b"(2, 3, 3)" + bytes(range(18))).hexdigest()
    cut = Part("a", "HR", "x", None, first_sides=2)
    assert pixel_hash(image, cut) == pixel_hash(np.ascontiguousarray(image[:, :2]), part)


@pytest.fixture
def own(tmp_path):
    """A set of the user's own, laid out as the known ones."""
    folder = tmp_path / "benchmark/Mine/HR"
    folder.mkdir(parents=True)
    for name in "ab":
        Image.new("RGB", (5, 4), "red" if name == "a" else "blue").save(folder / f"{name}.png")
    return tmp_path


def statuses(root):
    return [one.state for one in inventory.take_stock(root) if one.set.name == "Mine"]


def test_a_set_of_any_name_is_recorded_when_first_seen_and_compared_after(own):
    (mine,) = inventory.on_disk(own)
    (part,) = mine.parts
    assert statuses(own) == ["complete, not verified yet"]
    assert check(part, own, Seen(own)).status == "unverified"
    assert statuses(own) == ["unverified, as first seen"]
    Image.new("RGB", (5, 4), "green").save(own / "benchmark/Mine/HR/b.png")
    assert statuses(own) == ["complete, not verified yet"]
    finding = check(part, own, Seen(own))
    assert finding.status == "differs"
    assert len(finding.problems) == 1
    assert "b.png" in finding.problems[0]


@pytest.mark.parametrize("change", ["more", "fewer", "damaged"])
def test_every_other_change_differs_too(own, change):
    (part,) = inventory.on_disk(own)[0].parts
    check(part, own, Seen(own))
    file = own / "benchmark/Mine/HR/b.png"
    if change == "more":
        shutil.copy(file, file.with_name("c.png"))
    elif change == "fewer":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:40])
    assert check(part, own, Seen(own)).status == "differs"


def test_packing_a_file_anew_changes_nothing(own):
    (part,) = inventory.on_disk(own)[0].parts
    check(part, own, Seen(own))
    file = own / "benchmark/Mine/HR/b.png"
    Image.open(file).save(file.with_suffix(".bmp"))
    file.unlink()
    assert check(part, own, Seen(own)).status == "unverified"


def test_what_is_passed_over_in_own_sets_is_said_once(own, caplog):
    shutil.copy(own / "benchmark/Mine/HR/a.png", own / "benchmark/Mine/HR/a.bak")
    inventory.on_disk(own)
    assert caplog.text.count("passed over 1 file (a.bak)") == 1


def test_own_sets_are_listed_as_they_are_read(own):
    """In whatever layout scoring takes; what it refuses is told, and is no end of the list."""

    def write(place, side):
        (own / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (side, side)).save(own / place)

    for name in "ab":
        write(f"benchmark/Pairs/{name}_HR.png", 8)
        write(f"benchmark/Pairs/{name}_LR.png", 4)
        write(f"benchmark/Lower/hr/{name}.png", 8)
        write(f"benchmark/Lower/LR_unknown/X4/{name}x4.png", 2)
        write(f"Flickr2K/Flickr2K_HR/{name}.png", 8)
        write(f"Flickr2K/Flickr2K_LR_bicubic/X2/{name}x2.png", 4)
        write(f"train/DIV2K/DIV2K_train_HR/{name}.png", 8)
    write("benchmark/Odd/a.png", 8)
    write("benchmark/Odd/a.bmp", 8)
    (own / "benchmark/Empty").mkdir()
    stock = {one.set.name: one for one in inventory.take_stock(own)}
    found = {
        name: {finding.part.name: finding.found for finding in stock[name].findings}
        for name in ("Pairs", "Lower", "Flickr2K", "Mine")
    }
    assert found == {
        "Pairs": {"HR": 2, "X2": 2},
        "Lower": {"HR": 2, "X4": 2},
        "Flickr2K": {"HR": 2, "X2": 2},
        "Mine": {"HR": 2},
    }
    assert stock["Odd"].state.startswith("differs")
    assert "expected one image named a" in stock["Odd"].findings[0].problems[0]
    assert stock["Empty"].state == "absent"
    assert stock["DIV2K"].state != "absent"
    (hr, x2) = stock["Pairs"].set.parts
    assert {check(part, own, Seen(own)).status for part in (hr, x2)} == {"unverified"}
    write("benchmark/Pairs/c_HR.png", 8)
    write("benchmark/Pairs/c_LR.png", 4)
    assert check(x2, own, Seen(own)).status == "differs"


def test_a_published_set_below_train_is_filled_where_it_lies(tmp_path):
    """Training finds one place alone, so HR and LR must not part."""

    def write(place, side):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (side, side)).save(tmp_path / place)

    write("train/DIV2K/DIV2K_train_HR/0001.png", 8)
    write("new/0001x2.png", 4)
    part = Part("DIV2K", "X2", "DIV2K/DIV2K_train_LR_bicubic/X2", 1, scale=2)
    place(part, tmp_path / "new", tmp_path)
    (found,) = find_train("DIV2K", tmp_path, 2)
    assert found.lr_from == "DIV2K_train_LR_bicubic/X2"


def test_a_damaged_record_is_told(own):
    (own / FILE).write_text("{")
    with pytest.raises(DataError, match=FILE):
        Seen(own)


def test_the_leak_of_t291_is_told(tmp_path):
    t291 = registry.known()["T291"]
    assert "BSD200_302003.png: it is Set5's woman" in leaks(t291, tmp_path)[0]
    (tmp_path / "train").mkdir()
    (tmp_path / "train/EXCLUDE.txt").write_text("T291/BSD200_302003.png\nT291/T91_t65.png # twin\n")
    assert leaks(t291, tmp_path) == ()


def test_without_a_root_the_sets_are_listed_and_nothing_verified(invoke):
    listed = invoke("data", "list")
    assert listed.exit_code == 0
    assert ["Urban100", "absent"] in [line.split()[:2] for line in listed.stdout.splitlines()]
    assert "academic research only" in listed.stdout
    done = invoke("data", "verify")
    assert done.exit_code == 2
    assert "HARNESS_DATA" in done.output


@pytest.mark.data
@pytest.mark.parametrize("name", ["Set5", "Set14", "B100", "T291", "General100"])
def test_the_real_sets_are_those_pinned(data_root, name, tmp_path):
    one = registry.known()[name]
    seen = Seen(tmp_path)  # not the user's record
    for part in one.parts:
        if glance(part, data_root, seen).status == "missing":
            pytest.skip(f"HARNESS_DATA lacks {part.id}")
        finding = check(part, data_root, seen)
        assert (finding.status, finding.problems) == ("ok", ())


@pytest.mark.data
def test_the_pins_of_b100_hold_with_the_last_row_or_column_too(data_root):
    part = registry.known()["B100"].parts[0]
    for file in list_images(data_root / part.folder)[:3]:
        image = read_rgb(file)[:480, :480]
        longer = np.pad(image, [(0, side == 480) for side in image.shape])
        assert 481 in longer.shape
        assert pixel_hash(longer, part).startswith((part.pins or {})[file.stem])


@pytest.mark.data
@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_pins_of_lr_are_those_of_lr_made_from_hr(data_root, number):
    for name in ("Set5", "Set14"):
        hr, lr = registry.known()[name].parts[0], registry.known()[name].parts[number]
        for file in list_images(data_root / hr.folder)[:3]:
            made = downscale(crop_to_multiple(read_rgb(file), lr.scale), lr.scale)
            pinned = (lr.pins or {})[f"{file.stem}x{lr.scale}"]
            assert pixel_hash(made, lr).startswith(pinned)

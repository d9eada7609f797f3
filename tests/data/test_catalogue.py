"""Sets by name: layouts, joins, exclusions, the bundled sample, and unknown names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import skimage

from harness.data import catalogue
from harness.data.catalogue import find_test, find_train, names
from harness.data.images import read_rgb
from harness.errors import DataError, UsageError


def touch(folder: Path, *files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).touch()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    touch(tmp_path / "train" / "T291", "b.png", "a.png", "c.png", "README.md")
    touch(tmp_path / "train" / "General100", "im_1.png")
    touch(tmp_path / "benchmark" / "Set5" / "HR", "baby.png", "bird.png")
    touch(tmp_path / "benchmark" / "Set5" / "LR_bicubic" / "X2", "babyx2.png", "birdx2.png")
    return tmp_path


def stems(paths: tuple[Path, ...] | None) -> list[str] | None:
    return None if paths is None else [path.stem for path in paths]


def test_training_set_is_found_by_its_folder(root: Path) -> None:
    (found,) = find_train("T291", root, 2)
    assert (found.name, stems(found.images), found.lr) == ("T291", ["a", "b", "c"], None)


def test_sets_are_joined_in_the_order_given(root: Path) -> None:
    assert [one.name for one in find_train("T291+General100", root, 2)] == ["T291", "General100"]
    assert [one.name for one in find_train("sample + T291", root, 2)] == ["sample", "T291"]


def test_set_given_twice_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="'T291' is given twice"):
        find_train("T291+General100+T291", root, 2)


def test_listed_images_are_left_out_with_their_lr(root: Path) -> None:
    lr = root / "train" / "T291" / "LR_bicubic" / "X2"
    touch(lr, "ax2.png", "bx2.png", "cx2.png")
    (root / "train" / "EXCLUDE.txt").write_text(
        "# leak\n\nT291/b.png # a test image\nOther/a.png\n"
    )
    (found,) = find_train("T291", root, 2)
    assert stems(found.images) == ["a", "c"]
    assert stems(found.lr) == ["ax2", "cx2"]
    assert found.excluded == ("b.png",)


def test_list_applies_to_a_set_given_by_path(root: Path) -> None:
    (root / "train" / "EXCLUDE.txt").write_text("T291/a.png\n")
    (found,) = find_train(str(root / "train" / "T291"), None, 2)
    assert found.excluded == ("a.png",)


def test_listed_image_that_is_not_there_is_warned_about(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "train" / "EXCLUDE.txt").write_text("T291/a.bmp\n")
    with caplog.at_level(logging.WARNING):
        find_train("T291", root, 2)
    assert "EXCLUDE.txt lists T291/a.bmp, which is not there" in caplog.text


def test_list_of_every_image_leaves_nothing(root: Path) -> None:
    (root / "train" / "EXCLUDE.txt").write_text("General100/im_1.png\n")
    with pytest.raises(DataError, match="lists every image"):
        find_train("General100", root, 2)


@pytest.mark.parametrize("line", ["a.png", "T291/", "/a.png"])
def test_malformed_list_is_refused_by_line(root: Path, line: str) -> None:
    (root / "train" / "EXCLUDE.txt").write_text(f"T291/a.png\n{line}\n")
    with pytest.raises(DataError, match=r"EXCLUDE\.txt, line 2: expected SET/FILE\.png"):
        find_train("T291", root, 2)


def test_list_that_is_no_text_is_refused(root: Path) -> None:
    (root / "train" / "EXCLUDE.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"EXCLUDE\.txt: expected a readable text file"):
        find_train("T291", root, 2)


@pytest.mark.parametrize("home", [".", "train"])
@pytest.mark.parametrize(("scale", "lr"), [(2, "LR_bicubic/X2"), (8, "LR_x8")])
def test_div2k_is_read_as_published(tmp_path: Path, home: str, scale: int, lr: str) -> None:
    folder = tmp_path / home / "DIV2K"
    touch(folder / "DIV2K_train_HR", "0001.png", "0002.png")
    touch(folder / f"DIV2K_train_{lr}", f"0001x{scale}.png", f"0002x{scale}.png")
    assert "DIV2K" in names(tmp_path, "train")
    (found,) = find_train("DIV2K", tmp_path, scale)
    assert stems(found.images) == ["0001", "0002"]
    assert stems(found.lr) == [f"0001x{scale}", f"0002x{scale}"]


def test_div2k_without_lr_of_the_scale_makes_it(tmp_path: Path) -> None:
    touch(tmp_path / "DIV2K" / "DIV2K_train_HR", "0001.png")
    touch(tmp_path / "DIV2K" / "DIV2K_train_LR_bicubic" / "X2", "0001x2.png")
    assert find_train("DIV2K", tmp_path, 3)[0].lr is None


def test_div2k_is_tested_on_its_validation_images(tmp_path: Path) -> None:
    touch(tmp_path / "DIV2K" / "DIV2K_train_HR", "0001.png")
    assert "DIV2K" not in names(tmp_path, "test")
    touch(tmp_path / "DIV2K" / "DIV2K_valid_HR", "0801.png")
    assert stems(find_test("DIV2K", tmp_path, 2).hr) == ["0801"]


def test_div2k_in_the_root_obeys_the_list_of_the_root(tmp_path: Path) -> None:
    touch(tmp_path / "DIV2K" / "DIV2K_train_HR", "0001.png", "0002.png")
    touch(tmp_path / "train")
    (tmp_path / "train" / "EXCLUDE.txt").write_text("DIV2K/0001.png\n")
    assert find_train("DIV2K", tmp_path, 2)[0].excluded == ("0001.png",)


def test_test_set_has_its_lr_files_in_order(root: Path) -> None:
    found = find_test("Set5", root, 2)
    assert stems(found.hr) == ["baby", "bird"]
    assert stems(found.lr) == ["babyx2", "birdx2"]
    assert find_test("Set5", root, 4).lr is None


def test_missing_lr_file_is_named(root: Path) -> None:
    (root / "benchmark" / "Set5" / "LR_bicubic" / "X2" / "birdx2.png").unlink()
    with pytest.raises(DataError, match=r"X2: expected birdx2\.png .* 1 of them have no LR"):
        find_test("Set5", root, 2)


def test_missing_hr_folder_is_named(root: Path) -> None:
    touch(root / "benchmark" / "Set14" / "LR_bicubic" / "X2", "comicx2.png")
    with pytest.raises(DataError, match="Set14: expected images or a folder HR"):
        find_test("Set14", root, 2)
    touch(root / "train" / "DIV2K" / "DIV2K_train_LR_bicubic" / "X2", "0001x2.png")
    with pytest.raises(DataError, match="DIV2K_train_HR: expected the HR images"):
        find_train("DIV2K", root, 2)


def test_empty_folders_are_refused_by_name(root: Path) -> None:
    touch(root / "train" / "Empty", "README.md")
    touch(root / "benchmark" / "Hollow" / "HR")
    with pytest.raises(DataError, match=r"Empty: expected images"):
        find_train("Empty", root, 2)
    with pytest.raises(DataError, match=r"HR: expected images, but there are none"):
        find_test("Hollow", root, 2)


@pytest.mark.parametrize("tail", ["", "/"])
def test_path_to_a_folder_of_images_is_a_set(tmp_path: Path, tail: str) -> None:
    touch(tmp_path / "my+photos", "a.JPG", "b.png")
    (train,) = find_train(f"{tmp_path}/my+photos{tail}", None, 2)
    test = find_test(f"{tmp_path}/my+photos{tail}", None, 2)
    assert (train.name, stems(train.images)) == ("my+photos", ["a", "b"])
    assert (test.name, stems(test.hr)) == ("my+photos", ["a", "b"])


def test_relative_path_has_the_folder_s_own_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / "train" / "T291")
    assert find_train(".", None, 2)[0].name == "T291"
    assert find_train("../General100", None, 2)[0].name == "General100"


def test_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone: expected a folder of images, but there is none"):
        find_train(str(tmp_path / "gone"), None, 2)


@pytest.mark.parametrize(("wrong", "hint"), [("T292", "T291"), ("general100", "General100")])
def test_unknown_name_gets_the_nearest(root: Path, wrong: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"training set '{wrong}' .*did you mean '{hint}'"):
        find_train(wrong, root, 2)


def test_case_matters_because_records_carry_the_name(root: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'Set5'"):
        find_test("set5", root, 2)


def test_unknown_name_of_a_folder_here_gets_the_slash(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    with pytest.raises(UsageError, match=r"a path needs a slash: \./benchmark"):
        find_train("benchmark", root, 2)


def test_name_without_a_root_says_how_to_give_one() -> None:
    with pytest.raises(UsageError, match=r"HARNESS_DATA or data\.root"):
        find_test("Set5", None, 2)


def test_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone: expected the data root"):
        find_test("Set5", tmp_path / "gone", 2)


def test_names_are_those_of_the_folders(root: Path) -> None:
    touch(root / "train" / ".cache")
    assert names(root, "train") == ("sample", "General100", "T291")
    assert names(root, "test") == ("sample", "Set5")
    assert names(None, "test") == ("sample",)


def test_unreadable_folder_is_refused(
    shared_tmp: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    touch(shared_tmp / "benchmark" / "Set5" / "HR", "baby.png")
    with unprivileged():
        assert names(shared_tmp, "test") == ("sample", "Set5")
    (shared_tmp / "benchmark").chmod(0)
    with unprivileged(), pytest.raises(DataError, match=r"benchmark: .*Permission denied"):
        find_test("Set5", shared_tmp, 2)
    with unprivileged(), pytest.raises(DataError, match=r"Set5: .*Permission denied"):
        find_test(str(shared_tmp / "benchmark" / "Set5"), None, 2)


def test_sample_photographs_lie_in_the_installed_package() -> None:
    (train,) = find_train("sample", None, 2)
    for path in (*train.images, *find_test("sample", None, 2).hr):
        assert path.parent == Path(skimage.__file__).parent / "data"
        image = read_rgb(path)
        assert min(image.shape[:2]) >= 300
        assert image.std(axis=2).max() > 0  # in colour


def test_sample_halves_share_no_scene() -> None:
    (train,) = find_train("sample", None, 2)
    test = find_test("sample", None, 2)
    assert stems(test.hr) == ["astronaut", "chelsea", "coffee"]
    scenes = {path.stem.removesuffix("_left").removesuffix("_right") for path in train.images}
    assert scenes == {"hubble_deep_field", "ihc", "motorcycle", "rocket"}


def test_sample_without_scikit_image_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find_spec", lambda _: None)
    with pytest.raises(DataError, match="sample: expected scikit-image"):
        find_test("sample", None, 2)


@pytest.mark.data
def test_real_training_images_leave_out_the_leak_and_the_copy(data_root: Path) -> None:
    (t291,) = find_train("T291", data_root, 2)
    assert len(t291.images) == 289
    assert t291.excluded == ("BSD200_302003.png", "T91_t65.png")
    assert len(find_train("General100", data_root, 2)[0].images) == 100


@pytest.mark.data
@pytest.mark.parametrize(("name", "count"), [("Set5", 5), ("Set14", 14), ("B100", 100)])
def test_real_test_sets_have_lr_at_every_scale(data_root: Path, name: str, count: int) -> None:
    for scale in (2, 3, 4, 8):
        found = find_test(name, data_root, scale)
        assert found.lr is not None
        assert len(found.hr) == len(found.lr) == count


def test_no_other_set_is_put_in_the_place_of_one_that_can_be_got() -> None:
    with pytest.raises(UsageError) as error:
        find_test("Set5", None, 2)
    assert "Set14" not in str(error.value)
    assert "harness data prepare Set5" in str(error.value)
    with pytest.raises(UsageError, match="did you mean 'Set5'"):
        find_test("Set55", None, 2)

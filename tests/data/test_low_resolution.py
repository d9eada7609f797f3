"""LR files of a user in every usual layout: read, refused by name, or made with a word."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.catalogue import find_test, find_train, lr_text
from harness.errors import DataError

SIDE = 24


def write(path: Path, scale: int = 1) -> None:
    """Write an image of the side of HR by a scale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((SIDE // scale, SIDE // scale, 3), 99, np.uint8)).save(path)


def make(home: Path, hr: str, lr: str, scale: int = 2) -> Path:
    """Make a set of two images, ``{}`` standing for their names."""
    for name in ("baby", "bird"):
        write(home / hr.format(name))
        write(home / lr.format(name), scale)
    return home


def found(home: Path, scale: int = 2, lr: str | None = None) -> tuple[list[str], str]:
    test = find_test(str(home), None, scale, lr=lr)
    assert [path.stem.removeprefix("HR_")[:4] for path in test.hr] == ["baby", "bird"]
    files = test.lr or ()
    return [path.relative_to(home).as_posix() for path in files], test.lr_from


LAYOUTS = [
    ("HR/{}.png", "LR/{}.png"),
    ("HR/{}.png", "LR/X2/{}x2.png"),
    ("HR/{}.png", "LR/x2/{}.png"),
    ("HR/{}.png", "LRbicx2/{}.png"),
    ("HR/{}.png", "LR_bicubic/x2/{}.png"),
    ("HR/{}.png", "LR_bicubic/X2/{}.png"),
    ("HR/{}.png", "LR_bicubic/X2/{}x2.png"),
    ("HR/{}.png", "LRx2/{}.jpg"),
    ("HR/{}.png", "lq/{}_LR.png"),
    ("HR/{}_HR_x2.png", "LRBI/{}_LRBI_x2.png"),
    ("hr/{}.png", "lr/{}.png"),
    ("GTmod12/{}.png", "LRbicx2/{}.png"),
    ("{}.png", "LR/{}.png"),
    ("{}_HR.png", "{}_LR.png"),
    ("{}.png", "{}_LR.png"),
    ("{}.png", "{}x2.png"),
    ("{}_SRF_2_HR.png", "{}_SRF_2_LR.png"),
    ("val_HR/{}.png", "val_LR/{}.png"),
    ("HR/{}.png", "X2/{}x2.png"),
    ("{}_hr.png", "{}_lr.png"),
    ("{}HR.png", "{}LR.png"),
    ("{}_HR.jpg", "{}_LRx2.png"),
    ("HR_{}.png", "LR_{}.png"),
    ("{}_HR.png", "{}_LR2.png"),
    ("2/{}_HR.png", "2/{}_LR2.png"),
    ("HR/{}_HR.png", "HR/{}_LR.png"),
    ("HR/{}.png", "HR/{}_LR.png"),
    ("HR/{}_HR.png", "LR/{}_LR.png"),
    ("HR/{}_HR.png", "{}_LR.png"),
    ("HR/{}.png", "{}x2.png"),
    ("image_SRF_2/{}_SRF_2_HR.png", "image_SRF_2/{}_SRF_2_LR.png"),
    ("X2/{}_HR.png", "X2/{}_LR.png"),
]


@pytest.mark.parametrize(("hr", "lr"), LAYOUTS)
def test_lr_files_are_read_in_the_usual_layouts(tmp_path: Path, hr: str, lr: str) -> None:
    files, source = found(make(tmp_path / "own", hr, lr))
    assert files == [lr.format("baby"), lr.format("bird")]
    hr_folder, folder = (name.rpartition("/")[0] for name in (hr, lr))
    assert source == ("the files beside HR" if folder == hr_folder else folder or ".")


@pytest.mark.parametrize(("hr", "lr"), LAYOUTS)
def test_training_sets_read_the_same_files(tmp_path: Path, hr: str, lr: str) -> None:
    home = make(tmp_path / "own", hr, lr)
    (train,) = find_train(str(home), None, 2)
    test = find_test(str(home), None, 2)
    assert (train.images, train.lr, train.lr_from) == (test.hr, test.lr, test.lr_from)


def test_a_folder_of_hr_has_its_lr_beside_it(tmp_path: Path) -> None:
    make(tmp_path, "HR/{}.png", "LR/{}.png")
    test = find_test(str(tmp_path / "HR"), None, 2)
    assert test.lr is not None
    assert test.lr[0] == tmp_path / "LR" / "baby.png"


def test_bicubic_comes_first_and_the_other_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, "HR/{}.png", "LR_bicubic/X2/{}x2.png")
    make(tmp_path, "HR/{}.png", "LR_unknown/X2/{}x2.png")
    with caplog.at_level(logging.WARNING):
        assert found(tmp_path)[1] == "LR_bicubic/X2"
    assert "not from LR_unknown/X2" in caplog.text
    for choice in ("LR_unknown", "LR_unknown/X2", str(tmp_path / "LR_unknown")):
        assert found(tmp_path, lr=choice)[1] == "LR_unknown/X2"
    assert found(tmp_path, lr="made") == ([], "")
    with pytest.raises(DataError, match="a folder of LR files, 'LR_unknwon'"):
        found(tmp_path, lr="LR_unknwon")


def test_files_beside_hr_are_one_kind_of_several(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, "{}_HR.png", "{}_LR.png")
    make(tmp_path, "{}_HR.png", "LR_bicubic/X2/{}x2.png")
    with caplog.at_level(logging.WARNING):
        assert found(tmp_path)[1] == "LR_bicubic/X2"
    assert "not from the files beside HR" in caplog.text
    assert found(tmp_path, lr=".") == (["baby_LR.png", "bird_LR.png"], "the files beside HR")
    assert found(tmp_path, lr="made") == ([], "")
    (tmp_path / "LR_bicubic").rename(tmp_path / "LR_unknown")
    with pytest.raises(DataError, match="the files beside HR, LR_unknown/X2: choose by"):
        found(tmp_path)


def test_lr_that_does_not_fit_is_named_where_another_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path, "HR/{}.png", "LR_bicubic/X2/{}x2.png")
    make(tmp_path, "HR/{}.png", "LR_unknown/X2/{}x2.png")
    (tmp_path / "LR_bicubic" / "X2" / "birdx2.png").unlink()
    with caplog.at_level(logging.WARNING):
        assert found(tmp_path)[1] == "LR_unknown/X2"
    assert "LR_bicubic/X2: expected birdx2.png" in caplog.text


def test_pairs_of_another_scale_only_are_refused_by_name(tmp_path: Path) -> None:
    make(tmp_path, "image_SRF_4/{}_SRF_4_HR.png", "image_SRF_4/{}_SRF_4_LR.png", scale=4)
    with pytest.raises(DataError, match=r"expected images or a folder HR.*: image_SRF_4"):
        found(tmp_path)
    assert len(found(tmp_path, 4)[0]) == 2


def test_lr_of_a_scale_without_hr_is_no_set(tmp_path: Path) -> None:
    for name in ("baby", "bird"):
        write(tmp_path / "X2" / f"{name}.png", 2)
    with pytest.raises(DataError, match="expected images or a folder HR"):
        found(tmp_path)


def test_what_is_passed_over_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path, "{}.png", "LR/{}.png")
    (tmp_path / "baby.png").with_suffix(".bak").write_bytes((tmp_path / "baby.png").read_bytes())
    with caplog.at_level(logging.WARNING):
        found(tmp_path)
    assert caplog.text.count("baby.bak") == 1


def test_two_kinds_of_lr_without_a_bicubic_one_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "HR/{}.png", "LR_mild/X2/{}x2.png")
    make(tmp_path, "HR/{}.png", "LR_unknown/X2/{}x2.png")
    with pytest.raises(DataError, match=r"LR_mild/X2, LR_unknown/X2: choose by data\.lr="):
        found(tmp_path)


@pytest.mark.parametrize("lr", ["LR/{}.png", "LR_bicubic/X4/{}x4.png", "{}_LR.png", "LRx4/{}.png"])
def test_lr_of_another_scale_is_said_and_made(
    tmp_path: Path, lr: str, caplog: pytest.LogCaptureFixture
) -> None:
    hr = "HR/{}.png" if "/" in lr else "{}_HR.png"
    make(tmp_path, hr, lr, scale=4)
    with caplog.at_level(logging.WARNING):
        assert found(tmp_path) == ([], "")
    assert "x2 LR is made from HR" in caplog.text
    assert found(tmp_path, 4)[0] == [lr.format("baby"), lr.format("bird")]


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    make(tmp_path, "HR/{}.png", "LR/{}.png")
    write(tmp_path / "LR" / "bird.png", 5)
    with pytest.raises(DataError, match=r"bird\.png: expected 12x12 pixels.*data\.lr"):
        found(tmp_path)
    assert found(tmp_path, lr="made") == ([], "")
    (tmp_path / "LR" / "bird.png").unlink()
    with pytest.raises(DataError, match=r"LR: expected birdx2\.png .* 1 of them have no LR"):
        found(tmp_path)
    write(tmp_path / "LR" / "bird_x2.png", 2)
    write(tmp_path / "LR" / "bird-LR.png", 2)
    with pytest.raises(DataError, match=r"one LR file of bird\.png, but has 2 files"):
        found(tmp_path)


def test_lr_alone_is_no_test_set(tmp_path: Path) -> None:
    write(tmp_path / "baby_LR.png", 2)
    with pytest.raises(DataError, match="by their names all are LR"):
        find_test(str(tmp_path), None, 2)


def test_results_beside_photographs_are_no_lr(tmp_path: Path) -> None:
    write(tmp_path / "baby.png", 2)
    write(tmp_path / "baby_x2.png")
    test = find_test(str(tmp_path), None, 2)
    assert (len(test.hr), test.lr) == (2, None)


@pytest.mark.parametrize("kind", ["bicubic", "unknown"])
def test_div2k_and_flickr2k_are_read_as_published(tmp_path: Path, kind: str) -> None:
    for half in ("train", "valid"):
        make(
            tmp_path / "DIV2K",
            f"DIV2K_{half}_HR/{half}{{}}.png",
            f"DIV2K_{half}_LR_{kind}/X2/{half}{{}}x2.png",
        )
    make(tmp_path / "Flickr2K", "Flickr2K_HR/{}.png", f"Flickr2K_LR_{kind}/X2/{{}}x2.png")
    (div2k, flickr2k) = find_train("DIV2K+Flickr2K", tmp_path, 2)
    assert div2k.lr_from == f"DIV2K_train_LR_{kind}/X2"
    assert flickr2k.lr_from == f"Flickr2K_LR_{kind}/X2"
    assert find_test("DIV2K", tmp_path, 2).lr_from == f"DIV2K_valid_LR_{kind}/X2"
    assert lr_text((div2k, flickr2k)) == (
        f"LR read from DIV2K_train_LR_{kind}/X2 and read from Flickr2K_LR_{kind}/X2"
    )


def test_where_lr_comes_from_is_printed_and_planned(tmp_path: Path, invoke) -> None:
    own = tmp_path / "benchmark" / "own"
    for kind in ("bicubic", "unknown"):
        make(own, "HR/{}.png", f"LR_{kind}/X2/{{}}.png")
    result = invoke(
        *("train", "espcn", "--scale", 2, "profile=smoke", "data.test=own", "--dry-run"),
        *(f"data.root={tmp_path}", f"results.root={tmp_path}", "data.lr=LR_unknown"),
        f"data.train={own}",
        f"data.cache={tmp_path / 'cache'}",
    )
    assert result.exit_code == 0
    assert "score on own (LR read from LR_unknown/X2)" in result.output
    assert "own (LR read from LR_unknown/X2): batch" in result.output

"""Where the HR files of a set lie in its folder, and where its LR may lie."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from harness.data import low_resolution, naming
from harness.data.images import holds_images, images_in, is_folder, list_folder, named, size
from harness.data.low_resolution import SetFiles
from harness.errors import DataError

Purpose = Literal["train", "test"]
PURPOSES: tuple[Purpose, ...] = ("test", "train")

_HR_NAMES = ("hr", "gt", "gtmod12")
_DIV2K_HALF: dict[Purpose, str] = {"train": "train", "test": "valid"}


class NoImagesError(DataError):
    """A folder holds no image, as far as a set goes."""


def find(folder: Path, scale: int, purpose: Purpose) -> SetFiles:
    """Return the HR files of the set in a folder, and where its LR may lie.

    Args:
        folder: Of the set.
        scale: Upscaling factor: HR and LR may lie together in a folder of a scale.
        purpose: Which half of a published set is meant.

    Raises:
        DataError: There is no HR, or more than one folder of it.
    """
    half = published_half(folder, purpose)
    hr_folder = folder / f"{half}_HR" if half else _hr_folder(folder)
    if hr_folder is not None:
        prefix = hr_folder.name[:-2] if hr_folder.name.lower().endswith("_hr") else ""
        return _of(folder, hr_folder, low_resolution.folders_of(folder, hr_folder, prefix))
    published = f"{folder.name}_{_DIV2K_HALF[purpose]}"
    if low_resolution.folders_of(folder, folder, f"{published}_"):
        raise DataError(f"{folder / f'{published}_HR'}: expected the HR images, but has no folder")
    notes: list[str] = []
    images = images_in(folder, notes)
    if not images:
        return _in_folder_of_scale(folder, scale)
    lr_folders = low_resolution.folders_of(folder, folder)
    if folder.name.lower() in _HR_NAMES:
        lr_folders += low_resolution.folders_of(folder.parent, folder)
    hr, beside = _split_pairs(images, notes)
    return SetFiles(folder, hr, {folder: beside} if beside else {}, lr_folders, tuple(notes))


def files(folder: Path, scale: int, purpose: Purpose) -> dict[str, dict[str, Path]]:
    """Return the files of the set in a folder by where they lie and by usual name.

    Args:
        folder: Of the set.
        scale: Of LR; 0 for HR.
        purpose: Which half of a published set is meant.

    Returns:
        Of LR every kind that fits HR, those that would be read first at the front; the places
        are folders below that of the set.

    Raises:
        DataError: There is no HR, or LR does not fit it.
    """
    if not scale:
        hr = _any_scale(folder, purpose).hr
        place = low_resolution.shown(hr[0].parent, folder)
        return {place: {path.stem: path for path in hr}}
    try:
        found = find(folder, scale, purpose)
    except DataError:
        _any_scale(folder, purpose)
        return {}
    lr = low_resolution.search(found, scale)
    if lr.problems:
        raise DataError(lr.problems[0])
    return {
        low_resolution.shown(kind.files[0].parent, folder): {
            naming.lr_name(hr.stem, scale): path
            for hr, path in zip(found.hr, kind.files, strict=True)
        }
        for kind in low_resolution.ordered(lr.usable)
        if kind.files
    }


def passed_over(folder: Path, purpose: Purpose) -> tuple[str, ...]:
    """Return what is passed over in the folder of a set, in words."""
    return _any_scale(folder, purpose).notes


def _any_scale(folder: Path, purpose: Purpose) -> SetFiles:
    """Return a set as it is found for the first scale for which it is."""
    for scale in naming.SCALES[:-1]:
        with suppress(DataError):
            return find(folder, scale, purpose)
    return find(folder, naming.SCALES[-1], purpose)


def published_half(folder: Path, purpose: Purpose) -> str | None:
    """Return how the folder names of a published set begin, None for any other set."""
    for half in (f"{folder.name}_{_DIV2K_HALF[purpose]}", folder.name):
        if is_folder(folder / f"{half}_HR"):
            return half
    return None


def _hr_folder(folder: Path) -> Path | None:
    folders = [
        path
        for path in list_folder(folder)
        if (path.name.lower() in _HR_NAMES or path.name.lower().endswith("_hr")) and is_folder(path)
    ]
    folders = [path for path in folders if path.name == "HR"] or folders
    if len(folders) > 1:
        folder_names = ", ".join(path.name for path in folders)
        raise DataError(f"{folder}: expected one folder of HR images, but there are {folder_names}")
    return folders[0] if folders else None


def _of(home: Path, hr_folder: Path, lr_folders: tuple[Path, ...]) -> SetFiles:
    """Return a set with a folder of HR; LR may lie in it, too, and in the set's own folder."""
    notes: list[str] = []
    images = images_in(hr_folder, notes)
    if not images:
        raise NoImagesError(f"{hr_folder}: expected images, but there are none")
    hr, beside = _split_pairs(images, notes)
    loose = {hr_folder: beside} if beside else {}
    own = tuple(
        path
        for path in images_in(home, notes)
        if naming.is_lr(path.stem) or naming.scale_of(path.stem) is not None
    )
    return SetFiles(home, hr, loose | ({home: own} if own else {}), lr_folders, tuple(notes))


def _in_folder_of_scale(folder: Path, scale: int) -> SetFiles:
    """Return a set whose HR and LR lie together in a folder for each scale, ``image_SRF_2``."""
    inner = [path for path in list_folder(folder) if is_folder(path)]
    for path in inner:
        notes: list[str] = []
        if naming.folder_scale(path.name) == scale and (images := images_in(path, notes)):
            hr, beside = _split_pairs(images, notes)
            if beside:
                return SetFiles(folder, hr, {path: beside}, notes=tuple(notes))
    having = ", ".join(path.name for path in inner if holds_images(path))
    problem = f"{folder}: expected images or a folder HR, but there is neither"
    if not having:
        raise NoImagesError(problem)
    raise DataError(f"{problem}; name one of its folders with images by its path: {having}")


def _split_pairs(
    images: Sequence[Path], notes: list[str]
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Split the images of one folder into HR and LR, by their names.

    ``a_HR`` and ``a_LR`` are a pair, and so are ``a`` and ``a_LR``, and ``a`` and the smaller
    ``ax2``.

    Raises:
        DataError: All are LR.
    """
    by_stem = {path.stem.lower(): path for path in images}
    lr = {path: None for path in images if naming.is_lr(path.stem) or _is_smaller(path, by_stem)}
    if not lr:
        return tuple(images), ()
    not_lr = [path for path in images if path not in lr]
    hr = {path: None for path in not_lr if naming.is_hr(path.stem)} or dict.fromkeys(not_lr)
    if not hr:
        raise DataError(f"{images[0].parent}: expected HR images, but by their names all are LR")
    if strays := [path for path in not_lr if path not in hr]:
        folder = images[0].parent
        notes.append(f"{folder}: passed over {named(strays)}, named neither HR nor LR")
    return tuple(hr), tuple(lr)


def _is_smaller(path: Path, by_stem: dict[str, Path]) -> bool:
    """Tell whether an image is named and sized as the LR of another."""
    stem = path.stem.lower()
    base = by_stem.get(naming.without_scale(stem))
    tag = naming.scale_of(stem)
    if base is None or base == path or tag is None:
        return False
    own, whole = size(path), size(base)
    return bool(own and whole and own == (whole[0] // tag, whole[1] // tag))

"""Find the LR files of a set, in the layouts in which such files are published."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.images import is_folder, list_folder, list_images, named, size
from harness.errors import DataError

logger = logging.getLogger(__name__)

MADE = "made"
"""The choice to make LR from HR, whatever files there are."""

_SCALE = r"(?:x(?P<after>[2348])|(?P<before>[2348])x|srf[_-]?(?P<srf>[2348]))"
_TAGGED = re.compile(rf"(?:^|[^a-z0-9]|(?<=[a-z0-9])){_SCALE}(?:[mdw]\d?)?(?:[_\-. ]?(?:hr|lr))?$")
_KINDS = r"hr|gt|hq|lr|lq|lrbi|lrbic|lrbd|lrdn|bicubic|bic"
_TAIL = re.compile(rf"[_\-. ]*{_SCALE}(?:[mdw]\d?)?$|[_\-. ]+(?:{_KINDS}|mod\d*)$")
_HEAD = re.compile(r"^(?:hr|gt|lr|lq)[_\-. ]+")
_LR_FOLDER = re.compile(
    r"(?<![a-z])(?:lr|lq)(?![a-z])|(?<![a-z])lr(?:bi|bd|dn|x?\d)|low[_-]?res|^(?:x[2348]|[2348]x|bicubic)$"
)
_LR_FILE = re.compile(rf"[_\-. ](?:lr|lq|lrbi|lrbic)(?:[_\-. ]*{_SCALE})?$|^(?:lr|lq)[_\-. ]")
_HR_FILE = re.compile(r"[_\-. ](?:hr|gt|hq)(?:[_\-. ]*(?:x[2348]|[2348]x))?$|^(?:hr|gt|hq)[_\-. ]")


@dataclass(frozen=True, slots=True)
class LRFiles:
    """LR files of a set.

    Attributes:
        files: In the order of the HR files; None where LR is to be made.
        source: Their folder, below that of the set; empty where LR is to be made.
    """

    files: tuple[Path, ...] | None = None
    source: str = ""


class _Misfit(Exception):
    """The LR files do not belong to the set at this scale; the message says why."""


class _OtherScale(Exception):
    """The LR files are of another scale."""


def find(
    home: Path, hr: Sequence[Path], folders: Sequence[Path], scale: int, choice: str | None
) -> LRFiles:
    """Return the LR files of a set if there is no doubt which ones are meant.

    ``LR_bicubic`` comes first where there are several, and the others are named.

    Args:
        home: Folder of the set.
        hr: Its HR files.
        folders: Where LR may lie: folders of LR, or of folders X2, X3 and so on.
        scale: Upscaling factor.
        choice: The user's: a folder, or ``made``; None for none.

    Raises:
        DataError: Files look like LR and do not fit HR, or nothing says which are meant.
    """
    if choice == MADE:
        return LRFiles()
    if choice is not None:
        chosen = home / choice if is_folder(home / choice) else Path(choice).expanduser()
        if not is_folder(chosen):
            raise DataError(f"{home}: expected a folder of LR files, '{choice}', but it has none")
        folders = (chosen,)
    usable: list[LRFiles] = []
    problems: list[str] = []
    other_scales: list[str] = []
    for folder in (leaf for place in folders for leaf in _leaves(place, scale)):
        source = _shown(folder, home)
        try:
            usable.append(LRFiles(_partners(hr, folder, scale), source))
        except _Misfit as problem:
            problems.append(str(problem))
        except _OtherScale:
            other_scales.append(source)
    if usable:
        return _first(home, usable)
    if problems or (choice is not None and other_scales):
        problem_text = problems[0] if problems else f"{folders[0]}: its files are not of x{scale}"
        raise DataError(
            f"{problem_text} (data.lr=FOLDER or --lr FOLDER names others, made makes LR)"
        )
    if other_scales:
        logger.warning(
            "%s: x%d LR is made from HR: %s is not of x%d", home, scale, other_scales[0], scale
        )
    return LRFiles()


def _first(home: Path, usable: Sequence[LRFiles]) -> LRFiles:
    """Return the bicubic ones of several LR folders; a warning names the others."""
    ordered = sorted(usable, key=lambda lr: "lr_bicubic" not in lr.source.lower())
    first, passed_over = ordered[0], [lr.source for lr in ordered[1:]]
    if passed_over and "bic" not in first.source.lower():
        bicubic = [lr for lr in ordered if "bic" in lr.source.lower()]
        if len(bicubic) != 1:
            raise DataError(
                f"{home}: expected one folder of LR files, but there are {first.source}, "
                f"{', '.join(passed_over)}: choose by data.lr=FOLDER or --lr FOLDER"
            )
        first, passed_over = bicubic[0], [lr.source for lr in ordered if lr is not bicubic[0]]
    if passed_over:
        shown = ", ".join(passed_over)
        logger.warning("%s: LR is read from %s, not from %s", home, first.source, shown)
    return first


def folders_of(home: Path, hr_folder: Path, prefix: str = "") -> tuple[Path, ...]:
    """Return the folders of a set that are named like LR, ``LR_bicubic`` first.

    Args:
        home: Folder of the set.
        hr_folder: Where its HR files lie; no LR.
        prefix: What the names of the folders begin with.
    """
    lr_folders = [
        path
        for path in list_folder(home)
        if path.name.startswith(prefix)
        and _LR_FOLDER.search(path.name.removeprefix(prefix).lower())
        and path != hr_folder
        and is_folder(path)
    ]
    return tuple(sorted(lr_folders, key=lambda path: "lr_bicubic" not in path.name.lower()))


def split_pairs(images: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Split the images of one folder into HR and LR, by their names.

    ``a_HR`` and ``a_LR`` are a pair, and so are ``a`` and ``a_LR``, and ``a`` and the smaller
    ``ax2``.

    Raises:
        DataError: All are LR.
    """
    by_stem = {path.stem.lower(): path for path in images}
    lr = [path for path in images if _LR_FILE.search(path.stem.lower())]
    lr += [path for path in images if path not in lr and _is_smaller(path, by_stem)]
    if not lr:
        return tuple(images), ()
    not_lr = [path for path in images if path not in set(lr)]
    hr = [path for path in not_lr if _HR_FILE.search(path.stem.lower())] or not_lr
    if not hr:
        raise DataError(f"{lr[0].parent}: expected HR images, but by their names all are LR")
    if strays := [path for path in not_lr if path not in set(hr)]:
        logger.warning("%s: passed over %s, named neither HR nor LR", lr[0].parent, named(strays))
    return tuple(hr), tuple(lr)


def pair(hr: Sequence[Path], lr: Sequence[Path], scale: int) -> LRFiles:
    """Return the LR files that lie beside HR in one folder, where they are of the scale.

    Raises:
        DataError: They do not fit.
    """
    folder = hr[0].parent
    try:
        return LRFiles(_match(hr, lr, folder, scale, tagged=False), "the files beside HR")
    except _Misfit as problem:
        raise DataError(str(problem)) from problem
    except _OtherScale:
        logger.warning("%s: x%d LR is made from HR: its LR files are not of it", folder, scale)
        return LRFiles()


def _is_smaller(path: Path, by_stem: dict[str, Path]) -> bool:
    """Tell whether an image is named and sized as the LR of another."""
    stem = path.stem.lower()
    base = by_stem.get(re.sub(rf"[_\-. ]*{_SCALE}$", "", stem))
    tag = _tag(stem)
    if base is None or base == path or tag is None:
        return False
    own, whole = size(path), size(base)
    return bool(own and whole and own == (whole[0] // tag, whole[1] // tag))


def _leaves(folder: Path, scale: int) -> Iterator[Path]:
    """Yield the folders in and below a place that may hold LR of the scale."""
    if not is_folder(folder):
        return
    inner = [path for path in list_folder(folder) if is_folder(path)]
    tagged = [path for path in inner if _folder_tag(path) is not None]
    yield from (path for path in tagged if _folder_tag(path) == scale)
    if not tagged or list_images(folder):
        yield folder
    elif all(_folder_tag(path) != scale for path in tagged):
        yield tagged[0]  # of another scale: the caller reports it


def _folder_tag(path: Path) -> int | None:
    return _tag(path.name.lower()) or (int(path.name) if path.name in "2348" else None)


def _tag(stem: str) -> int | None:
    """Return the scale that a name ends with, in lower case."""
    match = _TAGGED.search(stem)
    if match is None:
        return None
    return int(match["after"] or match["before"] or match["srf"])


def _core(stem: str) -> str:
    """Return what the names of an HR image and of its LR have in common."""
    core = _HEAD.sub("", stem.lower())
    while (shorter := _TAIL.sub("", core)) != core and shorter:
        core = shorter
    return core


def _partners(hr: Sequence[Path], folder: Path, scale: int) -> tuple[Path, ...]:
    """Return the LR file of every HR file in a folder."""
    tags = [_folder_tag(folder)]
    if tags[0] not in (None, scale):
        raise _OtherScale
    return _match(hr, list_images(folder), folder, scale, tagged=tags[0] == scale)


def _match(
    hr: Sequence[Path], lr: Sequence[Path], folder: Path, scale: int, *, tagged: bool
) -> tuple[Path, ...]:
    """Match LR to HR files by name, and by size where a name does not give the scale."""
    by_stem = {path.stem: path for path in lr}
    fitting = [path for path in lr if _tag(path.stem.lower()) in (None, scale)]
    if lr and not fitting:
        raise _OtherScale
    by_core: dict[str, list[Path]] = {}
    for path in fitting:
        by_core.setdefault(_core(path.stem), []).append(path)
    partners: list[Path] = []
    missing: list[Path] = []
    for path in hr:
        exact = by_stem.get(f"{path.stem}x{scale}") or (
            by_stem.get(path.stem) if path.parent != folder else None
        )
        alike = [exact] if exact else by_core.get(_core(path.stem), [])
        if len(alike) > 1:
            raise _Misfit(f"{folder}: expected one LR file of {path.name}, but has {named(alike)}")
        partners += alike
        missing += [] if alike else [path]
    if missing:
        raise _Misfit(
            f"{folder}: expected {missing[0].stem}x{scale}.png and so on for {len(hr)} HR images, "
            f"but {len(missing)} of them have no LR file"
        )
    untagged = [
        pair
        for pair in zip(hr, partners, strict=True)
        if not tagged and _tag(pair[1].stem.lower()) is None
    ]
    _check_sizes(untagged, scale)
    return tuple(partners)


def _check_sizes(pairs: Sequence[tuple[Path, Path]], scale: int) -> None:
    """Check the size of LR files whose names do not give the scale."""
    ratios = set()
    for hr, lr in pairs:
        whole, own = size(hr), size(lr)
        if whole is None or own is None:
            continue  # reported when the image is read
        if own != (whole[0] // scale, whole[1] // scale):
            ratio = [n for n in (2, 3, 4, 8) if own == (whole[0] // n, whole[1] // n)]
            if not ratio:
                raise _Misfit(
                    f"{lr}: expected {whole[1] // scale}x{whole[0] // scale} pixels, as "
                    f"{hr.name} is {whole[1]}x{whole[0]}, but it is {own[1]}x{own[0]}"
                )
            ratios.add((ratio[0], lr))
    if ratios and len(ratios) == len(pairs):
        raise _OtherScale
    if ratios:
        _, lr = min(ratios)
        raise _Misfit(f"{lr}: expected LR of x{scale}, as others beside it, but it is of another")


def _shown(folder: Path, home: Path) -> str:
    return folder.relative_to(home).as_posix() if folder.is_relative_to(home) else str(folder)

"""Find the LR files of a set, in the layouts in which such files are published."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.data import naming
from harness.data.images import holds_images, images_in, is_folder, list_folder, named, size
from harness.errors import DataError

logger = logging.getLogger(__name__)

MADE = "made"
"""The choice to make LR from HR, whatever files there are."""


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


@dataclass(frozen=True, slots=True)
class SetFiles:
    """The HR files of a set, and where its LR may lie.

    Attributes:
        home: Folder of the set.
        hr: Its HR files, sorted by name; at least one.
        loose: LR files that lie beside HR, or in the set's own folder, by their folder.
        folders: Folders of LR, or of folders X2, X3 and so on.
        notes: What is passed over, in words.
    """

    home: Path
    hr: tuple[Path, ...]
    loose: Mapping[Path, tuple[Path, ...]] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LRSearch:
    """What was found where LR of a scale may lie.

    Attributes:
        usable: Those that fit.
        problems: Why others do not belong to the set.
        other_scales: Where LR of another scale lies.
        notes: What is passed over, in words.
    """

    usable: list[LRFiles] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    other_scales: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find(files: SetFiles, scale: int, choice: str | None) -> LRFiles:
    """Return the LR files of a set if there is no doubt which ones are meant.

    What is passed over, in HR too, is logged. ``LR_bicubic`` comes first where there are several,
    and the others are named.

    Args:
        files: The set.
        scale: Upscaling factor.
        choice: The user's: a folder, or ``made``; None for none.

    Raises:
        DataError: Files look like LR and do not fit HR, or nothing says which are meant.
    """
    for note in files.notes:
        logger.warning("%s", note)
    if choice == MADE:
        return LRFiles()
    home = files.home
    if choice is not None:
        chosen = home / choice if is_folder(home / choice) else Path(choice).expanduser()
        if not is_folder(chosen):
            raise DataError(f"{home}: expected a folder of LR files, '{choice}', but it has none")
        files = _only(files, chosen)
    found = search(files, scale)
    for note in found.notes:
        logger.warning("%s", note)
    if found.usable:
        for problem in found.problems:
            logger.warning("%s: passed over as LR: %s", home, problem)
        return _first(home, found.usable)
    if found.problems or (choice is not None and found.other_scales):
        problem = (found.problems or [f"{choice}: its files are not of x{scale}"])[0]
        raise DataError(f"{problem} (data.lr=FOLDER or --lr FOLDER names others, made makes LR)")
    if found.other_scales:
        other = found.other_scales[0]
        logger.warning("%s: x%d LR is made from HR: %s is not of x%d", home, scale, other, scale)
    return LRFiles()


def _only(files: SetFiles, chosen: Path) -> SetFiles:
    """Return a set whose LR lies in one folder."""
    for folder, loose in files.loose.items():
        if chosen.resolve() == folder.resolve():
            return replace(files, loose={folder: loose}, folders=())
    return replace(files, loose={}, folders=(chosen,))


def search(files: SetFiles, scale: int) -> LRSearch:
    """Look for LR of a scale wherever it may lie; nothing is logged."""
    found = LRSearch()
    places: list[tuple[Path, tuple[Path, ...] | None]] = list(files.loose.items())
    places += [(leaf, None) for folder in files.folders for leaf in _leaves(folder, scale)]
    for folder, loose in places:
        beside = folder == files.hr[0].parent
        source = "the files beside HR" if beside else shown(folder, files.home)
        try:
            found.usable.append(
                LRFiles(_partners(files.hr, folder, loose, scale, found.notes), source)
            )
        except _Misfit as problem:
            found.problems.append(str(problem))
        except _OtherScale:
            found.other_scales.append(source)
    return found


def _first(home: Path, usable: Sequence[LRFiles]) -> LRFiles:
    """Return the bicubic ones of several LR folders; a warning names the others."""
    first, *others = ordered(usable)
    passed_over = [lr.source for lr in others]
    rank = _rank(first)
    if others and (rank == _OTHER or (rank == _SOME_BICUBIC and rank == _rank(others[0]))):
        raise DataError(
            f"{home}: expected one folder of LR files, but there are {first.source}, "
            f"{', '.join(passed_over)}: choose by data.lr=FOLDER or --lr FOLDER"
        )
    if passed_over:
        shown = ", ".join(passed_over)
        logger.warning("%s: LR is read from %s, not from %s", home, first.source, shown)
    return first


_BICUBIC, _SOME_BICUBIC, _OTHER = range(3)


def _rank(lr: LRFiles) -> int:
    source = lr.source.lower()
    if "lr_bicubic" in source:
        return _BICUBIC
    return _SOME_BICUBIC if "bic" in source else _OTHER


def ordered(usable: Sequence[LRFiles]) -> list[LRFiles]:
    """Return LR files of several kinds, bicubic ones first."""
    return sorted(usable, key=_rank)


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
        and naming.is_lr_folder(path.name.removeprefix(prefix))
        and path != hr_folder
        and is_folder(path)
    ]
    return tuple(sorted(lr_folders, key=lambda path: "lr_bicubic" not in path.name.lower()))


def _leaves(folder: Path, scale: int) -> Iterator[Path]:
    """Yield the folders in and below a place that may hold LR of the scale."""
    if not is_folder(folder):
        return
    inner = [path for path in list_folder(folder) if is_folder(path)]
    tagged = [path for path in inner if naming.folder_scale(path.name) is not None]
    yield from (path for path in tagged if naming.folder_scale(path.name) == scale)
    if not tagged or holds_images(folder):
        yield folder
    elif all(naming.folder_scale(path.name) != scale for path in tagged):
        yield tagged[0]  # of another scale: the caller reports it


def _partners(
    hr: Sequence[Path],
    folder: Path,
    loose: tuple[Path, ...] | None,
    scale: int,
    notes: list[str],
) -> tuple[Path, ...]:
    """Return the LR file of every HR file, among those in a folder or some of these."""
    if loose is not None:
        return _match(hr, loose, folder, scale, tagged=False)
    tag = naming.folder_scale(folder.name)
    if tag not in (None, scale):
        raise _OtherScale
    lr = [path for path in images_in(folder, notes) if path not in set(hr)]
    return _match(hr, lr, folder, scale, tagged=tag == scale)


def _match(
    hr: Sequence[Path], lr: Sequence[Path], folder: Path, scale: int, *, tagged: bool
) -> tuple[Path, ...]:
    """Match LR to HR files by name, and by size where a name does not give the scale."""
    by_stem = {path.stem: path for path in lr}
    fitting = [path for path in lr if naming.scale_of(path.stem) in (None, scale)]
    if lr and not fitting:
        raise _OtherScale
    by_core: dict[str, list[Path]] = {}
    for path in fitting:
        by_core.setdefault(naming.core(path.stem), []).append(path)
    partners: list[Path] = []
    missing: list[Path] = []
    for path in hr:
        exact = by_stem.get(f"{path.stem}x{scale}") or (
            by_stem.get(path.stem) if path.parent != folder else None
        )
        alike = [exact] if exact else by_core.get(naming.core(path.stem), [])
        if len(alike) > 1:
            raise _Misfit(f"{folder}: expected one LR file of {path.name}, but has {named(alike)}")
        partners += alike
        missing += [] if alike else [path]
    if missing:
        raise _Misfit(
            f"{folder}: expected {naming.lr_name(missing[0].stem, scale)}.png and so on for "
            f"{len(hr)} HR images, "
            f"but {len(missing)} of them have no LR file"
        )
    untagged = [
        pair
        for pair in zip(hr, partners, strict=True)
        if not tagged and naming.scale_of(pair[1].stem) is None
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
            ratio = [n for n in naming.SCALES if own == (whole[0] // n, whole[1] // n)]
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


def shown(folder: Path, home: Path) -> str:
    """Return a folder's path below that of its set, or else the whole path."""
    return folder.relative_to(home).as_posix() if folder.is_relative_to(home) else str(folder)

"""Image sets by name: where their HR and LR files lie under the data root.

    ROOT/train/NAME/*.png                               any training set
    ROOT/train/EXCLUDE.txt                              lines NAME/FILE.png: not trained on
    ROOT/benchmark/NAME/HR, .../LR_bicubic/X2           any test set; LR files are NAMEx2.png
    ROOT/DIV2K/DIV2K_train_HR, .../DIV2K_train_LR_bicubic/X2, .../DIV2K_train_LR_x8
                                                        as published; also below ROOT/train;
                                                        as a test set, the DIV2K_valid_* images
    ROOT/Flickr2K/Flickr2K_HR, .../Flickr2K_LR_bicubic/X2
                                                        likewise

Other layouts are known to :mod:`harness.data.layout` and :mod:`harness.data.low_resolution`. A set
is found by its folder's name; a path to any folder laid out in one of these ways works too.
``sample`` is bundled with scikit-image and needs no root.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.data import layout, low_resolution, naming
from harness.data.fetch import advice
from harness.data.images import is_folder, list_folder
from harness.data.layout import Purpose
from harness.errors import DataError, UsageError
from harness.host.paths import printable

logger = logging.getLogger(__name__)

SAMPLE = "sample"

# The halves share no scene (the motorcycles are one, seen by a stereo camera). The test images
# are those with the most to restore: lettering and fabric, fur, wood grain and metal.
_SAMPLE_FILES: dict[Purpose, tuple[str, ...]] = {
    "train": (
        "hubble_deep_field.jpg",
        "ihc.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "rocket.jpg",
    ),
    "test": ("astronaut.png", "chelsea.png", "coffee.png"),
}

_HOME: dict[Purpose, str] = {"train": "train", "test": "benchmark"}
_KIND: dict[Purpose, str] = {"train": "training", "test": "test"}
_PUBLISHED = ("DIV2K", "Flickr2K")


@dataclass(frozen=True, slots=True)
class TrainSet:
    """HR images to train on.

    Attributes:
        name: As the user wrote it, or the folder's name.
        images: HR files, sorted by name, without those excluded.
        lr: LR files in the same order; None where LR is to be made.
        excluded: Names of the files left out because EXCLUDE.txt lists them.
        lr_from: Folder of the LR files, relative to the set's; empty where LR is to be made.
    """

    name: str
    images: tuple[Path, ...]
    lr: tuple[Path, ...] | None
    excluded: tuple[str, ...]
    lr_from: str = ""


def joined_name(sets: Sequence[TrainSet]) -> str:
    """Return the name of sets that are trained on together."""
    return "+".join(train.name for train in sets)


@dataclass(frozen=True, slots=True)
class TestSet:
    """HR images to score on; attributes as in ``TrainSet``."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    name: str
    hr: tuple[Path, ...]
    lr: tuple[Path, ...] | None
    lr_from: str = ""

    @property
    def lr_text(self) -> str:
        """Where LR comes from, in words."""
        return lr_text((self,))


def lr_text(sets: Sequence[TrainSet | TestSet]) -> str:
    """Return where the LR images of sets come from, in words."""
    texts = [naming.lr_text(None if images.lr is None else images.lr_from) for images in sets]
    return f"LR {' and '.join(dict.fromkeys(text.removeprefix('LR ') for text in texts))}"


def find_train(
    name: str, root: Path | None, scale: int, *, lr: str | None = None
) -> tuple[TrainSet, ...]:
    """Find training sets.

    Args:
        name: One name or path, or several joined by ``+``.
        root: Data root; None where there is none.
        scale: Which LR files to look for.
        lr: Folder of the LR files, relative to the set's, or ``made``; None for the usual one.

    Raises:
        UsageError: A name is unknown or given twice.
        DataError: A folder is missing, unreadable or empty, or LR files are incomplete.
    """
    whole = _is_path(name) and is_folder(Path(name).expanduser())
    parts = [name] if whole else [part.strip() for part in name.split("+")]
    for part in parts:
        if parts.count(part) > 1:
            raise UsageError(f"training set {part!r} is given twice in {name!r}")
    return tuple(_train_set(part, root, scale, lr) for part in parts)


def find_test(name: str, root: Path | None, scale: int, *, lr: str | None = None) -> TestSet:
    """Find a test set; arguments and errors as in ``find_train``, but for one name."""
    if name == SAMPLE:
        return TestSet(name, _sample("test"), None)
    folder = _folder_of(name, root, "test")
    files = layout.find(folder, scale, "test")
    lr_files = low_resolution.find(files, scale, lr)
    return TestSet(printable(folder.name), files.hr, lr_files.files, lr_files.source)


def names(root: Path | None, purpose: Purpose) -> tuple[str, ...]:
    """Return the names of the sets that are there, ``sample`` first."""
    present = folders(root, purpose).keys() if root is not None else set()
    return (SAMPLE, *sorted(present - {SAMPLE}))


def folders(root: Path, purpose: Purpose) -> dict[str, Path]:
    """Return the folders of the sets that are there, by name.

    Raises:
        DataError: The root, or a folder in it, cannot be read.
    """
    home = root / _HOME[purpose]
    published = [root / name for name in _PUBLISHED]
    found = {path.name: path for path in published if layout.published_half(path, purpose)}
    inner = list_folder(home) if is_folder(home) else ()
    return found | {folder.name: folder for folder in inner if is_folder(folder)}


def _train_set(name: str, root: Path | None, scale: int, lr: str | None) -> TrainSet:
    if name == SAMPLE:
        return TrainSet(name, _sample("train"), None, ())
    folder = _folder_of(name, root, "train")
    files = layout.find(folder, scale, "train")
    hr, lr_files = files.hr, low_resolution.find(files, scale, lr)
    banned = _banned(folder, root)
    kept = [index for index, path in enumerate(hr) if path.name not in banned]
    for missing in sorted(banned - {path.name for path in hr}):
        logger.warning("EXCLUDE.txt lists %s/%s, which is not there", folder.name, missing)
    if not kept:
        raise DataError(f"{folder}: EXCLUDE.txt lists every image, none is left to train on")
    return TrainSet(
        name=printable(folder.name),
        images=tuple(hr[index] for index in kept),
        lr=None if lr_files.files is None else tuple(lr_files.files[index] for index in kept),
        excluded=tuple(printable(path.name) for path in hr if path.name in banned),
        lr_from=lr_files.source,
    )


def _sample(purpose: Purpose) -> tuple[Path, ...]:
    """Return the bundled photographs, by path: scikit-image's loaders may try a download."""
    spec = find_spec("skimage")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise DataError("sample: expected scikit-image, whose photographs it is; not installed")
    paths = tuple(Path(places[0], "data", file) for file in _SAMPLE_FILES[purpose])
    for path in paths:
        if not path.is_file():
            raise DataError(
                f"{path}: expected with scikit-image, but it is gone; reinstall scikit-image"
            )
    return paths


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name or name.startswith(("~", "."))


def _folder_of(name: str, root: Path | None, purpose: Purpose) -> Path:
    """Return the folder of a set given by name or path."""
    if _is_path(name):
        folder = Path(name).expanduser().resolve()
        if not is_folder(folder):
            raise DataError(f"{folder}: expected a folder of images, but there is none")
        return folder
    if root is None:
        raise UsageError(
            f"unknown {_KIND[purpose]} set {name!r}{advice.nearest(name, [SAMPLE], purpose)}; for "
            "others set HARNESS_DATA or data.root to the folder that holds train/ and benchmark/"
            f"{advice.for_missing([name], None, purpose)}"
        )
    if not is_folder(root):
        raise DataError(
            f"{root}: expected the data root, but there is no such folder"
            f"{advice.for_missing([name], root, purpose)}"
        )
    # Compared with listed names: a file system may ignore case, records must not.
    present = folders(root, purpose)
    if name in present:
        return present[name]
    known = [SAMPLE, *sorted(present)]
    if is_folder(Path(name)):
        hint = f"; a path needs a slash: ./{name}"
    else:
        hint = advice.nearest(name, known, purpose) + advice.for_missing([name], root, purpose)
    raise UsageError(f"unknown {_KIND[purpose]} set {name!r} in {root}{hint}")


def _banned(folder: Path, root: Path | None) -> set[str]:
    """Return the files of a set that EXCLUDE.txt leaves out: the list beside it, and the root's."""
    lists = {folder.parent / "EXCLUDE.txt"}
    if root is not None:
        lists.add((root / "train" / "EXCLUDE.txt").resolve())
    return {file for path in lists for set_name, file in _excludes(path) if set_name == folder.name}


def _excludes(path: Path) -> list[tuple[str, str]]:
    """Return the (set, file) pairs of a list; ``#`` starts a comment."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a readable text file ({error})") from error
    pairs = []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        set_name, slash, file = entry.partition("/")
        if not (set_name and slash and file):
            raise DataError(f"{path}, line {number}: expected SET/FILE.png, not {entry!r}")
        pairs.append((set_name, file))
    return pairs

"""Figure 6 of the paper: what networks make of a detail, with the scores of the whole image."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter

from harness.config.paper import BICUBIC
from harness.data.catalogue import TestSet, find_test
from harness.data.low_resolution import MADE
from harness.errors import DataError, UsageError, suggest
from harness.evaluation import evaluate, metrics, pixels
from harness.evaluation.metrics import Image
from harness.host.device import DeviceChoice, inference_device
from harness.weights import load, naming, networks, pretrained
from harness.weights.load import Loaded

log = logging.getLogger(__name__)

CropBox = tuple[int, int, int, int]
"""Left, top, width and height, in HR pixels."""

_SHARE = 0.22
_SMALLEST = 4


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """What one network made of the image, from which weights; HR has no scores."""

    label: str
    image: Image
    weights: str = ""
    psnr_db: float | None = None
    ssim: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """One image with a box, and all results of it, HR first."""

    name: str
    box: CropBox
    results: tuple[NetworkResult, ...]


def parse_model(text: str, *, scale: int, key: str | None = None) -> tuple[str, Loaded]:
    """Return label and network of ``[LABEL:]ID=FILE``, or of an ID that comes with weights.

    ``key`` chooses one of several state dicts of the file.

    Raises:
        UsageError: It is not written so, or there is no such network.
        CheckpointError: The weights do not fit.
    """
    name, file = naming.split_file(text)
    equals, file = file[:1], file[1:]
    label, model = naming.split_label(name)
    bare = not equals and pretrained.find(model, scale) is not None
    if not bare and not (file and model):
        raise UsageError(f"'{text}': expected ID=FILE or LABEL:ID=FILE, e.g. imdn=imdn_x2.pth")
    loaded = load.load(model, scale=scale, checkpoint=None if bare else Path(file), key=key)
    return label or networks.get(model).label, loaded


def find_image(text: str, *, root: Path | None, scale: int, lr: str | None = None) -> TestSet:
    """Return the set of one image: ``SET/NAME``, or a path to a file.

    A file's LR is looked for as that of the set that its folder would be.

    Args:
        text: What the user wrote.
        root: Data root; None where there is none.
        scale: Upscaling factor.
        lr: Folder of the set's LR files, or ``made``; None where it is clear.

    Raises:
        UsageError: There is no such set or image.
        DataError: The set cannot be read.
    """
    path = Path(text)
    if path.is_file():
        return _of_file(path, scale, lr)
    name, slash, image = text.rpartition("/")
    if not slash:
        raise UsageError(f"there is no image '{text}': expected SET/NAME or a file")
    test = find_test(name, root, scale, lr=lr)
    stems = [path.stem for path in test.hr]
    if image not in stems:
        raise UsageError(f"set '{name}' has no image '{image}'{suggest(image, stems)}")
    return _one(test, stems.index(image))


def _one(test: TestSet, index: int) -> TestSet:
    return replace(test, hr=(test.hr[index],), lr=(test.lr[index],) if test.lr else None)


def _of_file(path: Path, scale: int, lr: str | None) -> TestSet:
    alone = TestSet(path.parent.name or "file", (path,), None)
    if lr == MADE:
        return alone
    path = path.parent.resolve() / path.name
    try:
        test = find_test(f"{path.parent}/", None, scale, lr=lr)
    except DataError as error:
        if lr is not None:
            raise
        log.warning("%s: LR is made from it: %s", path, error)
        return alone
    if path not in test.hr:
        log.warning("%s: LR is made from it: it is no HR image of its folder", path)
        return alone
    return _one(test, test.hr.index(path))


def view(
    test: TestSet,
    models: Sequence[tuple[str, Loaded]],
    *,
    scale: int,
    box: CropBox | None,
    device: DeviceChoice,
) -> View:
    """Run all networks, and bicubic, on one image.

    Args:
        test: A set of that image alone.
        models: Networks by label.
        scale: Upscaling factor.
        box: The detail; None for where the results differ most.
        device: Where to run.

    Raises:
        UsageError: The box is not within the image.
        HarnessError: The image cannot be read, or a network fails.
    """
    place = inference_device(device)
    name, lr, hr = next(pixels.pairs(test, scale=scale))
    if box is not None:
        check_box(box, hr)
    bicubic = load.load(BICUBIC, scale=scale, checkpoint=None)
    results = [NetworkResult("HR", hr)]
    for label, loaded in [("Bicubic", bicubic), *models]:
        sr = evaluate.upscale(loaded.network.to(place), lr, place)
        scores = metrics.score(sr, hr, scale=scale, name=name)
        results.append(NetworkResult(label, sr, loaded.file, *scores))
    return View(name, box or most_different(results), tuple(results))


def check_box(box: CropBox, image: Image) -> None:
    """Refuse a box that is not within the image.

    Raises:
        UsageError: It is not.
    """
    left, top, width, height = box
    rows, columns = image.shape[:2]
    if (
        min(width, height) < 4
        or min(left, top) < 0
        or left + width > columns
        or top + height > rows
    ):
        raise UsageError(
            f"box {left},{top},{width},{height} is not within the image of {columns}x{rows} "
            f"pixels (x,y,width,height, sides of at least {_SMALLEST})"
        )


def most_different(results: Sequence[NetworkResult]) -> CropBox:
    """Return the box in which the luma of the results differs most, bicubic and HR apart.

    With one network, where it differs most from HR.
    """
    chosen = results[2:] if len(results) > 3 else [results[0], *results[2:]]
    spread = np.var([metrics.luma(result.image) for result in chosen or results], axis=0)
    rows, columns = spread.shape
    side = max(_SMALLEST, round(_SHARE * min(rows, columns)))
    mean = uniform_filter(spread, side, mode="constant")
    half = side // 2
    inner = mean[half : rows - side + half + 1, half : columns - side + half + 1]
    top, left = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(left), int(top), side, side

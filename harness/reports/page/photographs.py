"""Details of photographs as HR, bicubic and networks have them, for the page's slider."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from harness.data.catalogue import SAMPLE, find_test
from harness.errors import UsageError
from harness.reports.page import details
from harness.weights import pretrained

if TYPE_CHECKING:
    from harness.host.device import DeviceChoice
    from harness.reports.figures.crops import View


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which details a user asks for.

    Attributes:
        images: ``SET/NAME`` or files; empty for bundled photographs.
        models: ``[LABEL:]ID=FILE``, or the id of a network that comes with weights; empty for
            those that do.
        scale: Upscaling factor; None for those that bundled weights have.
        root: Data root; None where there is none.
        device: Where to run.
    """

    images: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    scale: int | None = None
    root: Path | None = None
    device: DeviceChoice = "auto"


@dataclass(frozen=True, slots=True)
class Shot:
    """What one network made of a detail.

    Attributes:
        label: The network; ``HR`` and ``Bicubic`` come first.
        scores: PSNR and SSIM of the whole image, as tables print them; empty for HR.
        content: WebP file, without loss.
    """

    label: str
    scores: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail.

    Attributes:
        name: The image.
        scale: Upscaling factor.
        width: Of the detail, in HR pixels.
        height: Likewise.
        shots: What it is compared between.
        caption: Where it is, and which weights made it.
    """

    name: str
    scale: int
    width: int
    height: int
    shots: tuple[Shot, ...]
    caption: str


def of(wanted: Wanted) -> tuple[Detail, ...]:
    """Run the networks; returns a detail for each image and scale.

    Raises:
        UsageError: There is no such image or network.
        DataError: An image cannot be read.
        CheckpointError: Weights do not fit.
    """
    return tuple(_details(wanted))


def _details(wanted: Wanted) -> Iterator[Detail]:
    from harness.reports.figures import crops

    known = pretrained.scales(pretrained.MODEL)
    if wanted.scale is not None and not wanted.models and wanted.scale not in known:
        there = ", ".join(f"x{scale}" for scale in known)
        raise UsageError(
            f"--scale {wanted.scale}: the bundled weights are for {there}; name others with --model"
        )
    scales = known if wanted.scale is None else (wanted.scale,)
    for number, scale in enumerate(scales):
        names = wanted.models or (pretrained.MODEL,)
        models = [crops.parse_model(name, scale=scale) for name in names]
        for image in wanted.images or (_bundled(number, scale),):
            test = crops.find_image(image, root=wanted.root, scale=scale)
            view = crops.view(test, models, scale=scale, box=None, device=wanted.device)
            yield _detail(view, scale)


def _bundled(number: int, scale: int) -> str:
    """Return one of the bundled photographs, as a user would name it: of each scale another."""
    photographs = find_test(SAMPLE, None, scale).hr
    return f"{SAMPLE}/{photographs[number % len(photographs)].stem}"


def _detail(view: View, scale: int) -> Detail:
    left, top, width, height = view.box
    shots = []
    for result in view.results:
        scores = ""
        if result.psnr_db is not None:
            scores = f"{details.psnr(result.psnr_db)} / {details.ssim(result.ssim)}"
        part = result.image[top : top + height, left : left + width]
        shots.append(Shot(result.label, scores, _webp(Image.fromarray(part))))
    weights = ", ".join(one.weights for one in view.results if one.weights)
    scored = "; ".join(f"{shot.label} {shot.scores}" for shot in shots if shot.scores)
    caption = (
        f"PSNR / SSIM of the whole image: {scored}. {width}x{height} HR pixels at {left},{top}; "
        f"weights: {weights}. On paper from the left: {', '.join(shot.label for shot in shots)}."
    )
    return Detail(view.name, scale, width, height, tuple(shots), caption)


def _webp(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, format="WEBP", lossless=True, quality=100, method=6)
    return content.getvalue()

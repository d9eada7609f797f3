"""Upscale image files: ``harness upscale``."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from harness.data.images import BY_SUFFIX, Listing, is_folder, named, size, survey
from harness.deploy import photos
from harness.deploy.photos import FORMATS
from harness.deploy.tile_size import WORKSPACE, Tiling, default_memory
from harness.deploy.upscaler import Enlarger
from harness.efficiency.counting.activations import bytes_per_px
from harness.errors import HarnessError, UsageError
from harness.evaluation import forms
from harness.evaluation.forms import Precision
from harness.host.device import DeviceChoice, inference_device
from harness.host.files import reason, write_atomic
from harness.host.paths import absent
from harness.host.progress import TileBar
from harness.models.bicubic import Bicubic
from harness.weights import load

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """By what, and how, images are upscaled.

    Attributes:
        model: Id, or ``FILE.py:CLASS``.
        scale: Upscaling factor.
        checkpoint: Weights; None for a network that learns nothing.
        device: ``auto``, ``cpu`` or ``cuda``.
        self_ensemble: Whether to take the mean over 8 flips and transposes.
        memory: Bytes that a run of the network may take; None for half of what is free.
        tile: Side of the tiles in LR pixels, 0 for none; None for what the memory allows.
        overlap: LR pixels around a tile; None for the network's receptive field.
        key: Which state dict of the file; None for the one that is wanted first.
        as_built: Whether the network runs as it is built and scored; else in the fused form,
            whose output is equal but for rounding, where it has one.
        precision: ``fp32``, or ``bf16``, which changes the output.
    """

    model: str
    scale: int
    checkpoint: Path | None = None
    device: DeviceChoice = "cpu"
    self_ensemble: bool = False
    memory: int | None = None
    tile: int | None = None
    overlap: int | None = None
    key: str | None = None
    as_built: bool = False
    precision: Precision = "fp32"


def run(inputs: Sequence[Path], output: Path | None, *, way: Way, force: bool = False) -> None:
    """Upscale files and folders; everything is checked before the first image is run.

    An image that cannot be read or written is reported, and the others go on. The path of
    each file written goes to standard output.

    Args:
        inputs: Image files, and folders of them (not of their subfolders).
        output: A folder; for one image file also a file name with an ending of ``FORMATS``;
            None for a place beside each input, as :func:`plan` has it.
        way: How.
        force: Whether files that exist are replaced.

    Raises:
        UsageError: Something asked for does not exist or cannot be.
        HarnessError: Weights cannot be read, or, when all is done, images failed.
    """
    listings = {place: survey(place) for place in inputs if is_folder(place)}
    jobs = plan(inputs, output, scale=way.scale, force=force, listings=listings)
    enlarger = _enlarger(way)
    strays = _say_what_is_passed_over(listings)
    sizes = [size(source) for source in jobs]
    total = sum(enlarger.tiles(*sides) for sides in sizes if sides)
    for folder in {target.parent for target in jobs.values()}:
        _make_folder(folder)
    bar = TileBar(total=total)
    written, failed = 0, 0
    try:
        for source, target in jobs.items():
            try:
                _one(source, target, enlarger, bar)
            except HarnessError as error:
                if len(jobs) == 1:
                    raise
                log.error("%s", error)
                failed += 1
                continue
            written += 1
            bar.say(str(target))
    except KeyboardInterrupt:
        log.warning("stopped: %d of %d images are written", written, len(jobs))
        raise
    finally:
        bar.close()
    if failed:
        raise HarnessError(f"{failed} of {len(jobs)} images could not be upscaled")
    if strays:
        raise HarnessError(f"{strays} images were passed over, {BY_SUFFIX}")


def _say_what_is_passed_over(listings: Mapping[Path, Listing]) -> int:
    """Log which files in folders are left out; return how many of them hold an image."""
    strays = 0
    for folder, listing in listings.items():
        if listing.others:
            log.info("%s: passed over %s: no images", folder, named(listing.others))
        if listing.strays:
            log.error("%s: passed over %s, %s", folder, named(listing.strays), BY_SUFFIX)
        strays += len(listing.strays)
    return strays


def plan(
    inputs: Sequence[Path],
    output: Path | None,
    *,
    scale: int,
    force: bool,
    listings: Mapping[Path, Listing],
) -> dict[Path, Path]:
    """Return the file to write for each image; ``listings`` are those of inputs that are folders.

    Without an output, the result of an image is written beside it (``photo_x2.png``), and the
    results of a folder into a new folder beside it (``photos_x2/``).

    Raises:
        UsageError: An input does not exist, a folder holds no image, two images would
            write one file, or a file is there already.
        DataError: A folder cannot be read, or holds two images of one name.
    """
    sources: dict[Path, Path] = {}
    for place in inputs:
        for source in _images(place, listings.get(place)):
            sources.setdefault(source, place)
    single = len(inputs) == 1 and not is_folder(inputs[0])
    if output is not None and not is_folder(output):
        _check_output(output, single=single)
    if output is not None and single and output.suffix and not is_folder(output):
        jobs = {inputs[0]: output}
    else:
        jobs = {
            source: (output or _beside(place, scale)) / f"{source.stem}_x{scale}.png"
            for source, place in sources.items()
        }
    _check_targets(jobs, force=force)
    return jobs


def _beside(place: Path, scale: int) -> Path:
    """Return the folder for the results of an image or of a folder of images."""
    if not is_folder(place):
        return place.parent
    folder = place.resolve() if place.name in ("", "..") else place
    return folder.parent / f"{folder.name}_x{scale}"


def _images(path: Path, listing: Listing | None) -> tuple[Path, ...]:
    if listing is not None:
        if not listing.images:
            strays_text = f": it holds {named(listing.strays)}" if listing.strays else ""
            raise UsageError(f"'{path}' is a folder without images{strays_text}")
        return listing.images
    if not path.exists():
        raise UsageError(absent(path))
    return (path,)


def _check_output(output: Path, *, single: bool) -> None:
    is_image_name = output.suffix.lower() in FORMATS
    if single and output.suffix and not is_image_name:
        raise UsageError(
            f"'{output}' has no known ending: expected {', '.join(FORMATS)}, or a folder"
        )
    if not single and (is_image_name or output.exists()):
        raise UsageError(f"'{output}' is no folder: several images need one")
    if output.exists() and not output.suffix:
        raise UsageError(f"'{output}' is a file without an ending: expected a folder or a new file")


def _check_targets(jobs: dict[Path, Path], *, force: bool) -> None:
    sources: dict[Path, Path] = {}
    for source, target in jobs.items():
        other = sources.setdefault(target, source)
        if other is not source:
            raise UsageError(f"'{other}' and '{source}' would both be written to '{target}'")
    own = {source.resolve() for source in jobs}
    existing = [target for target in sources if target.exists()]
    for target in existing:
        if is_folder(target):
            raise UsageError(f"'{target}' is a folder: expected no or another file there")
        if target.resolve() in own:
            raise UsageError(f"'{target}' is an input and an output: expected another output")
    if existing and not force:
        more = f", and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise UsageError(f"'{existing[0]}' exists{more}: use --force to replace what is there")


def _enlarger(way: Way) -> Enlarger:
    device = inference_device(way.device)
    network = _network(way, device)
    if way.precision == "bf16":
        forms.say_bf16(device)
    memory = default_memory(device) if way.memory is None else way.memory
    needed = WORKSPACE * bytes_per_px(network) if way.tile is None else 1
    log.debug("%.0f bytes per LR px, %d to use", needed, memory)
    return Enlarger(
        network,
        name=way.model,
        scale=way.scale,
        device=device,
        tiling=Tiling(memory, needed, forced=way.tile),
        overlap=way.overlap,
        self_ensemble=way.self_ensemble,
        precision=way.precision,
    )


def _network(way: Way, device: torch.device) -> nn.Module:
    network = load.build(way.model, scale=way.scale, checkpoint=way.checkpoint, key=way.key)
    if way.as_built or isinstance(network, Bicubic):
        return network
    try:
        return forms.merged(network, name=way.model, device=device)
    except UsageError as error:  # it was not asked for, and changes nothing but the time
        log.info("%s: it runs as built", error)
        return network


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"cannot make the folder '{folder}': {reason(error)}") from error
    if not os.access(folder, os.W_OK):
        raise HarnessError(f"cannot write into '{folder}': permission denied")


def _one(source: Path, target: Path, enlarger: Enlarger, bar: TileBar) -> None:
    picture = photos.read(source)
    suffix = target.suffix.lower()
    try:
        photos.check_format(picture, suffix)
        content = photos.encode(enlarger.enlarge(picture, bar), suffix)
    except HarnessError as error:
        raise HarnessError(f"{source}: {error}") from error
    except MemoryError as error:
        raise HarnessError(f"{source}: not enough memory to hold the whole result") from error
    write_atomic(target, content)

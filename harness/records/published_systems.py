"""Published networks by their labels, with what they were trained on, to stand beside one's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from harness.config import paper
from harness.config.protocols import DEFAULT
from harness.errors import ConfigError, RecordError, suggest
from harness.host.paths import bundled
from harness.host.problems import FormatError
from harness.host.reading import read_text
from harness.host.yaml_reading import from_yaml
from harness.models import registry
from harness.records import published, published_modern, released
from harness.records.published import Published
from harness.records.released import Weights

FILE_NAME = "training.yaml"
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What some published networks were trained on; the fields are the keys of the list.

    Attributes:
        labels: The networks.
        images: The training set.
        source: Where that is said.
    """

    labels: tuple[str, ...]
    images: str
    source: str


@dataclass(frozen=True, slots=True)
class PublishedSystem:
    """A published network at one scale.

    Attributes:
        label: Its name.
        scale: Upscaling factor.
        trained_on: Its training set; ``not known`` where that is so.
        source: File of ``results/`` that its numbers stand in.
        cells: Its numbers, as printed.
    """

    label: str
    scale: int
    trained_on: str
    source: str
    cells: tuple[Published, ...]


def names() -> tuple[str, ...]:
    """Return the labels of all published networks, those of Table 5 first.

    Raises:
        RecordError: The published values cannot be read.
    """
    return tuple(dict.fromkeys(label for label, _ in _by_key()))


def problems(labels: Iterable[str]) -> list[str]:
    """Return what is wrong with the labels of published rows, each with the nearest one.

    Raises:
        RecordError: The published values cannot be read.
    """
    known = names()
    return [
        f"published: there is no published row '{label}'{suggest(label, known)}"
        for label in labels
        if label not in known
    ]


def systems(labels: Iterable[str], scale: int) -> tuple[PublishedSystem, ...]:
    """Return published networks at a scale, those that are published at it, in the order given.

    Raises:
        ConfigError: A label is not known.
        RecordError: The published values cannot be read.
    """
    chosen = tuple(dict.fromkeys(labels))
    if wrong := problems(chosen):
        raise ConfigError(wrong)
    found = (_by_key().get((label, scale)) for label in chosen)
    return tuple(system for system in found if system is not None)


def training_of(label: str) -> str:
    """Return the training set of a published network; ``not known`` where that is so.

    Raises:
        RecordError: The published values cannot be read.
    """
    sets = (system.trained_on for (name, _), system in _by_key().items() if name == label)
    return next((images for images in sets if images != UNKNOWN), UNKNOWN)


@cache
def trained_on() -> dict[str, str]:
    """Return the training set of every published network of which it is known, by label.

    Raises:
        RecordError: The list is broken.
    """
    path = bundled("published") / FILE_NAME
    try:
        listed = from_yaml(tuple[TrainedOn, ...], read_text(path))
    except FormatError as error:
        raise RecordError(f"'{path}' is no list of training sets: {error}") from error
    return {label: entry.images for entry in listed for label in entry.labels}


@cache
def _by_key() -> dict[tuple[str, int], PublishedSystem]:
    """Return every published network by label and scale.

    Those of Table 5 go before younger ones, and these before those of released weights.
    """
    cells: dict[tuple[str, int], list[Published]] = {}
    for cell in published.load(paper.SYSTEMS_TABLE):
        cells.setdefault((cell.label, cell.scale), []).append(cell)
    source = published.source(paper.SYSTEMS_TABLE)
    found = {key: _system(*key, source, of_key) for key, of_key in cells.items()}
    for (label, scale, images), of_row in published_modern.rows().items():
        name = f"published/{published_modern.FILE_NAME}"
        system = PublishedSystem(label, scale, images or UNKNOWN, name, of_row)
        found.setdefault((label, scale), system)
    for weights in released.load():
        if weights.label or weights.protocol != DEFAULT.name:
            continue
        label = registry.get(weights.model).label
        if weights.images:  # those of several training sets have a row each
            label = f"{label} ({weights.images})"
        for scale in weights.published:
            name = f"published/{released.FILE_NAME}"
            system = _system(label, scale, name, of_weights(weights, scale))
            found.setdefault((label, scale), system)
    return found


def of_weights(weights: Weights, scale: int) -> tuple[Published, ...]:
    """Return what the list of released weights says to be printed of some of them, as cells."""
    label = registry.get(weights.model).label
    return tuple(
        Published(0, label, scale, name, metric, Decimal(f"{value:.{digits}f}"), "")
        for name, scores in weights.published.get(scale, {}).items()
        for (metric, digits), value in zip(_PRINTED, scores, strict=True)
    )


_PRINTED = (("psnr_db", 2), ("ssim", 4))
"""The scores of a set in the list of released weights, and the digits that papers print."""


def _system(label: str, scale: int, source: str, cells: Iterable[Published]) -> PublishedSystem:
    images = trained_on().get(label, UNKNOWN)
    return PublishedSystem(label, scale, images, source, tuple(cells))

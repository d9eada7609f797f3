"""The rows of the table of efficient networks: each with its counts, scores and latency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.config.protocols import DEFAULT
from harness.models import registry
from harness.models.modern import MODERN
from harness.models.variant import Variant
from harness.records import counts, latencies, published_modern, published_systems, released
from harness.records.counts import Count
from harness.records.latencies import BesideIMDN
from harness.records.published import Published
from harness.records.record import Record, SetScore
from harness.records.released import ReleasedScores, Weights
from harness.reports.tables.efficiency import sentence
from harness.reports.tables.fields import numbered

_YARDSTICKS = ("imdn", "rlfn")  # what today's networks are compared with
CELLS = f"published/{published_modern.FILE_NAME}"
WEIGHTS = f"published/{released.FILE_NAME}"


@dataclass(frozen=True, slots=True)
class ModernSystem:
    """One row: a network at one scale, as far as it is printed with one training set.

    Attributes:
        count: What it costs.
        images: Training set of the printed scores, and of the weights where several were released;
            empty where no source says it.
        printed: Printed values by set and metric; those of counts have no set.
        file: Which file of ``results/`` holds them; empty where nothing is printed.
        sources: Where they were read.
        weights: What was scored again; None where no weights are public.
        record: Where their scores by the default protocol are stored; None where they are not.
        latency: Beside IMDN's in the same run; None where it was not measured.
        note: Number of the note on its counts.
    """

    count: Count
    images: str
    printed: Mapping[tuple[str, str], Published]
    file: str
    sources: tuple[str, ...]
    weights: Weights | None
    record: Record | None
    latency: BesideIMDN | None
    note: int | None

    def rescored(self, name: str) -> SetScore | None:
        """Return its score on a set by the default protocol."""
        return self.record.score(name) if self.record else None


@dataclass(frozen=True, slots=True)
class _Row:
    """What is printed of a network with one training set, and the weights that belong to it."""

    images: str
    printed: Mapping[tuple[str, str], Published]
    file: str
    sources: tuple[str, ...]
    weights: Weights | None = None


def variants() -> tuple[Variant, ...]:
    """Return the networks of the table in the registry's order, those first that are its bases."""
    bases = [registry.get(name) for name in _YARDSTICKS]
    return (*bases, *(one for one in registry.VARIANTS if one in MODERN))


def systems(records: Iterable[Record], results: Path) -> list[ModernSystem]:
    """Return the networks at each of their scales, scale by scale.

    Args:
        records: Any records; those of weights as released are looked at.
        results: Results root; latencies are read below it.

    Raises:
        RecordError: Stored counts, published values, weights or latencies cannot be read, or a
            network has no stored count.
    """
    scored = ReleasedScores(records)
    measured = latencies.load(results)
    printed = _printed()
    places = sorted(
        ((one, scale) for one in variants() for scale in one.scales),
        key=lambda place: place[1],
    )
    of = {place: counts.of_model(place[0].id, place[1]) for place in places}
    explained = numbered(sentence(count) for count in of.values() if _is_explained(count))
    return [
        ModernSystem(
            count=of[variant, scale],
            images=row.images,
            printed=row.printed,
            file=row.file,
            sources=row.sources,
            weights=row.weights,
            record=scored.record(row.weights, scale, DEFAULT.name) if row.weights else None,
            latency=measured.get((variant.id, scale)),
            note=explained.get(sentence(of[variant, scale])),
        )
        for variant, scale in places
        for row in _rows(variant, scale, printed.get((variant.label, scale), {}))
    ]


def _is_explained(count: Count) -> bool:
    return bool(count.note) and count.status in ("explained", "open")


def _rows(variant: Variant, scale: int, groups: Mapping[str, _Row]) -> list[_Row]:
    """Return the rows of a network at one scale: one for each training set and file of weights.

    Args:
        variant: The network.
        scale: Upscaling factor.
        groups: What the list of printed values has of it, by training set.
    """
    files = [one for one in released.load() if one.model == variant.id and scale in one.scales]
    found: list[_Row] = []
    for weights in files:
        alone = len(groups) == 1 and not weights.images
        images = next(iter(groups)) if alone else weights.images
        row = groups.get(images) or _of_weights(weights, images, scale)
        found.append(replace(row, weights=weights))
    found += [row for images, row in groups.items() if images not in {one.images for one in found}]
    return sorted(found, key=lambda row: row.images) or [_Row("", {}, "", ())]


def _printed() -> dict[tuple[str, int], dict[str, _Row]]:
    """Return the list of printed values: by label and scale, and by training set."""
    sources: dict[tuple[str, int, str], dict[str, None]] = {}
    for cell in published_modern.load():
        if cell.input_px is None:
            key = (cell.label, cell.scale, cell.training)
            sources.setdefault(key, {})[cell.source] = None
    found: dict[tuple[str, int], dict[str, _Row]] = {}
    for (named, scale, images), cells in published_modern.rows().items():
        label = named.removesuffix(f" ({images})")
        read = sources.get((label, scale, ""), {}) | sources.get((label, scale, images), {})
        of = {(one.set, one.metric): one for one in cells}
        found.setdefault((label, scale), {})[images] = _Row(images, of, CELLS, tuple(read))
    return found


def _of_weights(weights: Weights, images: str, scale: int) -> _Row:
    """Return what the list of weights says to be printed of them."""
    of = {(one.set, one.metric): one for one in published_systems.of_weights(weights, scale)}
    return _Row(images, of, WEIGHTS if of else "", (weights.source,) if of else ())

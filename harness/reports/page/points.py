"""The points of the page's plot: networks as published, as re-scored here, and one's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.config import paper
from harness.config.ablation import Ablation
from harness.config.protocols import DEFAULT
from harness.efficiency.bench.rows import BenchRow
from harness.models import registry
from harness.records import counts, published_modern, published_systems, released
from harness.records.means import mean_scores
from harness.records.published_systems import PublishedSystem
from harness.records.record import Record
from harness.records.released import ReleasedScores
from harness.reports.figures import own_pareto, pareto
from harness.reports.page import details
from harness.reports.tables.bench_cells import rounded
from harness.reports.tables.fields import as_printed

PUBLISHED, RESCORED, OWN = "published", "re-scored", "own"
KINDS = (PUBLISHED, RESCORED, OWN)

MULTI_ADDS, PARAMS = "Multi-Adds (G)", "Parameters (K)"


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One network at one scale.

    Attributes:
        label: Its name.
        kind: One of :data:`KINDS`.
        scale: Upscaling factor.
        psnr: By set, as tables print it, in dB.
        costs: By axis, as tables print it: :data:`MULTI_ADDS`, :data:`PARAMS`, or a latency in ms.
        source: Where the scores stand.
        budget: How it was trained.
        ssim: By set, likewise.
        family: Whether it is of the paper's own networks.
        short: Whether it was trained here for less than the paper's budget.
        records: Ids of its records.
    """

    label: str
    kind: str
    scale: int
    psnr: dict[str, str]
    costs: dict[str, str]
    source: str
    budget: str
    ssim: dict[str, str] = field(default_factory=dict)
    family: bool = False
    short: bool = False
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """All points, and what the axes may be.

    Attributes:
        points: The networks.
        axes: What PSNR may be drawn over.
        left_out: What is not drawn, and why, in sentences.
    """

    points: tuple[PlotPoint, ...]
    axes: tuple[str, ...]
    left_out: tuple[str, ...]


def of(
    ablations: Iterable[Ablation], stored: Sequence[Record], measured: Sequence[BenchRow]
) -> tuple[Plot, tuple[Record, ...]]:
    """Return the plot, and the records that its points come from.

    Args:
        ablations: Whose rows are one's own.
        stored: Any records; those of another protocol than the default are left out.
        measured: Latencies, if there are any.

    Raises:
        RecordError: The published values or stored counts cannot be read.
    """
    usable = [one for one in stored if one.protocol == DEFAULT.name]
    latency = _Latency(measured)
    printed, unknown = _published(latency)
    found = [*_rescored(usable), *_own(ablations, usable)]
    used: dict[str, Record] = {}
    points = list(printed)
    for label, kind, records in found:
        if records[0].id in used or not records[0].multi_adds:
            continue
        used |= {one.id: one for one in records}
        points.append(_point(label, kind, records, latency))
    axes = (MULTI_ADDS, PARAMS, *latency.axes)
    names = dict.fromkeys(unknown)
    left_out = (f"Left out, its layers being unknown: {', '.join(names)}.",) if names else ()
    return Plot(tuple(points), axes, left_out), tuple(used.values())


def as_data(plot: Plot) -> dict[str, Any]:
    """Return a plot as plain values for JSON."""
    keys = ("label", "kind", "scale", "psnr", "ssim", "costs", "source", "budget")
    points = [
        {key: getattr(point, key) for key in keys}
        | {"family": point.family, "short": point.short, "records": point.records}
        for point in plot.points
    ]
    return {"points": points, "axes": plot.axes}


def _published(latency: _Latency) -> tuple[list[PlotPoint], list[str]]:
    points, unknown = [], []
    scales = sorted({scale for _, scale in counts.load()})
    for scale in scales:
        for system in published_systems.systems(published_systems.names(), scale):
            sets = dict.fromkeys(
                cell.set for cell in system.cells if cell.metric == "psnr_db" and cell.value
            )
            network = published_modern.network(system.label)
            counted = (network, scale) in counts.load()  # others are not built here
            drawn = [pareto.points(scale, name, system.cells) for name in sets if counted]
            if sets and not (drawn and drawn[0][0]):
                unknown.append(f"{system.label} x{scale}")
            elif drawn:
                points.append(_published_point(system, drawn[0][0][0].by_rule, latency))
    return points, unknown


def _published_point(system: PublishedSystem, multi_adds: int, latency: _Latency) -> PlotPoint:
    values = {(cell.set, cell.metric): as_printed(cell) for cell in system.cells}
    psnr, ssim = (
        {name: form(value) for (name, of), value in values.items() if of == metric and value}
        for metric, form in (("psnr_db", details.psnr), ("ssim", details.ssim))
    )
    count = counts.of(counts.load(), published_modern.network(system.label), system.scale)
    params = values.get(("", "params_k")) or count.params
    return PlotPoint(
        label=system.label,
        kind=PUBLISHED,
        scale=system.scale,
        psnr=psnr,
        ssim=ssim,
        costs={MULTI_ADDS: details.giga(multi_adds), PARAMS: details.kilo(params)}
        | latency.of(count.model, system.scale),
        source=system.source,
        budget=f"as published; trained on: {system.trained_on}",
        family=system.label.startswith(paper.FAMILY),
    )


def _rescored(stored: Sequence[Record]) -> Iterable[tuple[str, str, tuple[Record, ...]]]:
    """Yield the released weights that were scored."""
    scored = ReleasedScores(stored)
    for weights in released.load():
        for scale in weights.scales:
            if record := scored.record(weights, scale, DEFAULT.name):
                label = weights.label or registry.get(weights.model).label
                yield label, RESCORED, (record,)


def _own(
    ablations: Iterable[Ablation], stored: Sequence[Record]
) -> Iterable[tuple[str, str, tuple[Record, ...]]]:
    """Yield the rows of ablations, those that branches were cut from after training left out."""
    scales = sorted({record.scale for record in stored})
    for ablation in ablations:
        for row in ablation.rows:
            if row.drop:
                continue
            for scale in scales:
                if records := own_pareto.longest(row, scale, stored):
                    yield row.label, OWN, records


def _point(label: str, kind: str, records: Sequence[Record], latency: _Latency) -> PlotPoint:
    first = records[0]
    means = mean_scores([record.scores for record in records])
    plain = not first.overrides and not first.drop
    seeds = ", ".join(str(one.seed) for one in records if one.seed is not None)
    means_of = f"; mean over seeds {seeds}" if len(records) > 1 else ""
    return PlotPoint(
        label=label,
        kind=kind,
        scale=first.scale,
        psnr={name: details.psnr(psnr_db) for name, (psnr_db, _) in means.items()},
        ssim={name: details.ssim(ssim) for name, (_, ssim) in means.items()},
        costs={MULTI_ADDS: details.giga(first.multi_adds), PARAMS: details.kilo(first.params)}
        | (latency.of(first.model, first.scale) if plain else {}),
        source=f"records of {', '.join(dict.fromkeys(map(_commit, records)))}",
        budget=f"{details.budget(first)}{means_of}",
        family=label.startswith(paper.FAMILY),
        short=bool(first.group) and not first.full_budget,
        records=tuple(one.id for one in records),
    )


def _commit(record: Record) -> str:
    return f"commit {(record.provenance.commit or 'unknown')[:12]}"


class _Latency:
    """Measured medians, by network and scale, one axis a setup."""

    def __init__(self, rows: Iterable[BenchRow]) -> None:
        self._rows: dict[tuple[str, int], dict[str, str]] = {}
        for row in rows:
            axis = (
                f"Latency (ms): {row.device}, {row.dtype}, {row.threads} threads, "
                f"{row.memory_format}, {row.weights}, to {row.output_px}"
            )
            self._rows.setdefault((row.model, row.scale), {})[axis] = str(rounded(row.p50_ms))
        self.axes = tuple(dict.fromkeys(axis for of in self._rows.values() for axis in of))

    def of(self, model: str, scale: int) -> dict[str, str]:
        """Return the medians of a network by axis, in ms."""
        return self._rows.get((model, scale), {})

"""The points of networks as published, in the page's plot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.config import paper
from harness.records import counts, published, published_systems
from harness.records.counts import Count
from harness.records.published import Published
from harness.records.published_systems import PublishedSystem
from harness.reports.figures import pareto
from harness.reports.page import details
from harness.reports.page.plot_point import MULTI_ADDS, PARAMS, PUBLISHED, Latency, PlotPoint
from harness.reports.tables.fields import as_printed
from harness.reports.tables.modern_rows import ModernSystem


def of(modern: Sequence[ModernSystem], latency: Latency) -> tuple[list[PlotPoint], list[str]]:
    """Return the points, and the names of published networks that no network here counts.

    Args:
        modern: The networks younger than the paper, a row for each training set.
        latency: What was measured.

    Raises:
        RecordError: The published values or stored counts cannot be read.
    """
    points, unknown = [], []
    scales = sorted({scale for _, scale in counts.load()})
    younger = {row.count.label for row in modern}
    of_paper = published.source(paper.SYSTEMS_TABLE)
    for scale in scales:
        for system in published_systems.systems(published_systems.names(), scale):
            if system.source != of_paper and system.label.partition(" (")[0] in younger:
                continue  # drawn below, a point for each training set
            sets = dict.fromkeys(
                cell.set for cell in system.cells if cell.metric == "psnr_db" and cell.value
            )
            counted = (system.label, scale) in counts.load()  # others are not built here
            drawn = [pareto.points(scale, name, system.cells) for name in sets if counted]
            if sets and not (drawn and drawn[0][0]):
                unknown.append(system.label)
            elif drawn:
                points.append(_published_point(system, drawn[0][0][0].by_rule, latency))
    for label, row in _scored(modern):
        if (multi_adds := row.count.rule_multi_adds) is None:
            unknown.append(label)
            continue
        origin = (row.file, row.images or published_systems.UNKNOWN)
        points.append(_printed_point(label, row.count, row.printed, multi_adds, latency, origin))
    return points, unknown


def _published_point(system: PublishedSystem, multi_adds: int, latency: Latency) -> PlotPoint:
    cells = {(cell.set, cell.metric): cell for cell in system.cells}
    count = counts.of(counts.load(), system.label, system.scale)
    return _printed_point(
        system.label, count, cells, multi_adds, latency, (system.source, system.trained_on)
    )


def _scored(modern: Sequence[ModernSystem]) -> Iterable[tuple[str, ModernSystem]]:
    """Yield the younger networks whose PSNR is printed, with a name for each training set."""
    scored = [row for row in modern if any(metric == "psnr_db" for _, metric in row.printed)]
    names = Counter((row.count.label, row.count.scale) for row in scored)
    for row in scored:
        several = names[row.count.label, row.count.scale] > 1
        label = row.count.label
        yield f"{label} ({row.images})" if several and row.images else label, row


def _printed_point(
    label: str,
    count: Count,
    cells: Mapping[tuple[str, str], Published],
    multi_adds: int,
    latency: Latency,
    origin: tuple[str, str],
) -> PlotPoint:
    """Return a network as printed.

    Args:
        label: Its name.
        count: What it costs.
        cells: Its printed values, by set and metric.
        multi_adds: Its Multi-Adds by the rule of the printed figures.
        latency: What was measured.
        origin: File that the values stand in, and training set.
    """
    values = {key: as_printed(cell) for key, cell in cells.items()}
    psnr, ssim = (
        {name: form(value) for (name, of), value in values.items() if of == metric and value}
        for metric, form in (("psnr_db", details.psnr), ("ssim", details.ssim))
    )
    params = values.get(("", "params_k")) or count.params
    return PlotPoint(
        label=label,
        kind=PUBLISHED,
        scale=count.scale,
        psnr=psnr,
        ssim=ssim,
        costs={MULTI_ADDS: details.giga(multi_adds), PARAMS: details.kilo(params)}
        | latency.of(count.model, count.scale),
        source=origin[0],
        budget=f"as published; trained on: {origin[1]}",
        family=label.startswith(paper.FAMILY),
    )

"""The points of the page's plot: networks as published, as re-scored here, and one's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.config import paper
from harness.config.ablation import Ablation
from harness.config.protocols import DEFAULT
from harness.efficiency.bench.rows import BenchRow
from harness.models import registry
from harness.records import released
from harness.records.means import mean_scores
from harness.records.record import Record
from harness.records.released import ReleasedScores
from harness.reports.figures import own_pareto
from harness.reports.page import details, printed_points
from harness.reports.page.plot_point import (
    KINDS,
    MULTI_ADDS,
    OWN,
    PARAMS,
    RESCORED,
    Latency,
    PlotPoint,
)
from harness.reports.tables.modern_rows import ModernSystem


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
    ablations: Iterable[Ablation],
    stored: Sequence[Record],
    measured: Sequence[BenchRow],
    modern: Sequence[ModernSystem],
) -> tuple[Plot, tuple[Record, ...]]:
    """Return the plot, and the records that its points come from.

    Args:
        ablations: Whose rows are one's own.
        stored: Any records; those of another protocol than the default are left out.
        measured: Latencies, if there are any.
        modern: The networks younger than the paper, a row for each training set.

    Raises:
        RecordError: The published values or stored counts cannot be read.
    """
    usable = [one for one in stored if one.protocol == DEFAULT.name]
    latency = Latency(measured)
    printed, unknown = printed_points.of(modern, latency)
    found = [*_rescored(usable), *_own(ablations, usable)]
    used: dict[str, Record] = {}
    points = list(printed)
    for label, kind, records in found:
        if records[0].id in used or not records[0].multi_adds:
            continue
        used |= {one.id: one for one in records}
        points.append(_point(label, kind, records, latency))
    axes = (MULTI_ADDS, PARAMS, *latency.axes)
    names = ", ".join(dict.fromkeys(unknown))
    left_out = (f"Left out, because no network here counts them: {names}.",) if names else ()
    return Plot(tuple(points), axes, left_out), tuple(used.values())


def as_data(plot: Plot) -> dict[str, Any]:
    """Return a plot as plain values for JSON, in few bytes.

    The numbers of a point are one text, those of the sets or axes in their order between bars.
    Sources and budgets stand in a list of texts; what is false or empty is left out.
    """
    sets = tuple(dict.fromkeys(name for point in plot.points for name in point.psnr))
    texts: dict[str, int] = {}

    def listed(values: Mapping[str, str], keys: Sequence[str]) -> str:
        return "|".join(values.get(key, "") for key in keys).rstrip("|")

    def of_point(point: PlotPoint) -> dict[str, Any]:
        whole = {
            "label": point.label,
            "kind": KINDS.index(point.kind),
            "scale": point.scale,
            "psnr": listed(point.psnr, sets),
            "ssim": listed(point.ssim, sets),
            "costs": listed(point.costs, plot.axes),
            "of": [texts.setdefault(text, len(texts)) for text in (point.source, point.budget)],
        }
        known = {"family": point.family, "short": point.short, "records": point.records}
        return whole | {key: value for key, value in known.items() if value}

    points = [of_point(point) for point in plot.points]
    named = {"kinds": KINDS, "sets": sets, "axes": plot.axes, "texts": list(texts)}
    return {"points": points, **named}


def _rescored(stored: Sequence[Record]) -> Iterable[tuple[str, str, tuple[Record, ...]]]:
    """Yield the released weights that were scored."""
    scored = ReleasedScores(stored)
    found = [
        (weights.label or registry.get(weights.model).label, weights.images, record)
        for weights in released.load()
        for scale in weights.scales
        if (record := scored.record(weights, scale, DEFAULT.name))
    ]
    names = Counter((label, record.scale) for label, _, record in found)
    for label, images, record in found:
        several = names[label, record.scale] > 1
        yield f"{label} ({images})" if several and images else label, RESCORED, (record,)


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


def _point(label: str, kind: str, records: Sequence[Record], latency: Latency) -> PlotPoint:
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

"""The table of ``harness compare --ntire``: the challenge's formula on runtimes of our own."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from harness.efficiency.challenge import Scored
from harness.records.challenge import LR_PX, SCALE, Challenge
from harness.reports.tables.bench_cells import measured_cell, threads_text
from harness.reports.tables.fields import Field, columns_of, field, hidden, rows_of
from harness.reports.tables.table import Table

_SCIENTIFIC_FROM = 1e6


def _shown(score: float, *, digits: int = 4) -> str:
    """Return a score with decimals; a huge one, as the exponential gives, by its power of ten."""
    if not isfinite(score):
        return "above 1e308"
    return f"{score:,.{digits}f}" if score < _SCIENTIFIC_FROM else f"{score:.{digits}e}"


def _finite(score: float) -> float | None:
    return score if isfinite(score) else None


_FIELDS: tuple[Field[Scored], ...] = (
    hidden("model", lambda row: row.counted.variant.id),
    field("label", "Network", lambda row: row.counted.variant.label),
    field("params", "Params", lambda row: row.counted.params, "count"),
    field("multi_adds", "FLOPs\n(G)", lambda row: row.counted.multi_adds, "giga"),
    field("p50_ms", "Runtime,\nours (ms)", lambda row: measured_cell(row.measured.p50_ms), "count"),
    field("runtime_ratio", "Runtime\nratio, ours", lambda row: row.ratios.runtime, "weight"),
    field("flops_ratio", "FLOPs\nratio", lambda row: row.ratios.flops, "weight"),
    field("params_ratio", "Params\nratio", lambda row: row.ratios.params, "weight"),
    field("score_shown", "Score, our\nruntime", lambda row: _shown(row.score), "count"),
    field(
        "score_of",
        "of another\nrun",
        lambda row: f"{_shown(row.low, digits=2)} to {_shown(row.high, digits=2)}",
    ),
    hidden("score", lambda row: _finite(row.score)),
    hidden("score_low", lambda row: _finite(row.low)),
    hidden("score_high", lambda row: _finite(row.high)),
    hidden("device", lambda row: row.measured.device),
    hidden("date", lambda row: row.measured.date),
)


def _processes(count: int) -> str:
    return f"{count} process{'es' if count > 1 else ''}"


def build(rows: Sequence[Scored], challenge: Challenge) -> Table:
    """Return the table of networks, the first of them the base."""
    base, weights = rows[0].counted.variant, challenge.weights
    first = rows[0].measured
    return Table(
        name=f"ntire{challenge.year}",
        title=f"Score of NTIRE {challenge.year} on our own runtimes, x{SCALE}, "
        f"LR {LR_PX[0]}x{LR_PX[1]}: base {base.label}",
        columns=columns_of(_FIELDS),
        rows=rows_of(_FIELDS, rows),
        notes=(
            f"Score: {weights.runtime} exp(2 runtime ratio) + {weights.flops} exp(2 FLOPs ratio) "
            f"+ {weights.params} exp(2 params ratio), ratios to {base.label} (`{base.id}`), whose "
            f"own score is exp(2) = {rows[0].score:.4f}; lower is better. {challenge.source}.",
            f"Runtime is ours: median of {_processes(first.processes)} on {first.device}, "
            f"{threads_text(first)}, {first.dtype}, torch {first.torch}, all networks in turns in "
            f"one run. The challenge's is a mean over images on {challenge.gpu}: do not set these "
            "scores beside those of its tables.",
            "Of another run: the score at the least and at the greatest runtime ratio that the "
            "ranges of both medians allow.",
            "FLOPs: Multi-Adds by our rule. The challenge counts by fvcore, which adds "
            "interpolation and norms. Params: of the merged form where a network declares one.",
            "The challenge ranks only networks that reach a PSNR on images of its own; that is not "
            "looked at here.",
        ),
        marks="none",
    )

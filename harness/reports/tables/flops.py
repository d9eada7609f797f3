"""The rows of ``harness flops`` as a table."""

from __future__ import annotations

from collections.abc import Sequence

from harness.config.paper import Convention
from harness.efficiency.counting.report import CountedRow, as_dict
from harness.efficiency.targets import ImageSize
from harness.reports.tables.table import Column, Table, TableRow

_BY_ITS_FORWARD = ("multi_adds", "activations", "convs")
_MEANINGS = (
    "Params: trainable scalars; of a network that declares its merged form, of that one, and "
    "Trained those of the form that is trained. Deployed: weight norm and batch norm folded, "
    "kernels merged that are made of several. Multi-Adds: kernel elements times pixels; no biases, "
    "activations, norms or interpolation.",
    "Rule: the same by the rule named in the notes, where the printed figures follow another.",
    "Status: exact, the count has the printed digits; explained, a named rule or misprint "
    "gives them; open, nothing known does.",
)
_FUSED = (
    "Fused: the form that harness upscale runs, with branches, norms and constants within kernels; "
    "its output is equal but for rounding. Tables of networks keep the other one."
)
_CONVENTIONS: dict[Convention, str] = {
    "paper": "Transposed convolutions are charged on their output grid.",
    "executed": "As PyTorch computes it: transposed convolutions are charged on their input grid.",
}


def to_table(
    rows: Sequence[CountedRow],
    *,
    size: ImageSize,
    convention: Convention,
    counters: bool,
    fused: bool = False,
) -> Table:
    """Return rows as a table whose columns have the keys of the JSON form."""
    columns = {
        "model": Column("model", printed=False),
        "label": Column("label", "Network"),
        "scale": Column("scale", "Scale", "count"),
        "params": Column("params", "Params", "count"),
        "params_trained": Column(
            "params_trained",
            "Trained",
            "count",
            printed=any(row.params_trained is not None for row in rows),
        ),
        "params_deployed": Column("params_deployed", "Deployed", "count"),
        "multi_adds": Column("multi_adds", "Multi-Adds\n(G)", "giga"),
        "convention": Column("convention", printed=False),
        "activations": Column("activations", "Activations", "count"),
        "convs": Column("convs", "Convs", "count"),
        "rule": Column("rule", printed=False),
        "rule_params": Column("rule_params", "Params\n(rule)", "count"),
        "rule_multi_adds": Column("rule_multi_adds", "Multi-Adds\n(G, rule)", "giga"),
        "published_params_k": Column("published_params_k", "Params\n(K, paper)", "count"),
        "published_multi_adds_g": Column(
            "published_multi_adds_g", "Multi-Adds\n(G, paper)", "giga"
        ),
        "status": Column("status", "Status"),
        "note": Column("note", printed=False),
        "fvcore": Column("fvcore", "fvcore\n(G)", "giga"),
        "ptflops": Column("ptflops", "ptflops\n(G)", "giga"),
        "fused_params": Column("fused_params", "Params\n(fused)", "count"),
        "fused_multi_adds": Column("fused_multi_adds", "Multi-Adds\n(G, fused)", "giga"),
    }
    cells = [as_dict(row, counters=counters, fused=fused) | _not_available(row) for row in rows]
    keys = list(as_dict(rows[0], counters=counters, fused=fused)) if rows else list(columns)
    return Table(
        name="flops",
        title=f"Cost of networks, {size.width}x{size.height} {size.of}",
        columns=tuple(columns[key] for key in keys),
        rows=tuple(TableRow(tuple(values[key] for key in keys)) for values in cells),
        lead=3,
        notes=(_CONVENTIONS[convention], *_MEANINGS, *((_FUSED,) if fused else ()), *_notes(rows)),
    )


def _not_available(row: CountedRow) -> dict[str, str]:
    """Return the cells of a row that a doubt leaves without a number."""
    return dict.fromkeys(_BY_ITS_FORWARD, "n/a") if row.doubts else {}


def _notes(rows: Sequence[CountedRow]) -> list[str]:
    """Return one note for all scales of a network that share it."""
    scales: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        if row.note:
            named = f"{row.note} ({row.rule})" if row.status else row.note
            scales.setdefault((row.label, named), []).append(row.scale)
    return [
        f"{label} {', '.join(f'x{scale}' for scale in shared_by)}: {note}."
        for (label, note), shared_by in scales.items()
    ]

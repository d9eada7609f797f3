"""The small table of pairs that differ in one thing, beside that of an ablation."""

from __future__ import annotations

from collections.abc import Sequence

from harness.reports.tables import intervals
from harness.reports.tables.fields import Field, columns_of, field, rows_of
from harness.reports.tables.table import Table
from harness.statistics.estimates import Inference


def name_of(name: str) -> str:
    """Return the name of the small table beside an ablation's table of that name."""
    return f"{name}_pairs"


def build(
    name: str, title: str, inferences: Sequence[Inference], trained: Sequence[str]
) -> Table | None:
    """Return the table of the pairs; None where none has been run.

    Args:
        name: Name of the ablation's table.
        title: Its title.
        inferences: The statistics of its rows and pairs.
        trained: How its rows were trained, and on what, in sentences.
    """
    pairs = [inference for inference in inferences if inference.pair and inference.estimate]
    if not pairs:
        return None

    def label_of(pair: Inference) -> str:
        return pair.label

    def minus_base(pair: Inference) -> float | None:
        return float(pair.estimate.diff) if pair.estimate else None

    _, interval, details = intervals.fields(pairs, label_of)
    fields: list[Field[Inference]] = [
        field("row", "Row", lambda pair: pair.pair.row if pair.pair else None),
        field("base", "Base", lambda pair: pair.pair.base if pair.pair else None),
        field("shows", "Shows", lambda pair: pair.pair.shows if pair.pair else None),
        Field(intervals.difference(pairs), minus_base),
        *interval,
        *intervals.ssim_fields(pairs, label_of, printed=True),
        *details,
    ]
    return Table(
        name=name_of(name),
        title=f"{title}: pairs that differ in one thing",
        columns=columns_of(fields),
        rows=rows_of(fields, pairs),
        notes=(
            f"p is corrected for the rows of {name}, too; how the rows were scored, and what an "
            "interval is, stands there.",
            *trained,
        ),
    )

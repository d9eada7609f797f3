"""The table of ``harness compare --group``: networks that the paper compares, and one's own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from harness.config import paper
from harness.errors import UsageError
from harness.evaluation.contenders import Contender
from harness.records import published_systems
from harness.records.published import Published
from harness.records.published_groups import Group
from harness.reports.notes import lr_text
from harness.reports.tables import beside
from harness.reports.tables.beside import Line
from harness.reports.tables.fields import columns_of, doubt_notes, hidden, misprint_notes, rows_of
from harness.reports.tables.table import Table

_METRICS = ("psnr_db", "ssim")


def build(group: Group, scale: int, ours: Sequence[Contender], sets: Sequence[str]) -> Table:
    """Return the table: the peers, the paper's own networks, the rows of the user.

    Args:
        group: The published networks.
        scale: Upscaling factor of all rows.
        ours: The user's rows, which may be none.
        sets: The sets that they share; none for all that are published.

    Raises:
        UsageError: Nothing of the group is published at the scale.
        RecordError: The published values cannot be read.
    """
    systems = published_systems.systems(group.labels, scale)
    if not systems:
        raise UsageError(f"nothing of the group '{group.id}' is published at x{scale}")
    cells = [cell for system in systems for cell in system.cells]
    scored = {cell.set for cell in cells if cell.set}
    shown = tuple(sets) or tuple(name for name in paper.SETS if name in scored)
    lines = [*map(beside.published_line, systems), *map(_line, ours)]
    fields = [*beside.fields_of(shown), hidden("origin", lambda line: line.origin)]
    return Table(
        name=f"group_{group.id}",
        title=f"Comparable with {group.own[0]} in the paper's words, x{scale}",
        columns=columns_of(fields),
        rows=rows_of(fields, lines, block=lambda line: line.system is None),
        notes=(
            f"{', '.join(group.peers)}: {group.said} ({group.source}).",
            "Published: as printed, not measured here; Multi-Adds by the rules of the authors.",
            *beside.missing(group.labels, systems, scale),
            *_of_cells(cells, shown),
            *_of_ours(ours, shown),
        ),
        marks="none",
        lead=2,
    )


def _line(row: Contender) -> Line:
    return Line(
        label=row.runs.label,
        source="ours",
        trained_on=None,
        params_k=Decimal(row.params) / 1000,
        multi_adds_g=beside.giga(row.multi_adds),
        scores={
            (name, metric): value
            for name, pair in row.scores.items()
            for metric, value in zip(_METRICS, pair, strict=True)
        },
        origin=row.origin,
    )


def _of_cells(cells: Sequence[Published], sets: Sequence[str]) -> list[str]:
    """Return the notes on published values: misprints, sets that nothing is printed on."""
    shown = [cell for cell in cells if cell.set in sets or not cell.set]
    without = [name for name in sets if name not in {cell.set for cell in cells}]
    nothing = [f"Nothing is published on {', '.join(without)}."] if without else []
    mixed = any(not cell.comparable for cell in shown)
    evaluations = ["SSIM of the printed rows comes from different evaluations."] if mixed else []
    return [*nothing, *misprint_notes(shown), *evaluations]


def _of_ours(ours: Sequence[Contender], sets: Sequence[str]) -> list[str]:
    if not ours:
        return []
    scores = (scores[name] for row in ours for scores in row.runs.scores for name in sets)
    return [
        *(f"{row.runs.label}: {row.origin}." for row in ours),
        f"Ours: protocol {ours[0].protocols[0]}; {lr_text(scores)}; parameters as built, "
        "Multi-Adds as PyTorch computes them.",
        *doubt_notes((row.runs.label, row.count_doubts) for row in ours),
    ]

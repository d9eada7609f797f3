"""The rows of an ablation beside published ones that its file chooses, on the same sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from harness.config import paper
from harness.config.ablation import Ablation
from harness.records import published_systems
from harness.records.published import Published
from harness.records.published_systems import PublishedSystem
from harness.records.record import Record
from harness.records.selection import ComparedRow, Comparison
from harness.reports import notes
from harness.reports.tables.fields import (
    Field,
    as_printed,
    columns_of,
    counted,
    doubt_notes,
    field,
    hidden,
    misprint_notes,
    rows_of,
    scored,
)
from harness.reports.tables.table import Table, TableCell

PUBLISHED = "published"
"""What the source of such a row is called, in every form of a table."""

_METRICS = ("psnr_db", "ssim")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a network as published, or as measured here.

    Attributes:
        label: The network.
        source: ``published``, or which training ours is of.
        trained_on: The training set.
        params_k: Parameters in thousands.
        multi_adds_g: For a 1280x720 output, in units of 1e9.
        scores: By set and metric.
        system: Of a published one: where its numbers come from.
        records: Of ours: where they are stored, one a seed.
        origin: Of ours, in words, where the records themselves are not at hand.
    """

    label: str
    source: str
    trained_on: str | None
    params_k: TableCell
    multi_adds_g: TableCell
    scores: Mapping[tuple[str, str], TableCell]
    system: PublishedSystem | None = None
    records: tuple[Record, ...] = ()
    origin: str | None = None


def name_of(name: str) -> str:
    """Return the name of the table beside published rows, of an ablation's table of that name."""
    return f"{name}_published"


def build(name: str, ablation: Ablation, comparison: Comparison) -> Table | None:
    """Return the table; None where the ablation chooses no published rows.

    Args:
        name: Name of the ablation's table.
        ablation: Which published rows are wanted.
        comparison: Our rows, at one scale, and the sets that they share.

    Raises:
        ConfigError: There is no published row of a label.
        RecordError: The published values cannot be read.
    """
    if not ablation.published:
        return None
    systems = published_systems.systems(ablation.published, comparison.scale)
    ours = [_ours(entry) for entry in comparison.entries if entry.records]
    lines = [*(published_line(system) for system in systems), *ours]
    fields = fields_of(comparison.sets)
    return Table(
        name=name_of(name),
        title=f"{ablation.title}, x{comparison.scale}: beside published networks",
        columns=columns_of(fields),
        rows=rows_of(
            fields,
            lines,
            block=lambda line: line.system is None,
            group=lambda line: PUBLISHED if line.system else "ours",
        ),
        notes=_notes(name, ablation, comparison, systems),
        lead=2,
    )


def missing(labels: Sequence[str], systems: Sequence[PublishedSystem], scale: int) -> list[str]:
    """Return the note on chosen rows that are not published at the scale, if any."""
    there = {system.label for system in systems}
    absent = [label for label in dict.fromkeys(labels) if label not in there]
    return [f"Not published at x{scale}: {', '.join(absent)}."] if absent else []


def trained_on_note(labels: Sequence[str]) -> list[str]:
    """Return the note on what chosen rows were trained on, if any are chosen."""
    by_set: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        by_set.setdefault(published_systems.training_of(label), []).append(label)
    texts = [f"{', '.join(of_set)} {images}" for images, of_set in by_set.items()]
    return [f"Trained on, as published: {'; '.join(texts)}."] if texts else []


def published_line(system: PublishedSystem) -> Line:
    """Return the line of a published network."""
    values = {(cell.set, cell.metric): as_printed(cell) for cell in system.cells}
    return Line(
        label=system.label,
        source=PUBLISHED,
        trained_on=system.trained_on,
        params_k=values.get(("", "params_k")),
        multi_adds_g=values.get(("", "multi_adds_g")),
        scores={key: value for key, value in values.items() if key[1] in _METRICS},
        system=system,
    )


def _ours(entry: ComparedRow) -> Line:
    first = entry.records[0]
    return Line(
        label=entry.label,
        source=f"{first.steps:,} steps" + ("" if first.full_budget else " *"),
        trained_on=notes.distinct(entry.records, notes.train_name),
        params_k=Decimal(first.params) / 1000,
        multi_adds_g=giga(first.multi_adds),
        scores={
            (name, metric): value
            for name, pair in entry.scores.items()
            for metric, value in zip(_METRICS, pair, strict=True)
        },
        records=entry.records,
    )


def giga(multi_adds: int | None) -> TableCell:
    """Return the cell of a count of ours in units of 1e9, as those of printed counts are."""
    cell = counted(multi_adds)
    return (Decimal(cell) / 10**9).quantize(Decimal("0.01")) if isinstance(cell, int) else cell


def fields_of(sets: Sequence[str]) -> list[Field[Line]]:
    """Return the fields of lines that are scored on some sets."""

    def origin(key: str, of: Callable[[Record], object]) -> Field[Line]:
        return hidden(key, lambda line: notes.distinct(line.records, of))

    fields: list[Field[Line]] = [
        field("label", "Model", lambda line: line.label),
        field("source", "Source", lambda line: line.source),
        field("trained_on", "Trained on", lambda line: line.trained_on),
        field("params_k", "Params\n(K)", lambda line: line.params_k, "kilo"),
        field("multi_adds_g", "Multi-Adds\n(G)", lambda line: line.multi_adds_g, "giga"),
    ]
    for name in sets:
        fields += scored(name, lambda line: line.scores)
    return [
        *fields,
        origin("record_ids", lambda record: record.id),
        origin("seeds", lambda record: record.seed),
        origin("steps", lambda record: record.steps),
        hidden("published_source", lambda line: line.system.source if line.system else None),
        hidden("published_note", lambda line: _doubts(line.system.cells) if line.system else None),
    ]


def _doubts(cells: Sequence[Published]) -> str | None:
    return "; ".join(dict.fromkeys(cell.note for cell in cells if cell.note)) or None


def _notes(
    name: str, ablation: Ablation, comparison: Comparison, systems: Sequence[PublishedSystem]
) -> tuple[str, ...]:
    records = comparison.records
    cells = [cell for system in systems for cell in system.cells]
    without = [one for one in comparison.sets if one not in {cell.set for cell in cells}]
    short = any(not record.full_budget for record in records)
    return (
        f"Published: as printed, in Table {paper.SYSTEMS_TABLE} of the paper or in the network's "
        "own, not measured here; its Multi-Adds are counted by the rules of its authors.",
        notes.training_note(records),
        "Ours: parameters as built, Multi-Adds as PyTorch computes them; how the rows were scored "
        f"stands under {name}.",
        "Bold: the best among the published, and among ours.",
        *missing(ablation.published, systems, comparison.scale),
        *([f"Nothing is published of {', '.join(without)}."] if without and systems else []),
        *(
            [f"*: short budget, of {paper.STEPS:,} steps; not comparable with the published rows."]
            if short
            else []
        ),
        *misprint_notes(
            cell for cell in cells if cell.set in comparison.sets or cell.metric not in _METRICS
        ),
        *doubt_notes(
            (entry.label, run.count_doubts) for entry in comparison.entries for run in entry.records
        ),
    )

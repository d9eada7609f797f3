"""Write the tables: those of ablations from the stored records, and what networks cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.config import ablation
from harness.config.ablation import Ablation
from harness.records import record
from harness.records.record import Record
from harness.reports.tables import ablation as tables
from harness.reports.tables import efficiency, protocol, render, rescored, systems
from harness.reports.tables.table import Table


def folder(results: Path) -> Path:
    """Return where tables are written below a results root."""
    return results / "reports"


def write(ablations: Iterable[Ablation], results: Path) -> tuple[Path, ...]:
    """Render every table of some ablations as LaTeX, CSV and Markdown.

    The tables depend on the records alone: writing twice gives the same bytes.

    Args:
        ablations: The ablations; those without records have no table.
        results: Results root, with ``results/runs`` below it.

    Returns:
        The files, sorted.

    Raises:
        RecordError: A record cannot be read.
        HarnessError: A file cannot be written.
    """
    stored = record.load_all(results)
    found = [table for ablation in ablations for table in build(ablation, stored)]
    return render.write(found, folder(results))


def write_all(results: Path) -> tuple[Path, ...]:
    """Render the tables of all shipped ablations, of public weights, and of Table 5.

    Args:
        results: Results root, with ``results/runs`` below it; there may be none.

    Returns:
        The files, those of ablations first.

    Raises:
        RecordError: A record, the stored counts or the published values cannot be read.
        HarnessError: A file cannot be written.
    """
    shipped = [ablation.load(name) for name in ablation.shipped()]
    stored = record.load_all(results)
    others = [
        efficiency.build(),
        protocol.build(stored),
        rescored.build(stored),
    ]
    found = [table for table in others if table]
    return write(shipped, results) + render.write(found, folder(results))


def text(ablation: Ablation, shown: Sequence[Record]) -> str:
    """Return the tables of just these records, for a terminal."""
    return "\n\n".join(render.to_text(table) for table in build(ablation, shown))


def build(ablation: Ablation, stored: Sequence[Record]) -> tuple[Table, ...]:
    """Return the tables of an ablation: of rows trained alike, or of whole systems."""
    if ablation.compares_systems:
        return systems.build(ablation, stored)
    return tables.build(ablation, stored)

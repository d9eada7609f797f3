"""``harness checklist``: answers to a reproducibility checklist, from records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.cli.ablation_options import ablations_argument
from harness.cli.options import results_root_only
from harness.cli.output import Output, table_options


@click.command()
@ablations_argument(required=True)
@results_root_only
@table_options
def checklist(*, ablations: Sequence[str], results: Path, out: Output) -> None:
    """Answer a reproducibility checklist from records.

    On runs, seeds, intervals, hours, sizes, hardware and code.

    Example: harness checklist awru
    """
    from harness.config import ablation
    from harness.records import failure
    from harness.records.record import load_all
    from harness.reports import write
    from harness.reports.commands import Asked
    from harness.reports.tables import checklist, render

    stored, failures = load_all(results), failure.load_all(results)
    tables = [
        table
        for name in dict.fromkeys(ablations)
        for table in checklist.build(Asked(name, ablation.load(name)), stored, failures)
    ]
    if not tables:
        raise write.no_records(results)
    out.show(*tables, json=lambda: render.contents(tables))

"""``harness crate``: an ablation as a research object that archives take."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.ablation_options import ABLATION
from harness.cli.options import results_root_only
from harness.cli.output import say


@click.command()
@ABLATION
@results_root_only
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the crate; new or empty.",
)
@click.option("--license", "license_url", metavar="URL", help="Licence of the records, if any.")
def crate(*, ablation: str, results: Path, folder: Path, license_url: str | None) -> None:
    """Write an ablation's records and tables as an RO-Crate.

    It is a Workflow Run RO-Crate. ABLATION is a shipped one or a YAML file; its tables are made of
    the records. The images are named by digest and stay where they are; weights are left out.

    Example: harness crate awru -o awru-crate
    """
    from harness.config import ablation as ablations
    from harness.records import crate as crates
    from harness.records import failure, record
    from harness.records.belonging import belongs
    from harness.reports import write
    from harness.reports.tables import render

    chosen, every = ablations.load(ablation), record.load_all(results)
    tables = write.build(chosen, every, failure.load_all(results))
    named = {one for table in tables for one in table.record_ids}
    stored = [
        one
        for one in every
        if one.id in named or (one.steps and any(belongs(one, row) for row in chosen.rows))
    ]
    reports = render.files(tables, Path("reports"))
    path = crates.write(
        folder,
        results=results,
        workflow=ablations.file(ablation),
        title=chosen.title,
        stored=stored,
        reports=reports,
        license_url=license_url,
    )
    say(f"{len(stored)} records, {len(reports)} files of tables: {path}")

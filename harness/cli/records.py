"""``harness records``: list what has been run."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import results_root_only
from harness.errors import HarnessError


@click.command("records")
@results_root_only
@click.option("--images", is_flag=True, help="One row per image instead of one per set.")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table")
def records(*, results: Path, images: bool, form: str) -> None:
    """List what has been run: each cell with its scores, or the scores of each image.

    Example: harness records --images --format csv
    """
    from harness.records import frames, record

    stored = record.load_all(results)
    if not stored:
        raise HarnessError(f"there are no records in '{results / 'results' / 'runs'}'")
    frame = (frames.images if images else frames.cells)(stored)
    text = frame.to_csv(index=False) if form == "csv" else frame.to_string(index=False)
    click.echo(text.rstrip())

"""``harness tables``: render tables from what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.cli.options import MERGE_THREADS, results_root_only
from harness.errors import HarnessError


@click.command()
@click.argument("ablations", nargs=-1, metavar="[NAME]...")
@results_root_only
@MERGE_THREADS
def tables(*, ablations: Sequence[str], results: Path, merge_threads: bool) -> None:
    """Render tables from stored records and counts, as LaTeX, CSV and Markdown.

    NAME is a shipped ablation or a YAML file; without one, all shipped ablations and the
    efficiency half of Table 5.

    Example: harness tables
    """
    from harness.config import ablation
    from harness.reports import write

    chosen = [ablation.load(name) for name in ablations]
    if chosen:
        files = write.write(chosen, results, merge_threads=merge_threads)
    else:
        files = write.write_all(results, merge_threads=merge_threads)
    if not files:
        raise HarnessError(
            f"no records to make tables of in '{results / 'results' / 'runs'}': "
            "run an ablation first, for example harness run ablation=awru"
        )
    for path in files:
        click.echo(path)

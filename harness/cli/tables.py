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
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 where a file is not what records give."
)
def tables(*, ablations: Sequence[str], results: Path, merge_threads: bool, check: bool) -> None:
    """Render tables from stored records and counts, as LaTeX, CSV and Markdown.

    NAME is a shipped ablation or a YAML file; without one, all shipped ablations and the
    efficiency half of Table 5.

    Example: harness tables
    """
    from harness.config import ablation
    from harness.reports import write

    chosen = [ablation.load(name) for name in ablations]
    if check:
        if found := write.check(chosen, results, merge_threads=merge_threads):
            click.echo("\n".join(found))
            files_are = "1 file is" if len(found) == 1 else f"{len(found)} files are"
            raise HarnessError(f"{files_are} not what the records give: harness tables mends that")
        return
    if chosen:
        files = write.write(chosen, results, merge_threads=merge_threads)
    else:
        files = write.write_all(results, merge_threads=merge_threads)
    if not files:
        raise write.no_records(results)
    for path in files:
        click.echo(path)

"""``harness records``: list what has been run, and take over what was run elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from harness.cli.options import new_results_root, results_root_only
from harness.cli.output import Output, say, table_options
from harness.errors import HarnessError


@click.group("records", invoke_without_command=True)
@results_root_only
@click.option("--images", is_flag=True, help="One row per image instead of one per set.")
@click.option("--sort", metavar="[-]COLUMN", help="Sort by a column; -COLUMN: largest first.")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only such rows; also <, >, <=, >= and !=; may be repeated.",
)
@table_options
@click.pass_context
def records(
    context: click.Context,
    *,
    results: Path,
    images: bool,
    sort: str | None,
    conditions: Sequence[str],
    out: Output,
) -> None:
    """List what has been run, with its scores.

    A line is a run with its scores, or the scores of an image.

    The table has what differs between its rows, and names below what is the same in all. CSV and
    JSON have every column.

    Example: harness records --where steps=2500 --where set=Set5 --sort -psnr_db
    """
    if context.invoked_subcommand:
        _check_none_given(context)
        return
    from harness.records import frames, record
    from harness.reports.tables import run_list

    stored = record.load_all(results)
    if not stored:
        raise HarnessError(f"there are no records in '{results / 'results' / 'runs'}'")
    frame = (frames.images if images else frames.cells)(stored)
    for condition in conditions:
        frame = frames.where(frame, condition)
    if sort is not None:
        frame = frames.sorted_by(frame, sort)
    out.show(
        run_list.build(frame),
        json=lambda: frames.plain_rows(frame),
        csv=lambda: frame.to_csv(index=False),
    )


def _check_none_given(context: click.Context) -> None:
    """Refuse options of the list before the name of another command, which would not see them."""
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"options stand behind the command: harness records "
                f"{context.invoked_subcommand} .. --results ROOT",
                context,
            )


@records.command("import")
@click.argument(
    "folders", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path)
)
@new_results_root
def import_records(*, folders: Sequence[Path], results: Path) -> None:
    """Take over records of another machine, and their weights.

    Weights are taken over where they are there. DIR is a results root, its folder results/runs, or
    the folder of one record. Each is checked, and nothing here is replaced: what is here already is
    passed over, another record of the same id is refused. Says what compares with what is here.

    Example: harness records import ~/from-the-gpu
    """
    from harness.records import comparable, importing, record

    here = record.load_all(results)
    imported = importing.take(folders, results)
    say(imported.summary)
    for line in comparable.report(imported.taken, here):
        say(line)
    if imported.refused:
        lines = [f"  - {cell}: {why}" for cell, why in imported.refused.items()]
        raise HarnessError("\n".join([f"refused {len(lines)} of the records:", *lines]))

"""``harness run`` and ``harness train``: plan an ablation or one network, and do it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import ablation_options, completion
from harness.cli.launching import LaunchOptions, launch_options
from harness.cli.network_options import network_options
from harness.cli.options import MERGE_THREADS
from harness.cli.output import Output, say, table_options
from harness.errors import ConfigError, HarnessError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.config.ablation import Ablation
    from harness.records.failure import Failure
    from harness.records.record import Record

log = logging.getLogger(__name__)


_fail_fast = click.option(
    "--fail-fast", is_flag=True, help="Begin nothing more after a row that fails."
)


_estimate = click.option(
    "--estimate",
    is_flag=True,
    help="With --dry-run: measure some steps of each network, and say how long it takes here.",
)


@click.command()
@click.argument(
    "settings",
    nargs=-1,
    metavar="ABLATION [KEY=VALUE]...",
    shell_complete=completion.runs,
)
@ablation_options.setting_options("settings")
@click.option("--dry-run", is_flag=True, help="Print the plan; train and write nothing.")
@_estimate
@_fail_fast
@MERGE_THREADS
@table_options
@launch_options
def run(
    *,
    settings: Sequence[str],
    dry_run: bool,
    estimate: bool,
    fail_fast: bool,
    merge_threads: bool,
    launch: LaunchOptions,
    out: Output,
) -> None:
    """Train, score and tabulate every row of an ablation.

    What is done already is not done again; an interrupted run goes on; what failed, which
    stops no other row, is tried again. ABLATION is a
    shipped one or a path to a YAML file; `harness settings` lists the keys.

    Example: harness run awru profile=cpu train.steps=300 data.test=Set5
    """
    from harness.config import ablation
    from harness.config.settings import parse_arguments

    words = sorted(settings, key=lambda word: not word.startswith("ablation="))
    names, given = ablation_options.split(words)
    values, problems = parse_arguments(given)
    if not names:
        known = ", ".join(ablation.shipped())
        problems.insert(0, f"no ablation is named: expected its name (known: {known})")
        raise ConfigError(problems)
    problems += [f"'{name}': expected KEY=VALUE, and one ablation" for name in names[1:]]
    _run(
        ablation.load(names[0]),
        values,
        problems,
        dry_run=dry_run,
        estimate=estimate,
        fail_fast=fail_fast,
        tabulate=True,
        merge_threads=merge_threads,
        launch=launch,
        name=names[0],
        out=out,
    )


@click.command()
@click.argument("model", metavar="ID", shell_complete=completion.networks)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completion.settings)
@ablation_options.setting_options("settings")
@click.option("--dry-run", is_flag=True, help="Print the plan; train and write nothing.")
@_estimate
@_fail_fast
@table_options
@network_options("model", own_trainings=False)
def train(
    *,
    model: str,
    settings: Sequence[str],
    dry_run: bool,
    estimate: bool,
    fail_fast: bool,
    out: Output,
) -> None:
    """Train, score and record one network.

    ID is from `harness list`, or FILE.py:CLASS; `harness settings` lists the keys.

    Example: harness train awsrn_s --scale 2 profile=smoke
    """
    from harness.config.settings import parse_arguments
    from harness.experiment import plan

    values, problems = parse_arguments(settings)
    if "scale" not in values:
        raise click.UsageError("Missing option '--scale'.")
    one_row = plan.single(model)
    try:
        _run(
            one_row,
            values,
            problems,
            dry_run=dry_run,
            estimate=estimate,
            fail_fast=fail_fast,
            tabulate=False,
            out=out,
        )
    except ConfigError as error:
        where = f"row '{one_row.base}': "
        alone = ":" in model and len(error.problems) == 1
        if alone and error.problems[0].startswith(where):  # of the user's file: there are no rows
            raise UsageError(error.problems[0].removeprefix(where)) from error
        raise


def _run(
    chosen: Ablation,
    values: dict[str, str],
    problems: list[str],
    *,
    dry_run: bool,
    estimate: bool,
    fail_fast: bool,
    tabulate: bool,
    out: Output,
    merge_threads: bool = False,
    launch: LaunchOptions | None = None,
    name: str = "",
) -> None:
    from harness.cli import dry_run as dry_run_table
    from harness.cli import next_steps
    from harness.experiment import plan

    if not dry_run and (out.form != "table" or out.path):
        raise UsageError("--format and -o go with --dry-run; harness tables writes tables of a run")
    if launch is not None:
        launch.check()
        launch.settings(values)
    if estimate and not dry_run:
        raise UsageError("--estimate goes with --dry-run; a run says by itself how long it takes")
    planned = plan.make(chosen, values, problems)
    log.info("profile %s: %s", planned.config.profile, planned.why)
    if dry_run:
        from harness.experiment.session import statuses

        found = statuses(planned)
        out.show(dry_run_table.table(planned, found))
        if estimate:
            from harness.experiment import measuring

            say("\n".join(measuring.estimate(planned, found)), err=not out.for_people)
        return
    from harness.experiment.run import execute
    from harness.reports import write

    written: list[Path] = []

    def report(done: Sequence[Record], failed: Sequence[Failure]) -> Sequence[Path]:
        if tabulate:
            written[:] = write.write(
                [planned.tabulated],
                planned.results,
                merge_threads=merge_threads,
                of=(*done, *failed),
            )
        return written

    launching = launch.launching(planned) if launch else None
    outcome = execute(planned, report=report, fail_fast=fail_fast, launching=launching)
    tables = write.build(planned.ablation, outcome.records, outcome.failures)
    out.show(*tables, hint=f"the files in {write.folder(planned.results)}")
    if tabulate and not written:
        say(no_table(planned.ablation.name, outcome.records))
    elif tabulate:
        say(f"\nLaTeX, CSV and Markdown: {write.folder(planned.results).resolve()}")
    say(f"Records: {(planned.results / 'results' / 'runs').resolve()}")
    if outcome.failures:
        raise HarnessError(outcome.summary())
    if written:
        say("\n".join(next_steps.lines(name, planned, outcome.records)))


def no_table(name: str, done: Sequence[Record]) -> str:
    """Return why a run has written no table."""
    if any(record.group for record in done):
        return f"No table: of '{name}' only the row that others are compared with has records"
    return f"No table: '{name}' compares nothing, as none of its rows is trained or loads weights"

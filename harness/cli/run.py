"""``harness run`` and ``harness train``: plan an ablation or one network, and do it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import ablation_options, completion
from harness.cli.launching import LaunchOptions, launch_options
from harness.cli.listing import columns
from harness.cli.network_options import network_options
from harness.cli.options import MERGE_THREADS
from harness.errors import ConfigError, HarnessError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.config.ablation import Ablation
    from harness.experiment.plan import Plan
    from harness.experiment.session import CellStatus
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
@launch_options
def run(
    *,
    settings: Sequence[str],
    dry_run: bool,
    estimate: bool,
    fail_fast: bool,
    merge_threads: bool,
    launch: LaunchOptions,
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
    )


@click.command()
@click.argument("model", metavar="ID", shell_complete=completion.networks)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completion.settings)
@ablation_options.setting_options("settings")
@click.option("--dry-run", is_flag=True, help="Print the plan; train and write nothing.")
@_estimate
@_fail_fast
@network_options("model", own_trainings=False)
def train(
    *,
    model: str,
    settings: Sequence[str],
    dry_run: bool,
    estimate: bool,
    fail_fast: bool,
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
    merge_threads: bool = False,
    launch: LaunchOptions | None = None,
    name: str = "",
) -> None:
    from harness.cli import next_steps
    from harness.experiment import plan

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
        click.echo(plan_text(planned, found))
        if estimate:
            from harness.experiment import measuring

            click.echo("\n".join(measuring.estimate(planned, found)))
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
    if tables := write.text(planned.ablation, outcome.records, outcome.failures):
        click.echo(tables)
    if tabulate and not written:
        click.echo(no_table(planned.ablation.name, outcome.records))
    elif tabulate:
        click.echo(f"\nLaTeX, CSV and Markdown: {write.folder(planned.results).resolve()}")
    click.echo(f"Records: {(planned.results / 'results' / 'runs').resolve()}")
    if outcome.failures:
        raise HarnessError(outcome.summary())
    if written:
        click.echo("\n".join(next_steps.lines(name, planned, outcome.records)))


def no_table(name: str, done: Sequence[Record]) -> str:
    """Return why a run has written no table."""
    if any(record.group for record in done):
        return f"No table: of '{name}' only the row that others are compared with has records"
    return f"No table: '{name}' compares nothing, as none of its rows is trained or loads weights"


def plan_text(plan: Plan, statuses: Sequence[CellStatus]) -> str:
    """Return what a run would do: its cells, their cost, what is done already."""
    from harness.data.catalogue import lr_text
    from harness.records.counts import in_doubt

    settings = plan.config
    train = settings.train
    head = ["row", "model", "scale", "seed", "steps", "params", "training Multi-Adds", "state"]
    body = []
    left, unknown = 0, False
    for status in statuses:
        cell = status.cell
        trains = cell.trained and not status.shared
        cost = plan.training_multi_adds(cell) if trains else 0
        left += (cost or 0) if status.to_train else 0
        unknown |= cost is None and status.to_train
        body.append(
            [
                cell.row.label,
                cell.row.model,
                f"x{cell.scale}",
                str(cell.seed) if cell.trained else "-",
                f"{train.steps:,}" if trains else "-",
                "n/a" if cell.cost.params is None else f"{cell.cost.params:,}",
                _tera(cost) if trains else "-",
                status.words,
            ]
        )
    from harness.reports.notes import SAMPLE, SAMPLE_SET

    shared = any(status.shared for status in statuses)
    note = ["rows without steps take the weights of an earlier row of their seed"] if shared else []
    if settings.data.train == SAMPLE_SET in [test.name for test in plan.tests[settings.scale[0]]]:
        note.append(SAMPLE.removesuffix("."))
    note += dict.fromkeys(
        f"Multi-Adds of {cell.row.label}: {in_doubt(cell.cost.doubts)}"
        for cell in plan.cells
        if cell.cost.doubts
    )
    note += dict.fromkeys(
        f"{cell.row.label}, {remark}" for cell in plan.cells for remark in cell.cost.remarks
    )
    scale = settings.scale[0]
    tests = ", ".join(f"{test.name} ({test.lr_text})" for test in plan.tests[scale])
    source = f" ({lr_text(plan.train[scale])})" if scale in plan.train else ""
    if plan.looks:
        after = ", ".join(map(str, plan.looks))
        note.append(
            f"seeds=auto: rows are looked at after {after} seeds; the plan is of the most, and a "
            f"row stops where it is above zero, below zero or within +-{settings.until:g} dB"
        )
    lines = [
        columns([head, *body], right=(2, 3, 4, 5, 6)),
        "",
        f"profile {settings.profile} ({plan.why})",
        f"train on {settings.data.train}{source}: batch {train.batch}, LR patch {train.patch}, "
        f"{train.schedule} schedule, lr {train.lr:g}, {settings.precision}, {settings.device}, "
        f"{settings.threads} threads{', channels last' if train.channels_last else ''}"
        f"{', compiled' if train.compile else ''}",
        *note,
        f"score on {tests}",
        f"training Multi-Adds still to do: at most {left / 1e12:,.1f} T "
        f"(forward, and twice that backward{', without those that are n/a' if unknown else ''}); "
        "--dry-run --estimate measures how long that takes here",
    ]
    return "\n".join(lines)


def _tera(multi_adds: int | None) -> str:
    return "n/a" if multi_adds is None else f"{multi_adds / 1e12:,.1f} T"

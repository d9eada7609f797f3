"""``harness plan``: how many seeds, on which sets, and in how many hours."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import ablation_options, completion
from harness.cli.options import RESULTS_ROOT
from harness.cli.output import Output, say, table_options

if TYPE_CHECKING:
    from harness.config.ablation import Ablation
    from harness.records.record import Record
    from harness.reports.tables.planning import Plan
    from harness.reports.tables.table import Table


def finite(context: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuse NaN and infinity, which pass for numbers in a range."""
    if not abs(value) < float("inf"):
        raise click.BadParameter(f"{value} is not a finite number", context, parameter)
    return value


@click.command()
@click.argument(
    "names",
    nargs=-1,
    metavar="[ABLATION]... [KEY=VALUE]...",
    shell_complete=completion.runs,
)
@click.option(
    "--effect",
    type=click.FloatRange(min=0, min_open=True),
    callback=finite,
    default=0.03,
    show_default=True,
    metavar="DB",
    help="The difference in mean PSNR that is to be found, in dB.",
)
@click.option(
    "--power",
    "wanted",
    type=click.FloatRange(min=0.05, max=1, min_open=True, max_open=True),
    callback=finite,
    default=0.8,
    show_default=True,
    help="How often it is to be found.",
)
@RESULTS_ROOT
@ablation_options.setting_options("names", without=["results"])
@table_options
@click.option(
    "--write", is_flag=True, help="Write tables and curves to reports/ instead of printing."
)
def plan(
    *,
    names: Sequence[str],
    effect: float,
    wanted: float,
    results: Path,
    out: Output,
    write: bool,
) -> None:
    """Say how many seeds find a difference, and in how many hours.

    From the stored trainings of an ablation: the spread over seeds and over images, the seeds and
    the sets for the wished power, and what no number of seeds finds. Where rows share fewer than
    two seeds, it proposes a pilot; KEY=VALUE are the settings of that. ABLATION is a shipped
    ablation or a YAML file; without one, all shipped ones with a pilot.

    Example: harness plan awru --effect 0.03 --power 0.8
    """
    from harness.config import ablation
    from harness.config.settings import make, parse_arguments
    from harness.errors import ConfigError, UsageError
    from harness.records.record import load_all
    from harness.reports.tables import planning, render

    chosen, given = ablation_options.split(names)
    values, problems = parse_arguments(given)
    if problems := [*problems, *make([values])[1]]:
        raise ConfigError(problems)
    stored = load_all(results)
    asked = {name: ablation.load(name) for name in chosen or ablation.shipped()}
    made = {
        name: planning.plans(one, stored, effect=effect, wanted=wanted)
        for name, one in asked.items()
    }
    found = [each for plans in made.values() for each in plans]
    if values and all(made.values()):
        listed = ", ".join(values)
        raise UsageError(f"{listed}: settings are those of a pilot, and one is stored already")
    if write:
        for path in _written(found, results):
            say(str(path))
    elif found or out.form == "json":
        tables = [_table(each, out) for each in found]
        out.show(*tables, json=lambda: render.contents(tables))
    values |= {} if results == Path() else {"results.root": str(results)}
    for name, plans in made.items():
        if not plans and (chosen or not found):
            text = _pilot(name, asked[name], values, stored)
            say(text, err=bool(found) or out.form != "table")


def _table(plan: Plan, out: Output) -> Table:
    """Return the table of a plan; for people, with a note on whether its hours are of here."""
    from harness.host import environment
    from harness.reports import notes
    from harness.reports.tables import planning

    table = planning.build(plan)
    if out.form != "table":
        return table
    mine = environment.device_name("cpu")
    note = f"This machine's {mine} did none of these trainings: its hours may be others."
    if mine in {notes.device(record) for record in plan.records}:
        note = f"Trainings of the pilot were done on this machine's {mine}, too."
    return replace(table, notes=(*table.notes, note))


def _written(plans: Sequence[Plan], results: Path) -> tuple[Path, ...]:
    from harness.reports import write
    from harness.reports.figures import power_curve
    from harness.reports.tables import planning, render

    folder = write.folder(results)
    return render.write(map(planning.build, plans), folder) + power_curve.write(plans, folder)


def _pilot(name: str, chosen: Ablation, values: dict[str, str], stored: Sequence[Record]) -> str:
    """Return the pilot that is proposed where rows share fewer than two seeds.

    Args:
        name: Of the ablation, as the user has named it.
        chosen: The ablation.
        values: Settings of the pilot.
        stored: All records.
    """
    from harness.errors import HarnessError
    from harness.experiment import pilot, plan

    settings = {"seeds": "0,1,2"} | values
    given = {"ablation": name} | settings
    command = shlex.join(["harness", "run", *(f"{key}={value}" for key, value in given.items())])
    text = (
        f"{chosen.name}: no pilot is stored, because no row shares two seeds with its base. Run\n"
        f"    {command}\n"
        f"and ask again."
    )
    try:
        hours = pilot.hours(plan.make(chosen, settings), stored)
    except HarnessError as error:
        return f"{text} How long it takes is not known: {error}"
    if hours is None:
        return f"{text} How long it takes is not known: no training alike is stored."
    where = f"this machine's {hours.device}" if hours.here else f"{hours.device}, not this machine"
    return f"{text} That takes about {hours.hours:.1f} hours, reckoned from trainings on {where}."

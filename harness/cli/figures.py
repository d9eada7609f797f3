"""``harness figures``: the paper's figures, from stored records and counts, or from weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.ablation_options import ABLATION, ablations_argument
from harness.cli.figure_options import sheet_options
from harness.cli.figures_of_images import branches, crops
from harness.cli.options import renamed, results_root_only
from harness.cli.output import say
from harness.cli.set_options import SetsCommand, set_option

if TYPE_CHECKING:
    from harness.reports.figures.sheet import Sheet


@click.group("figures", invoke_without_command=True)
@results_root_only
@sheet_options
@click.pass_context
def figures(context: click.Context, *, results: Path, sheet: Sheet) -> None:
    """Draw the paper's figures as SVG, PDF and PNG.

    Without a command: Figure 1, and Figure 4 of every network that was trained. Figure 1 is PSNR
    over Multi-Adds: the PSNR are the paper's, the Multi-Adds ours. Figure 4 is what networks have
    learned of lambda and alpha, from records.

    Example: harness figures
    """
    if command := context.invoked_subcommand:
        if results != Path() or not sheet.plain:
            raise click.UsageError(f"write the options behind the command: figures {command} ..")
        return
    from harness.records import record
    from harness.reports import write
    from harness.reports.figures import learned_weights, pareto

    folder = write.folder(results)
    learned = learned_weights.write(record.load_all(results), folder, sheet)
    for path in (*pareto.write(folder, sheet), *learned):
        say(str(path))


@figures.command()
@ABLATION
@results_root_only
@sheet_options
def curves(*, ablation: str, results: Path, sheet: Sheet) -> None:
    """Draw loss and PSNR of trainings over steps and time.

    A line is the mean over the seeds of a row, the band around it from the smallest to the
    largest. Trainings that cannot be compared, as of other budgets, have a figure each.

    Example: harness figures curves ablation=mine.yaml --width 3.3in
    """
    from harness.config.ablation import load
    from harness.records import record
    from harness.reports import write
    from harness.reports.figures import curves

    chosen = curves.of_ablation(load(ablation), record.load_all(results))
    for path in curves.write(chosen, write.folder(results), sheet):
        say(str(path))


@figures.command(cls=SetsCommand)
@ABLATION
@set_option("The set (default: Set5, if scored).", "set_name")
@renamed("--set", "it is --data, as elsewhere")
@results_root_only
@sheet_options
def pareto(*, ablation: str, set_name: str | None, results: Path, sheet: Sheet) -> None:
    """Draw Figure 1 with the networks of an ablation.

    They stand beside the published ones.

    PSNR over Multi-Adds, one figure a scale. Short trainings are hollow: they do not compare
    with what is published.

    Example: harness figures pareto ablation=mine.yaml --width 3.3in
    """
    from harness.config.ablation import load
    from harness.records import record
    from harness.reports import write
    from harness.reports.figures import own_pareto

    stored = record.load_all(results)
    chosen = own_pareto.of_ablation(load(ablation), stored, set_name=set_name)
    for path in own_pareto.write(chosen, write.folder(results), sheet):
        say(str(path))


@figures.command()
@ablations_argument(required=True)
@results_root_only
@sheet_options
def differences(*, ablations: Sequence[str], results: Path, sheet: Sheet) -> None:
    """Draw what rows gain, with intervals, beside their cost.

    A line is the difference of a row's mean PSNR to that of its base, over the seeds and images
    of trainings that compare; on its right stand the parameters and Multi-Adds more, beside it
    the difference that the paper prints.

    Example: harness figures differences awru lfb awms
    """
    from harness.config.ablation import load
    from harness.records import record
    from harness.reports import write
    from harness.reports.figures import differences

    shown = differences.of_ablations([load(name) for name in ablations], record.load_all(results))
    for path in differences.write(shown, write.folder(results), sheet):
        click.echo(path)


@figures.command()
@ABLATION
@results_root_only
@sheet_options
def ranks(*, ablation: str, results: Path, sheet: Sheet) -> None:
    """Draw the mean ranks of an ablation's rows over images.

    Joined where they do not differ: Friedman's test over images within sets, and Nemenyi's critical
    difference; from five rows on.

    Example: harness figures ranks ablation=branches
    """
    from harness.config.ablation import load
    from harness.records import record
    from harness.reports import write
    from harness.reports.figures import critical_difference

    chosen = critical_difference.of_ablation(load(ablation), record.load_all(results))
    for path in critical_difference.write(chosen, write.folder(results), sheet):
        say(str(path))


@figures.command()
@ablations_argument(required=True)
@click.option(
    "--pair", "pairs", multiple=True, metavar="'ROW to BASE'", help="A pair (default: all)."
)
@click.option(
    "--also",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another results root, whose records count, too.",
)
@results_root_only
@sheet_options
def budget(
    *,
    ablations: Sequence[str],
    pairs: Sequence[str],
    also: Sequence[Path],
    results: Path,
    sheet: Sheet,
) -> None:
    """Draw and tabulate differences over the steps.

    Of rows and their bases that were trained alike for two numbers of steps or more. Hollow:
    one training a row, so that the interval is over images alone.

    Example: harness figures budget awru awms --pair 'AWRU to Basic RU'
    """
    from harness.config.ablation import load
    from harness.records import record
    from harness.reports import write
    from harness.reports.figures import budget

    chosen = [load(name) for name in dict.fromkeys(ablations)]
    shown = budget.of_ablations(chosen, record.load_all(results, *also), pairs)
    for path in budget.write(shown, write.folder(results), sheet):
        click.echo(path)


for command in (crops, branches):
    figures.add_command(command)

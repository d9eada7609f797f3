"""``harness figures``: the paper's figures, from stored records and counts, or from weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import completion
from harness.cli.ablation_options import ABLATION, only_names
from harness.cli.figure_options import sheet_options
from harness.cli.network_options import network_options
from harness.cli.options import (
    DATA_ROOT,
    DEVICE,
    KEY,
    LR,
    SCALE,
    renamed,
    results_root_only,
)
from harness.cli.output import say
from harness.cli.set_options import SetsCommand, set_option

if TYPE_CHECKING:
    from harness.host.device import DeviceChoice
    from harness.reports.figures.crops import CropBox
    from harness.reports.figures.sheet import Sheet

_ABLATIONS = click.argument(
    "ablations",
    nargs=-1,
    required=True,
    metavar="ABLATION...",
    callback=only_names,
    shell_complete=completion.runs,
)
_OUT = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write; without an ending, SVG, PDF and PNG.",
)


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
@_ABLATIONS
@results_root_only
@sheet_options
def differences(*, ablations: Sequence[str], results: Path, sheet: Sheet) -> None:
    """Draw what the rows of ablations gain, with intervals, beside what they cost.

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
@_ABLATIONS
@click.option(
    "--pair", "pairs", multiple=True, metavar="'ROW to BASE'", help="A pair (default: all)."
)
@results_root_only
@sheet_options
def budget(*, ablations: Sequence[str], pairs: Sequence[str], results: Path, sheet: Sheet) -> None:
    """Draw differences over the steps of a training, with intervals, and tabulate them.

    Of rows and their bases that were trained alike for two numbers of steps or more. Hollow:
    one training a row, so that the interval is over images alone.

    Example: harness figures budget awru awms --pair 'AWRU to Basic RU'
    """
    from harness.config.ablation import load
    from harness.records import record
    from harness.reports import write
    from harness.reports.figures import budget

    chosen = [load(name) for name in dict.fromkeys(ablations)]
    shown = budget.of_ablations(chosen, record.load_all(results), pairs)
    for path in budget.write(shown, write.folder(results), sheet):
        click.echo(path)


@figures.command()
@SCALE
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="[LABEL:]ID=FILE",
    help="A network and weights; ID alone for those that come with it.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    required=True,
    metavar="SET/NAME or FILE",
    help="An image to show a detail of; may be repeated.",
)
@click.option("--box", "boxes", multiple=True, metavar="X,Y,W,H", help="The detail, in HR pixels.")
@KEY
@LR
@DATA_ROOT
@DEVICE
@_OUT
@sheet_options
@network_options("models")
def crops(
    *,
    scale: int,
    models: Sequence[str],
    images: Sequence[str],
    boxes: Sequence[str],
    key: str | None,
    lr: str | None,
    root: Path | None,
    device: DeviceChoice,
    output: Path,
    sheet: Sheet,
) -> None:
    """Draw details of images beside each other, as in Figure 6.

    As HR, bicubic and networks have them. The n-th --box belongs to the n-th --image; where there
    is none, the detail is where the networks differ most.

    Example: harness figures crops --scale 2 --model imdn=imdn_x2.pth --image Set14/ppt3 -o ppt3
    """
    from harness.reports.figures import crop_figure, crops, style

    folder, name, forms = style.destination(output)
    wanted = [_box(text) for text in boxes]
    if len(wanted) > len(images):
        raise click.UsageError(f"{len(wanted)} boxes for {len(images)} images")
    tests = [crops.find_image(image, root=root, scale=scale, lr=lr) for image in images]
    networks = [crops.parse_model(text, scale=scale, key=key) for text in models]
    padded = [*wanted, *(len(tests) - len(wanted)) * [None]]
    views = [
        crops.view(test, networks, scale=scale, box=box, device=device)
        for test, box in zip(tests, padded, strict=True)
    ]
    written = style.write(
        name, lambda: crop_figure.draw(views, scale=scale, sheet=sheet), folder, forms=forms
    )
    for path in written:
        say(str(path))


@figures.command()
@SCALE
@click.option("--model", required=True, metavar="ID", help="A network with weighted branches.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Its weights (default: those that are bundled, if any).",
)
@click.option("--image", required=True, metavar="SET/NAME or FILE", help="The image to show.")
@click.option("--box", metavar="X,Y,W,H", help="The part to show, in HR pixels.")
@KEY
@LR
@DATA_ROOT
@_OUT
@sheet_options
@network_options("model")
def branches(
    *,
    scale: int,
    model: str,
    checkpoint: Path | None,
    image: str,
    box: str | None,
    key: str | None,
    lr: str | None,
    root: Path | None,
    output: Path,
    sheet: Sheet,
) -> None:
    """Draw what each branch of AWMS adds, as in Figure 5.

    AWMS is the multi-scale reconstruction.

    Example: harness figures branches --scale 2 --model awsrn_s --checkpoint w.safetensors
    --image sample/coffee -o coffee
    """
    from harness.reports.figures import contributions, crops, style
    from harness.weights import load

    folder, name, forms = style.destination(output)
    test = crops.find_image(image, root=root, scale=scale, lr=lr)
    part = _box(box) if box else None
    loaded = load.load(model, scale=scale, checkpoint=checkpoint, key=key)
    written = style.write(
        name,
        lambda: contributions.draw(loaded, test, scale=scale, box=part, sheet=sheet),
        folder,
        forms=forms,
    )
    for path in written:
        say(str(path))


def _box(text: str) -> CropBox:
    from harness.errors import UsageError

    numbers = text.split(",")
    if len(numbers) != 4 or not all(number.strip().isdecimal() for number in numbers):
        raise UsageError(f"--box {text}: expected four whole numbers X,Y,W,H")
    left, top, width, height = map(int, numbers)
    return left, top, width, height

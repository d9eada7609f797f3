"""``harness report``: one page with every number and the record that it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.ablation_options import ablations_argument
from harness.cli.options import DATA_ROOT, DEVICE, STORED_RESULTS, scale_option
from harness.cli.output import say

if TYPE_CHECKING:
    from harness.host.device import DeviceChoice


@click.command()
@ablations_argument()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The page, one file; - for the terminal.",
)
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write it as a folder of files instead, for a web server.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="SET/NAME or FILE",
    help="An image to show details of (default: bundled photographs).",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="[LABEL:]ID=FILE",
    help="A network and weights for them (default: those that come with weights).",
)
@scale_option("Upscaling factor of the images.")
@click.option("--no-images", is_flag=True, help="Show no images, and run no network.")
@DATA_ROOT
@STORED_RESULTS
@DEVICE
def report(
    *,
    ablations: Sequence[str],
    output: Path | None,
    bundle: Path | None,
    images: Sequence[str],
    models: Sequence[str],
    scale: int | None,
    no_images: bool,
    root: Path | None,
    results: Path,
    device: DeviceChoice,
) -> None:
    """Make one page of tables, plots and records.

    Of every number it shows the record.

    The file needs no network and no server. ABLATION is a shipped ablation or a YAML file;
    without one, all there is.

    Example: harness report awru -o report.html
    """
    if (output is None) == (bundle is None):
        raise click.UsageError("expected -o FILE or --bundle DIR, one of them")
    if no_images and (images or models or scale is not None):
        raise click.UsageError("--no-images: there is nothing for --image, --model or --scale")
    if models and scale is None:
        raise click.UsageError("--model: expected --scale, too")
    from harness.reports.page import content, photographs, render

    page = content.of(ablations, results)
    wanted = photographs.Wanted(tuple(images), tuple(models), scale, root, device)
    details = () if no_images else photographs.of(wanted)
    if output == Path("-"):
        click.echo(render.text_of(page, details), nl=False)
        return
    if output is not None:
        written: Sequence[Path] = (render.one_file(page, details, output),)
    elif bundle is not None:
        written = render.bundle(page, details, bundle)
    for path in written:
        say(str(path))

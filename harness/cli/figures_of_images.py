"""``harness figures crops`` and ``branches``: details of images, from weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.figure_options import sheet_options
from harness.cli.network_options import network_options
from harness.cli.options import DATA_ROOT, DEVICE, KEY, LR, SCALE
from harness.cli.output import say

if TYPE_CHECKING:
    from harness.host.device import DeviceChoice
    from harness.reports.figures.crops import CropBox
    from harness.reports.figures.sheet import Sheet

_OUT = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write; without an ending, SVG, PDF and PNG.",
)


@click.command()
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


@click.command()
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

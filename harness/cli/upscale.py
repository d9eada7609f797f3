"""``harness upscale``: upscale image files by a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import DEVICE, KEY, PRECISION, scale_option
from harness.weights import pretrained

if TYPE_CHECKING:
    from harness.evaluation.forms import Precision
    from harness.host.device import DeviceChoice


@click.command("upscale")
@click.argument("inputs", nargs=-1, required=True, metavar="IN...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for NAME_xN.png; for one image also a file name (default: beside each image; "
    "for a folder IN, the folder IN_xN).",
)
@click.option(
    "--model",
    metavar="ID",
    default=pretrained.MODEL,
    show_default=True,
    shell_complete=completion.networks,
    help="Network.",
)
@scale_option("Upscaling factor.", default=pretrained.SCALE)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights: ours, or public ones as released (default: those that are "
    "bundled, if any; bicubic has none).",
)
@KEY
@DEVICE
@click.option(
    "--self-ensemble",
    is_flag=True,
    help='Mean over 8 flips and transposes (the "+" of papers): 8 times the time.',
)
@click.option(
    "--as-built",
    is_flag=True,
    help="Run the network as it is scored, not in its faster fused form (equal but for rounding).",
)
@PRECISION
@click.option(
    "--memory",
    metavar="SIZE",
    help="What a run of the network may take, such as 2GB (default: half of what is free).",
)
@click.option(
    "--tile",
    type=click.IntRange(0),
    metavar="N",
    help="Side of the tiles in LR pixels, 0 for whole images (default: by the memory).",
)
@click.option(
    "--overlap",
    type=click.IntRange(0),
    metavar="N",
    help="LR pixels around a tile (default: as far as the network looks).",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@network_options("model")
def upscale(
    *,
    inputs: Sequence[Path],
    output: Path | None,
    model: str,
    scale: int,
    checkpoint: Path | None,
    key: str | None,
    device: DeviceChoice,
    self_ensemble: bool,
    as_built: bool,
    precision: Precision,
    memory: str | None,
    tile: int | None,
    overlap: int | None,
    force: bool,
) -> None:
    """Upscale images, or all images in folders.

    Grey, alpha, 16 bits and colour profiles are kept. Images too large for the memory are
    cut into overlapping tiles. ID is from `harness list`, or FILE.py:CLASS.

    Example: harness upscale photo.png

    Example: harness upscale photo.jpg -o out --model imdn --scale 2 --checkpoint IMDN_x2.pth
    """
    from harness.deploy import tile_size
    from harness.deploy.upscale import Way, run

    way = Way(
        model,
        scale,
        checkpoint=checkpoint,
        key=key,
        device=device,
        self_ensemble=self_ensemble,
        as_built=as_built,
        precision=precision,
        memory=None if memory is None else tile_size.parse_memory(memory),
        tile=tile,
        overlap=overlap,
    )
    run(inputs, output, way=way, force=force)

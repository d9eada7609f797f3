"""``harness deploy``: files of a trained network that run without the harness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import DATA_ROOT, KEY, LR, RESULTS_ROOT, SCALE
from harness.cli.output import say
from harness.cli.set_options import SetsCommand, sets_option


@click.command("deploy", cls=SetsCommand)
@click.argument("model", metavar="ID", shell_complete=completion.networks)
@SCALE
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights, as for harness eval (default: those that are bundled).",
)
@KEY
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder to write: a new or an empty one.",
)
@click.option("--int8", is_flag=True, help="Also ONNX with 8-bit convolutions; its loss is shown.")
@click.option(
    "--calibrate",
    metavar="SET",
    help="Training set that the 8-bit ranges are from (default: the images of scikit-image).",
)
@sets_option("Test sets to show the loss on (default: the paper's that are there, or sample).")
@click.option(
    "--tolerance-db",
    type=click.FloatRange(0),
    default=0.1,
    show_default=True,
    help="What 8 bits may lose on a set.",
)
@LR
@DATA_ROOT
@RESULTS_ROOT
@network_options("model")
def deploy(
    *,
    model: str,
    scale: int,
    checkpoint: Path | None,
    key: str | None,
    output: Path,
    int8: bool,
    calibrate: str | None,
    sets: Sequence[str],
    tolerance_db: float,
    lr: str | None,
    root: Path | None,
    results: Path,
) -> None:
    """Export a trained network: PyTorch, ONNX, OpenVINO.

    A card says what was checked. Convolutions are merged; the output is the same. ID is from
    `harness list`, FILE.py:CLASS, or what was trained here, as for `harness eval`. Needs the extra
    awsrn-harness[deploy].

    Example: harness deploy awsrn_s --scale 4 -o awsrn_s_x4
    """
    from harness.deploy.export.package import Request
    from harness.deploy.export.package import deploy as export

    done = export(
        Request(
            model,
            scale,
            output,
            checkpoint=checkpoint,
            key=key,
            int8=int8,
            calibrate=calibrate,
            sets=tuple(sets),
            root=root,
            lr=lr,
            tolerance_db=tolerance_db,
        )
    )
    for name, entry in done.entries.items():
        if entry.differs is not None:
            say(f"{name}: {entry.what}; differs by {entry.differs:.1e} of white")
    for note in done.notes:
        say(note)
    say(str(output))

"""``harness flops``: what networks cost, beside what the paper prints."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import SCALES
from harness.config import paper
from harness.config.paper import Convention

log = logging.getLogger(__name__)


@click.command("flops")
@click.argument("models", nargs=-1, metavar="[ID]...", shell_complete=completion.networks)
@click.option("--all", "everything", is_flag=True, help="Count every registered network.")
@SCALES
@click.option(
    "--output-size", metavar="WxH", help=f"Size of the SR image (default {paper.OUTPUT_SIZE})."
)
@click.option("--input-size", metavar="WxH", help="Size of the LR image, instead.")
@click.option(
    "--convention",
    type=click.Choice(get_args(Convention)),
    default="paper",
    show_default=True,
    help="Charge transposed convolutions on their output grid, or for what they execute.",
)
@click.option("--counters", is_flag=True, help="Count by fvcore and ptflops too, and compare.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "latex", "markdown"]),
    default="table",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file.")
@network_options("models")
def flops(
    *,
    models: Sequence[str],
    everything: bool,
    scales: Sequence[int],
    output_size: str | None,
    input_size: str | None,
    convention: Convention,
    counters: bool,
    form: str,
    output: Path | None,
) -> None:
    """Count parameters and Multi-Adds, beside the paper's.

    ID is from `harness list`, or a class of your own: PKG.MODULE:CLASS or FILE.py:CLASS.
    Where something may be missing (operators that nobody has reviewed, values that leave
    PyTorch, parameters that SR does not depend on) the count is n/a, a note says why, and the
    exit code is 1. A class that leaves modules out on purpose names them in its attribute
    unused_modules, a tuple of prefixes.

    Example: harness flops awsrn_s carn --scale 4
    """
    from harness.efficiency import targets
    from harness.host.files import write_atomic
    from harness.reports.tables.flops import render

    size = targets.image_size(output_size, input_size)
    chosen = targets.choose(models, everything=everything, scales=scales)
    rows = targets.count(chosen, size, convention=convention, counters=counters)
    text = render(rows, form, size=size, convention=convention, counters=counters)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomic(output, text)
        log.info("wrote %s", output)
    targets.refuse_doubtful(rows)

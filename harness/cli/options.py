"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

DATA_ROOT = click.option(
    "--data-root",
    "--root",
    "root",
    envvar="HARNESS_DATA",
    type=click.Path(path_type=Path),
    help="Data root: where image sets lie.",
)
"""Where image sets lie; ``--root`` is short for it in every command."""

RESULTS_ROOT = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Results root: where records and reports lie.",
)
"""Where records and reports lie, for a command that also has a data root."""

DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute; auto: on CUDA where there is any.",
)
"""Where networks are run."""


KEY = click.option(
    "--key",
    metavar="KEY",
    help="Which state dict of the file, where it holds several (default: the averaged one).",
)
"""For files with several state dicts, such as ``params`` and ``params_ema``."""

LR = click.option(
    "--lr",
    metavar="FOLDER",
    help="Folder of the sets' LR files, or made (default: LR_bicubic, or the only one).",
)
"""For sets with LR files of several kinds."""

FUSED = click.option(
    "--fused", is_flag=True, help="Run the fused form, whose output is equal but for rounding."
)
"""For what scores weights."""

PRECISION = click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    show_default=True,
    help="Arithmetic; bf16 is faster where the CPU has it, and changes the output.",
)
"""For what runs weights."""

MERGE_THREADS = click.option(
    "--merge-threads",
    is_flag=True,
    help="Tabulate trainings that differ in the number of CPU threads alone together.",
)
"""For records of machines with different numbers of cores."""


def results_root_only(command: _Command) -> _Command:
    """Add the results root to a command without a data root; ``--root``, once its name, is told."""
    refused = click.option("--root", hidden=True, expose_value=False, callback=_refuse_root)
    return RESULTS_ROOT(refused(command))


def _refuse_root(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "--root is the data root, which is not needed here: the results root is --results",
            context,
        )

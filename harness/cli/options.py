"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

RESULTS_ROOT = click.option(
    "--results",
    "--root",
    "root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Results root.",
)
"""Where records and reports lie; ``--root`` is its older name."""

DATA_ROOT = click.option(
    "--root", envvar="HARNESS_DATA", type=click.Path(path_type=Path), help="Data root."
)
"""Where image sets lie."""

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

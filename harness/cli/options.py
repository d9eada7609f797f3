"""Options that several commands share: one name, one meaning and one grammar each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.cli import completion
from harness.cli.set_options import sets_option
from harness.errors import UsageError
from harness.host.paths import absent

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Decorator = Callable[[Any], Any]


def together(*options: _Decorator) -> _Decorator:
    """Return one decorator that adds several options, the first of them on top."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def renamed(old: str, new: str, *, is_flag: bool = False) -> _Decorator:
    """Return a hidden option that refuses an old spelling.

    Args:
        old: The spelling.
        new: What to say of it, such as ``the data root is --data-root``.
        is_flag: Whether it took no value.
    """

    def refuse(context: click.Context, parameter: click.Parameter, value: object) -> None:
        if value:
            raise UsageError(f"{old}: {new}")

    name = f"renamed_{old.strip('-').replace('-', '_')}"
    return click.option(
        old, name, is_flag=is_flag, hidden=True, expose_value=False, callback=refuse
    )


DATA_ROOT = together(
    click.option(
        "--data-root",
        "root",
        envvar="HARNESS_DATA",
        type=click.Path(path_type=Path),
        help="Data root: where image sets lie (HARNESS_DATA).",
    ),
    renamed("--root", "the data root is --data-root"),
)
"""Where image sets lie, as ``root``."""


def _there(context: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"--results: {absent(folder, 'folder')}")
    return folder


def _results(**settings: Any) -> _Decorator:
    return click.option(
        "--results",
        type=click.Path(path_type=Path),
        default=Path(),
        help="Results root: where records and reports lie (default: here).",
        **settings,
    )


RESULTS_ROOT = _results()
"""Where records and reports lie, for a command that also has a data root."""

STORED_RESULTS = _results(callback=_there)
"""The same, for a command that only reads what lies there."""

_NO_DATA_ROOT = renamed(
    "--root", "it is the data root, not needed here: the results root is --results"
)

results_root_only = together(STORED_RESULTS, _NO_DATA_ROOT)
"""Where records and reports lie, for a command that reads them and has no data root."""

new_results_root = together(_results(), _NO_DATA_ROOT)
"""Where records are to lie, for a command that may fill a new root and has no data root."""

DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute; auto: on CUDA where there is any.",
)
"""Where networks are run."""


def factors(texts: Sequence[str]) -> tuple[int, ...]:
    """Return upscaling factors, each once, of texts such as ``2`` or ``2,3,4``.

    Raises:
        UsageError: One is no whole number from 1 to 99.

    Example:
        >>> factors(["2,3", "2"])
        (2, 3)
    """
    given = ",".join(texts)
    words = [word.strip() for word in given.split(",")] if texts else []
    if not all(re.fullmatch("[1-9][0-9]?", word) for word in words):
        raise UsageError(
            f"--scale {given}: expected whole numbers from 1 to 99, such as 2 or 2,3,4"
        )
    return tuple(dict.fromkeys(map(int, words)))


def _one_scale(
    context: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> int | None:
    found = factors(texts)
    if len(found) > 1:
        listed = ",".join(map(str, found))
        raise UsageError(f"--scale {listed}: expected one upscaling factor here")
    return found[0] if found else None


def _all_scales(
    context: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> tuple[int, ...]:
    return factors(texts)


def scale_option(
    help: str,
    *,
    several: bool = False,
    default: int | None = None,
) -> _Decorator:
    """Return ``--scale``: whole numbers joined by commas, or the option repeated.

    Args:
        help: What the scale is of.
        several: Whether the command takes several, as ``scales``; else one, as ``scale``.
        default: The one that is taken where none is given.
    """
    return click.option(
        "--scale",
        "scales" if several else "scale",
        multiple=True,
        metavar="2,3,4" if several else "N",
        default=None if default is None else (str(default),),
        show_default=str(default) if default else False,
        callback=_all_scales if several else _one_scale,
        shell_complete=completion.scales,
        help=help,
    )


SCALE = scale_option("Upscaling factor; not for a training of your own, which says it.")
"""The scale of what is named, which a recorded training says by itself."""

SCALES = scale_option("Upscaling factors (default: all that a network has).", several=True)
"""The scales of what is counted or measured."""


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

PROTOCOL = click.option(
    "--protocol",
    metavar="NAME",
    default="awsrn",
    show_default=True,
    shell_complete=completion.protocols,
    help="How to score.",
)
"""How weights are scored."""

SCORING = together(
    scale_option("Upscaling factor of weights."),
    sets_option("Test sets."),
    PROTOCOL,
    KEY,
    LR,
    DATA_ROOT,
    RESULTS_ROOT,
    DEVICE,
)
"""How weights beside records are scored: of what compares both."""

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

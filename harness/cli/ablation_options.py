"""How ablations and settings are named: ``awru``, ``ablation=awru``, ``KEY=VALUE``, options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from harness.cli import completion
from harness.cli.options import DATA_ROOT, DEVICE, RESULTS_ROOT, scale_option
from harness.errors import UsageError

_Command = TypeVar("_Command", bound=Callable[..., Any])

_KEYS = {"scales": "scale", "root": "data.root", "results": "results.root", "device": "device"}
"""Settings by the names of the options that are the same."""

_OPTIONS = {
    "scales": scale_option("Upscaling factors (the setting scale).", several=True),
    "root": DATA_ROOT,
    "results": RESULTS_ROOT,
    "device": DEVICE,
}


def split(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return names of ablations, and ``KEY=VALUE`` arguments; ``ablation=NAME`` is a name.

    Raises:
        UsageError: A name is empty.

    Example:
        >>> split(["ablation=awru", "lfb", "seeds=0"])
        (['awru', 'lfb'], ['seeds=0'])
    """
    names, settings = [], []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key != "ablation":
            settings.append(word)
        elif name := value if equals else word:
            names.append(name)
        else:
            raise UsageError(f"'{word}': expected the name of an ablation, such as ablation=awru")
    return names, settings


def only_names(
    context: click.Context, parameter: click.Parameter, words: Sequence[str]
) -> tuple[str, ...]:
    """Return the names of ablations, each given as ``NAME`` or ``ablation=NAME``."""
    names, settings = split(words)
    if settings:
        raise click.BadParameter(f"'{settings[0]}': expected ablation=NAME", context, parameter)
    return tuple(names)


def only_name(context: click.Context, parameter: click.Parameter, word: str) -> str:
    """Return the name of an ablation, given as ``NAME`` or ``ablation=NAME``."""
    (name,) = only_names(context, parameter, [word])
    return name


ABLATION = click.argument(
    "ablation", metavar="ABLATION", callback=only_name, shell_complete=completion.runs
)
"""One ablation: a shipped one or a YAML file."""


def ablations_argument(
    *, required: bool = False, metavar: str = ""
) -> Callable[[_Command], _Command]:
    """Return the argument ``ablations``: names of shipped ones or YAML files, as they are given.

    Args:
        required: Whether one must be named.
        metavar: What help calls it, where it may be something else, too.
    """
    shown = metavar or ("ABLATION..." if required else "[ABLATION]...")
    return click.argument(
        "ablations",
        nargs=-1,
        required=required,
        metavar=shown,
        callback=only_names,
        shell_complete=completion.ablations,
    )


def setting_options(
    parameter: str, *, without: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options that are settings, too; a command sees them as ``KEY=VALUE``.

    Args:
        parameter: Of the command: the arguments that they are put behind.
        without: Options that the command has already, or has no use for.

    Raises:
        UsageError: One is given as option and as setting, and they differ.
    """
    chosen = [name for name in _OPTIONS if name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_settings(**values: Any) -> None:
            words = tuple(values[parameter])
            given = {name: values.pop(name) for name in chosen}
            words += tuple(_as_settings(given, words))
            command(**values | {parameter: words})

        decorated: Any = with_settings
        for name in reversed(chosen):
            decorated = _OPTIONS[name](decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def _as_settings(given: dict[str, Any], words: Sequence[str]) -> Iterable[str]:
    context = click.get_current_context()
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    for name, value in given.items():
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        key = _KEYS[name]
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if key in settings and not _same(text, settings[key], value):
            (option,) = [one.opts[0] for one in context.command.params if one.name == name]
            raise UsageError(
                f"{option} {text} and {key}={settings[key]} are one setting: expected one of them"
            )
        yield f"{key}={text}"


def _same(option: str, setting: str, value: Any) -> bool:
    return option == setting or (isinstance(value, Path) and value == Path(setting))

"""Options that name image sets, in one grammar: ``--data A B``, ``--data A,B``, or repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli import completion
from harness.errors import UsageError

_Decorator = Callable[[Any], Any]


class _SetsOption(click.Option):
    """An option that takes names up to the next option."""


class SetsCommand(click.Command):
    """A command whose options of image sets read ``--data A B`` as ``--data A --data B``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the option before each of the names that follow it."""
        spellings = {
            spelling
            for option in self.params
            if isinstance(option, _SetsOption)
            for spelling in option.opts
        }
        words: list[str] = []
        option, waits = "", False  # which option of sets is open, and whether for its first name
        more: dict[str, str] = {}
        for number, word in enumerate(args):
            if word == "--":
                words += args[number:]
                break
            if word.startswith("-"):
                option, equals, _ = word.partition("=")
                option = option if option in spellings else ""
                waits = not equals
            elif option:
                if not waits:
                    words.append(option)
                    more[option] = word
                waits = False
            words.append(word)
        try:
            return super().parse_args(ctx, words)
        except click.MissingParameter as error:
            for option, name in more.items():
                if isinstance(error.param, click.Argument):
                    raise UsageError(
                        f"{error.format_message()} '{name}' is taken for a set: arguments stand "
                        f"before {option}"
                    ) from error
            raise


def _names(option: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names of sets, each once; a folder may have commas in its name."""
    names = [
        name.strip() for text in texts for name in ([text] if _is_folder(text) else text.split(","))
    ]
    if not all(names):
        raise UsageError(f"{option}: expected names of sets, such as Set5,Set14")
    return tuple(dict.fromkeys(names))


def _is_folder(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except OSError:  # it is too long for a name
        return False


def sets_option(
    help: str,
    spelling: str = "--data",
    name: str = "sets",
    *,
    default: str | None = None,
) -> _Decorator:
    """Return an option for image sets: ``--data A B``, ``--data A,B``, or repeated.

    The command is a :class:`SetsCommand`, and its arguments stand before the option.
    """

    def read(
        context: click.Context, parameter: click.Parameter, texts: Sequence[str]
    ) -> tuple[str, ...]:
        return _names(spelling, texts)

    return _option(spelling, name, "SET [SET]...", default=default, read=read, help=help)


def set_option(
    help: str,
    name: str,
    *,
    default: str | None = None,
) -> _Decorator:
    """Return ``--data`` for a command that takes one image set; several are refused."""

    def read(
        context: click.Context, parameter: click.Parameter, texts: Sequence[str]
    ) -> str | None:
        names = _names("--data", texts)
        if len(names) > 1:
            listed = " ".join(names)
            raise UsageError(f"--data {listed}: expected one set here, and arguments before --data")
        return names[0] if names else None

    return _option("--data", name, "SET", default=default, read=read, help=help)


def _option(
    spelling: str,
    name: str,
    metavar: str,
    *,
    default: str | None,
    read: Callable[[click.Context, click.Parameter, Sequence[str]], object],
    help: str,
) -> _Decorator:
    return click.option(
        spelling,
        name,
        cls=_SetsOption,
        multiple=True,
        metavar=metavar,
        default=None if default is None else (default,),
        show_default=default or False,
        callback=read,
        shell_complete=completion.sets,
        help=help,
    )

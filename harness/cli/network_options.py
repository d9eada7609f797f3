"""Options of a network on the command line: ``--with``, and what a network of others expects."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

_WITH = click.option(
    "--with",
    "with_",
    multiple=True,
    metavar="KEY=VALUE",
    help="An argument of the network's constructor; may be repeated. Also ID{KEY: VALUE}.",
)
_RANGE = click.option(
    "--range", "white", type=float, help="The network's white, such as 1 (default: 255)."
)
_MEAN = click.option(
    "--mean", metavar="R,G,B", help="Mean colour that the network is given images without, in 0..1."
)
_PAD_TO = click.option(
    "--pad-to", type=int, metavar="N", help="Fill sides of LR up to multiples of N."
)
_LUMA = click.option("--luma", is_flag=True, help="The network maps luma alone.")


def network_options(parameter: str) -> Callable[[_Command], _Command]:
    """Add the options to a command; they are set behind the names that a parameter has.

    Args:
        parameter: Of the command: the name of a network, or several. Names may be ``ID=FILE``.
    """

    def decorate(command: _Command) -> _Command:
        @functools.wraps(command)
        def wrapped(
            *args: Any,
            with_: Sequence[str],
            white: float | None,
            mean: str | None,
            pad_to: int | None,
            luma: bool,
            **values: Any,
        ) -> Any:
            expects = {
                "range": white,
                "mean": _colour(mean),
                "pad_to": pad_to,
                "luma": luma or None,
            }
            given = {key: value for key, value in expects.items() if value is not None}
            if with_ or given:
                values[parameter] = _named(values[parameter], with_, given)
            return command(*args, **values)

        for option in (_LUMA, _PAD_TO, _MEAN, _RANGE, _WITH):
            wrapped = option(wrapped)
        return wrapped  # type: ignore[return-value]

    return decorate


def _colour(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(
            f"--mean {text}: expected three numbers such as 0.4488,0.4371,0.4040"
        ) from None


def _named(names: Any, with_: Sequence[str], expects: dict[str, Any]) -> Any:
    """Return a name, or several, with options behind."""
    from harness.models.variant import EXPECTS
    from harness.weights import naming

    options: dict[str, Any] = {}
    for text in with_:
        options |= naming.option(text)
    if expects:
        options[EXPECTS] = expects

    def named(name: str) -> str:
        plain, own = naming.split_file(name)
        return naming.joined(plain, options) + own

    return named(names) if isinstance(names, str) else tuple(map(named, names))

"""Options of a network on the command line: ``--with``, and what a network of others expects."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

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


def network_options(
    parameter: str, *, own_trainings: bool = True
) -> Callable[[_Command], _Command]:
    """Add the options to a command; they are set behind the names that a parameter has.

    Args:
        parameter: Of the command: the name of a network, or several. Names may be ``ID=FILE``,
            and what :func:`harness.evaluation.trained.find` reads.
        own_trainings: Whether they may be.
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
            if own_trainings:
                _resolve(values, parameter)
            if with_ or given:
                values[parameter] = _named(values[parameter], with_, given)
            return command(*args, **values)

        for option in (_LUMA, _PAD_TO, _MEAN, _RANGE, _WITH):
            wrapped = option(wrapped)
        return wrapped  # type: ignore[return-value]

    return decorate


def _resolve(values: dict[str, Any], parameter: str) -> None:
    """Put network, scale and weights in the place of what names a training of one's own."""
    from harness.evaluation import trained

    many = not isinstance(values[parameter], str)
    names = list(values[parameter]) if many else [values[parameter]]
    results = values.get("results") or Path()
    scale_key = "scales" if "scales" in values else "scale"
    source = click.get_current_context().get_parameter_source(scale_key)
    given = source not in (None, ParameterSource.DEFAULT)
    scales, weights = set(), []
    for number, name in enumerate(names):
        asked = values.get("scale") if given else None
        found = trained.find(name, results, scale=asked if isinstance(asked, int) else None)
        if found is None:
            continue
        scales.add(found.scale)
        weights.append(found.weights)
        names[number] = found.name
        if parameter == "models" and "images" in values:  # [LABEL:]ID=FILE of the figures
            names[number] = f"{found.label}:{found.name}={found.weights}"
    if weights and values.get("checkpoint", "") is None and values.get("backends", True):
        if len(names) > 1:
            raise click.UsageError(
                "--backends takes the weights of one network: name what was trained here alone"
            )
        values["checkpoint"] = weights[0]
    if scales and given and scales - {values.get("scale"), *values.get("scales", ())}:
        listed = " and ".join(f"x{scale}" for scale in sorted(scales))
        raise click.UsageError(f"--scale: what is named was trained for {listed}")
    if len(scales) > 1:
        raise click.UsageError("what is named was trained for different scales")
    if scales and not given:
        (scale,) = scales
        values[scale_key] = (scale,) if scale_key == "scales" else scale
    if scale_key == "scale" and values.get("scale") is None:
        raise click.UsageError("Missing option '--scale'.")
    values[parameter] = tuple(names) if many else names[0]


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
    from harness.config.paper import BICUBIC
    from harness.models.variant import EXPECTS
    from harness.weights import naming

    options: dict[str, Any] = {}
    for text in with_:
        options |= naming.option(text)
    if expects:
        options[EXPECTS] = expects

    def named(name: str) -> str:
        plain, own = naming.split_file(name)
        if plain == BICUBIC and not isinstance(names, str):  # it has no options to be given
            return name
        return naming.joined(plain, options) + own

    return named(names) if isinstance(names, str) else tuple(map(named, names))

"""A user's own part of a backbone: a residual unit, a fusion, a tail; see ``models/README.md``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.errors import PartError
from harness.models.variant import PARTS
from harness.weights import user_code

if TYPE_CHECKING:
    from torch import Tensor, nn

_SIDE = 24
"""Height and width of the features that a part is tried on, in pixels."""


def named(overrides: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts among the arguments of a registered network, by the argument's name."""
    return {
        key: value
        for key, value in overrides.items()
        if key in PARTS and isinstance(value, str) and ":" in value
    }


def resolved(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a registered network, parts being what makes them.

    Raises:
        PartError: There is no such part, or it cannot be imported.
    """
    own = {key: Part(name, kind=key) for key, name in named(overrides).items()}
    return dict(overrides) | own


def portable(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with parts known by their own names, wherever their files lie."""
    own = {key: name.rpartition(":")[2] for key, name in named(overrides).items()}
    return dict(overrides) | own


class Part:
    """Makes a user's part; what goes wrong is told with its file and line."""

    def __init__(self, name: str, *, kind: str) -> None:
        """Find a part.

        Args:
            name: ``FILE.py:CLASS`` or ``PKG.MODULE:CLASS``: a class derived from
                ``torch.nn.Module``, or a function defined there that takes ``channels``.
            kind: ``unit``, ``fusion`` or ``tail``.

        Raises:
            PartError: There is none, or it cannot be imported.
        """
        self._name = name
        self._kind = kind
        self._found = user_code.find(name, keyword="channels", what="part", error=PartError)
        self._tried = False
        self.__signature__ = inspect.signature(self._found.target)

    def __call__(self, **keywords: Any) -> nn.Module:
        """Make the part; the first of a network is tried on features of noise.

        Raises:
            PartError: It cannot be made or run, or does not give what it should.
        """
        from torch import nn

        try:
            part = self._found.target(**keywords)
        except Exception as error:  # a user's code may raise anything at all
            raise PartError(f"cannot make {self._kind} '{self._name}': {self._why(error)}") from (
                error
            )
        if not isinstance(part, nn.Module):
            raise PartError(f"{self._place} returns {type(part).__name__}, not a torch.nn.Module")
        if not self._tried:
            self._try(part, keywords)
            self._tried = True
        return part

    @property
    def _place(self) -> str:
        return f"{self._kind} '{self._name}' ({self._found.place})"

    def _why(self, error: BaseException) -> str:
        explained = self._found.explained(error)
        return explained if ".py:" in explained else f"{self._found.place}: {explained}"

    def _try(self, part: nn.Module, keywords: Mapping[str, Any]) -> None:
        """Run a part as for scoring, and look at what comes out."""
        import torch

        features = torch.rand(1, keywords["channels"], _SIDE, _SIDE)
        if features.is_meta:  # there are no values: it is tried where it is made with some
            return
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            try:
                output = part.eval()(*_inputs(self._kind, features, keywords))
            except Exception as error:
                raise PartError(
                    f"{self._kind} '{self._name}' does not run: {self._why(error)}"
                ) from error
        part.train()
        channels = 3 * keywords["scale"] ** 2 if self._kind == "tail" else keywords["channels"]
        expected = (1, channels, _SIDE, _SIDE)
        if not isinstance(output, torch.Tensor):
            raise PartError(f"{self._place} gives {type(output).__name__}, not a tensor")
        if tuple(output.shape) != expected:
            given = "x".join(map(str, output.shape))
            wanted = "x".join(map(str, expected))
            raise PartError(f"{self._place} gives {given} values, expected {wanted}")
        if not output.is_floating_point():
            kind = str(output.dtype).removeprefix("torch.")
            raise PartError(f"{self._place} gives {kind}, expected floating-point numbers")


def _inputs(kind: str, features: Tensor, keywords: Mapping[str, Any]) -> tuple[Any, ...]:
    if kind == "fusion":
        return [features] * keywords["num_units"], features
    return (features,)


def remarks(network: nn.Module, overrides: Mapping[str, Any]) -> Iterator[str]:
    """Say where a network's own parts differ from its backbone in more than their structure.

    Args:
        network: An AWSRN or WDSR.
        overrides: The arguments that it was built with.
    """
    from torch import nn
    from torch.nn.utils.parametrize import is_parametrized

    for key, name in named(overrides).items():
        modules = [
            module
            for child, module in network.named_modules()
            if child.partition(".")[0] == {"unit": "units", "fusion": "fusions"}.get(key, key)
        ]
        layers = [one for one in modules if isinstance(one, nn.Conv1d | nn.Conv2d | nn.Linear)]
        plain = sum(not is_parametrized(layer, "weight") for layer in layers)
        label = f"{key} {name.rpartition(':')[2]}"
        if plain:
            yield (
                f"{label}: {plain} of its {len(layers)} layers with weights have no weight norm, "
                "which all of the backbone's have; the comparison includes that"
            )
        own_start = {
            type(one).__name__
            for one in modules
            if hasattr(one, "reset_parameters") and not type(one).__module__.startswith("torch.")
        }
        if own_start:
            yield (
                f"{label}: start weights of its own ({', '.join(sorted(own_start))}); the "
                "comparison includes that"
            )

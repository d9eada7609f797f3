"""A network that can be built, declared without loading it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

PARTS = ("unit", "fusion", "tail")
"""Options of the backbones that take a part of the user's own as ``FILE.py:CLASS``."""

EXPECTS = "expects"
"""The option of every network: what its own ``forward`` is given and returns."""

DROP = "drop"
"""The option of every network with a multi-scale tail: kernel sizes of branches to leave out."""

_SEVERAL = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)

ALL_SCALES = (2, 3, 4, 8)

LARGEST_OPTION = 1024
"""Of channels, kernel sizes, units and recursions that registered networks are built with."""

MOST_MODULES = 5000
"""Of a registered network, within each other; RCAN, the deepest one, has 2,242."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A network that can be built.

    Attributes:
        id: Name on the command line, snake_case.
        label: Name in tables, as printed in the paper.
        source: Where it is described.
        target: Keyword-only constructor; takes ``scale`` and what may be overridden. As
            ``module:name`` it is imported when it is first used.
        fixed: Arguments in which it differs from the constructor's defaults.
        scales: Upscaling factors it is defined for; empty where it is for any.
    """

    id: str
    label: str
    source: str
    target: str | Callable[..., nn.Module]
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    scales: tuple[int, ...] = ALL_SCALES

    @property
    def constructor(self) -> Callable[..., nn.Module]:
        """Its constructor, with the fixed arguments as defaults."""
        target = pkgutil.resolve_name(self.target) if isinstance(self.target, str) else self.target
        return partial(target, **self.fixed)

    def options(self) -> tuple[str, ...]:
        """Return what can be overridden, besides the scale."""
        parameters = signature(self.constructor).parameters.values()
        single = (one.name for one in parameters if one.kind not in _SEVERAL)
        return tuple(name for name in single if name != "scale")

    def takes_any(self) -> bool:
        """Tell whether its constructor takes arguments of any name (``**kwargs``)."""
        parameters = signature(self.constructor).parameters.values()
        return any(one.kind is one.VAR_KEYWORD for one in parameters)

    def check_scale(self, scale: int) -> None:
        """Refuse a scale that it is not defined for.

        Raises:
            ValueError: It is such a scale.
        """
        if self.scales and scale not in self.scales:
            defined = ", ".join(f"x{factor}" for factor in self.scales)
            raise ValueError(f"{self.id} is defined for {defined}, not x{scale}")

    def build(self, *, scale: int, **overrides: Any) -> nn.Module:
        """Build the network with PyTorch's own random initialisation.

        Raises:
            TypeError: An override that the constructor does not know.
            ValueError: A scale or value that the network cannot have.
        """
        self.check_scale(scale)
        if not isinstance(self.target, str):  # a user's own class, which knows its limits itself
            return self.constructor(scale=scale, **overrides)
        for name, value in overrides.items():
            _check_numbers(name, value)
        try:
            with _at_most(MOST_MODULES):
                return self.constructor(scale=scale, **overrides)
        except (AttributeError, LookupError, ArithmeticError) as error:
            if not overrides:
                raise
            given = ", ".join(f"{name}={value!r}" for name, value in overrides.items())
            raise ValueError(f"{self.id} cannot be built with {given}: {error}") from error


def _check_numbers(name: str, value: object) -> None:
    """Refuse a whole number, or one within a list, that no network would be built with."""
    if isinstance(value, list | tuple):
        for item in value:
            _check_numbers(name, item)
    elif isinstance(value, int) and abs(value) > LARGEST_OPTION:
        raise ValueError(f"{name}={value}: expected a number of at most {LARGEST_OPTION:,}")


@contextmanager
def _at_most(most: int) -> Iterator[None]:
    """Refuse a network of more modules while it is built, which may take hours.

    Raises:
        ValueError: More are being put into each other.
    """
    from torch.nn.modules.module import register_module_module_registration_hook

    count = 0

    def check(*registration: object) -> None:
        nonlocal count
        count += 1
        if count > most:
            raise ValueError(f"it would have more than {most:,} modules")

    handle = register_module_module_registration_hook(check)
    try:
        yield
    finally:
        handle.remove()

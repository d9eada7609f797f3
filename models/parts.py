"""How a backbone asks for a part that may be the user's own: a unit, a fusion, a tail."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

Factory = Callable[..., nn.Module]
"""A class, or a function, that makes a part from keywords."""


def make(factory: Factory, *, offered: dict[str, Any], **needed: Any) -> nn.Module:
    """Make a part.

    Args:
        factory: A class or function.
        offered: Keywords that are given where the factory accepts them.
        needed: Keywords that every part of its kind is given.
    """
    parameters = inspect.signature(factory).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    taken = {name: value for name, value in offered.items() if takes_all or name in parameters}
    return factory(**needed, **taken)


def chosen(part: str | Factory, built_in: dict[str, Factory], *, option: str) -> Factory:
    """Return what a part's name stands for, or the part itself where it is none.

    Args:
        part: A name, or a class or function.
        built_in: The parts by their names.
        option: Name of the constructor's argument, for the message.

    Raises:
        ValueError: There is no part of that name.
    """
    if not isinstance(part, str):
        return part
    if part not in built_in:
        raise ValueError(
            f"{option} must be one of {', '.join(built_in)}, not '{part}' (or a part of your own, "
            "FILE.py:CLASS)"
        )
    return built_in[part]

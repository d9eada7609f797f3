"""A scheme of names: how some code names the tensors, and how these names become ours.

Nothing is guessed: every tensor is named by a rule, or dropped by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.weights.contents import Tensors

NameRule = tuple[str, Callable[..., str]]
"""A pattern that matches a whole name, and a function from its groups to our name."""

LAST = r"\.(weight|bias)"
"""The last part of a name."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to name tensors.

    Attributes:
        name: Whose, for the user.
        convert: From a state dict of that scheme to our names; None where some name is not
            of it.
    """

    name: str
    convert: Callable[[Tensors], Tensors | None]


def rename(tensors: Tensors, rules: Sequence[NameRule], *, drop: str = "(?!)") -> Tensors | None:
    """Name every tensor by the first rule whose pattern matches the whole of its name.

    Args:
        tensors: State dict.
        rules: Patterns, and functions from their groups to our name.
        drop: Pattern of the tensors that we have no use for.

    Returns:
        The state dict in our names; None where a name is of no rule, or two are of one.
    """
    renamed: Tensors = {}
    for name, value in tensors.items():
        if re.fullmatch(drop, name):
            continue
        for pattern, ours in rules:
            if match := re.fullmatch(pattern, name):
                renamed[ours(*match.groups())] = value
                break
        else:
            return None
    dropped = sum(re.fullmatch(drop, name) is not None for name in tensors)
    return renamed if renamed and len(renamed) + dropped == len(tensors) else None


def highest_number(tensors: Tensors, pattern: str) -> int:
    """Return the highest number that a pattern finds in the names, 0 where it finds none."""
    matches = (re.fullmatch(pattern, name) for name in tensors)
    return max((int(match[1]) for match in matches if match), default=0)

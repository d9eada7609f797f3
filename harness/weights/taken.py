"""Choose between several state dicts of a file that fit, and log the choice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CheckpointError
from harness.weights import contents
from harness.weights.contents import Role, StateDict, Tensors
from harness.weights.prefixes import StateDictPart

log = logging.getLogger(__name__)

_MOST_NAMES = 4


class AmbiguousError(CheckpointError):
    """Several parts of a file fit, and nothing says which is meant."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part of a state dict that fits a network.

    Attributes:
        state: The state dict.
        part: The part of it.
        names: Whose names its tensors have.
        tensors: Its tensors in our names.
    """

    state: StateDict
    part: StateDictPart
    names: str
    tensors: Tensors

    @property
    def role(self) -> Role:
        """What it is in a training."""
        return self.state.role.joined(self.part.role)

    @property
    def key(self) -> str:
        """The keys that lead to it, and what the names in it begin with."""
        return f"{self.state.key}.{self.part.prefix}".strip(".")


@dataclass(frozen=True, slots=True)
class Taken:
    """What was loaded of a file.

    Attributes:
        names: Whose names its tensors have.
        key: The keys that lead to it; empty where the file holds nothing else to choose.
    """

    names: str
    key: str = ""

    def __str__(self) -> str:
        """Return ``this harness, under 'params_ema'``."""
        return f"{self.names}, under '{self.key}'" if self.key else self.names


def wanted(
    candidates: Sequence[Candidate], states: Sequence[StateDict], path: Path, *, asked: bool
) -> tuple[Candidate, Taken]:
    """Return the candidate to load, and log which of several it is.

    The averaged weights come before the others: the trainers that write them validate them.

    Args:
        candidates: At least one.
        states: All state dicts of the file.
        path: The file.
        asked: Whether the user named a key.

    Raises:
        AmbiguousError: Several with different values have the same rank.
    """
    best = min(candidate.role for candidate in candidates)
    alike = [candidate for candidate in candidates if candidate.role is best]
    first = alike[0]
    if rivals := [
        candidate for candidate in alike[1:] if not contents.same(first.tensors, candidate.tensors)
    ]:
        fitting = ", ".join(f"'{candidate.key}'" for candidate in (first, *rivals))
        raise AmbiguousError(
            f"'{path}' holds several state dicts that fit, and nothing says which is meant: "
            f"{fitting} (choose by --key)"
        )
    keys = [state.key for state in states] + [candidate.key for candidate in candidates]
    passed_over = [
        key for key in dict.fromkeys(keys) if key not in ("", first.key, first.state.key)
    ]
    if passed_over:
        why = "as asked" if asked else _WHY[first.role]
        log.info(
            "'%s': '%s' is taken, %s; not %s (--key)", path, first.key, why, _listed(passed_over)
        )
    if first.part.left_out:
        log.info("'%s': left out as no weights: %s", path, _listed(first.part.left_out))
    return first, Taken(first.names, first.key if passed_over else "")


_WHY = {
    Role.AVERAGED: "the average over the training",
    Role.TRAINED: "the network's own",
    Role.SIDE: "the only one that fits",
}


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown

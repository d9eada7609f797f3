"""Remove step by step what training code adds to the names of a network's tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.weights.contents import Role, Tensors, below, role_of

_COUNTERS = frozenset({"total_ops", "total_params", "n_averaged", "num_updates"})
"""Last parts of the names of buffers that counting and averaging tools leave."""


@dataclass(frozen=True, slots=True)
class StateDictPart:
    """A part of a state dict that may be a network.

    Attributes:
        prefix: What was taken off all names.
        tensors: The tensors by what is left of their names.
        left_out: The names of those that are no part of it.
        role: What the prefix says that it is.
    """

    prefix: str
    tensors: Tensors
    left_out: tuple[str, ...] = ()
    role: Role = Role.TRAINED


def stages(tensors: Tensors) -> Iterator[tuple[StateDictPart, ...]]:
    """Yield what may be the network: the whole state dict first, then ever smaller parts of it.

    1. Everything. 2. What is left when the first part that all names share is taken off, as
    often as they share one (``_orig_mod.``, ``module.``, ``model.``). 3. The same without
    what is no weight: buffers of counting tools, scalars at the top, losses and metrics.
    4. Each group of tensors whose names begin alike, as of a generator beside a discriminator.
    """
    whole = StateDictPart("", tensors)
    yield (whole,)
    chain = list(_chain(whole))
    yield from ((part,) for part in chain)
    clean = _clean(whole)
    if clean.left_out and clean.tensors:
        yield (clean,)
        chain = list(_chain(clean))
        yield from ((part,) for part in chain)
    last = chain[-1] if chain else clean
    groups = [group for group in _groups(last) if len(group.tensors) > 1]
    while groups:
        yield tuple(groups)
        groups = [inner for group in groups for inner in list(_chain(group))[:1]]


def _chain(part: StateDictPart) -> Iterator[StateDictPart]:
    """Yield the part with ever more of the first parts that all names share taken off."""
    while len(firsts := {name.partition(".")[0] for name in part.tensors}) == 1:
        (first,) = firsts
        if first in part.tensors:
            return
        part = _below(part, f"{first}.")
        yield part


def _below(part: StateDictPart, prefix: str) -> StateDictPart:
    """Return the tensors of a part whose names begin so; the others are left out."""
    tensors = below(part.tensors, prefix)
    others = (part.prefix + name for name in part.tensors if not name.startswith(prefix))
    role = part.role.joined(role_of(prefix))
    return StateDictPart(part.prefix + prefix, tensors, (*part.left_out, *others), role)


def _clean(part: StateDictPart) -> StateDictPart:
    """Return a part without what is certainly no weight."""
    kept = {
        name: value for name, value in part.tensors.items() if not _is_no_weight(name, value.ndim)
    }
    others = (part.prefix + name for name in part.tensors if name not in kept)
    return StateDictPart(part.prefix, kept, (*part.left_out, *others), part.role)


def _is_no_weight(name: str, dimensions: int) -> bool:
    first, dot, _ = name.partition(".")
    if name.rpartition(".")[2] in _COUNTERS:
        return True
    return role_of(first) is Role.SIDE if dot else dimensions == 0


def _groups(part: StateDictPart) -> Iterator[StateDictPart]:
    """Yield the parts of a part whose names begin alike."""
    firsts = dict.fromkeys(name.partition(".")[0] for name in part.tensors if "." in name)
    if len(firsts) > 1 or len(part.tensors) > len(firsts):
        yield from (_below(part, f"{first}.") for first in firsts)

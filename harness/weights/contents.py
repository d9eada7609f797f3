"""The state dicts that a file of weights holds, and which of them is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from torch import Tensor

from harness.errors import UsageError, suggest

Tensors = dict[str, Tensor]

_DEEPEST = 8
"""Dictionaries inside each other that are looked into."""

_AVERAGED = frozenset({"ema", "avg", "average", "averaged", "swa", "shadow"})
_SIDE = frozenset(
    {"d", "disc", "discriminator", "discriminators", "critic", "criterion", "loss", "losses"}
    | {"perceptual", "lpips", "vgg", "metric", "metrics", "psnr", "ssim"}
)
_NEVER = frozenset({"optim", "optimizer", "optimizers", "optimiser", "scheduler", "schedulers"})


class Role(IntEnum):
    """What a state dict is in a training, the one that is wanted first."""

    AVERAGED = 0
    TRAINED = 1
    SIDE = 2

    def joined(self, inner: Role) -> Role:
        """Return the role of a part of that role inside one of this role."""
        if Role.SIDE in (self, inner):
            return Role.SIDE
        return min(self, inner)


@dataclass(frozen=True, slots=True)
class StateDict:
    """One state dict of a file.

    Attributes:
        key: The keys that lead to it, joined by dots; empty where it is the whole file.
        tensors: Its tensors by name.
        role: What its keys say that it is.
    """

    key: str
    tensors: Tensors
    role: Role


def words(key: str) -> list[str]:
    """Return the words of a key in lower case: ``net``, ``g`` of ``netG`` and of ``net_g``."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", key)]


def role_of(key: str) -> Role:
    """Return what a key says about the state dict that it leads to."""
    key_words = set(words(key))
    if key_words & _SIDE:
        return Role.SIDE
    return Role.AVERAGED if key_words & _AVERAGED else Role.TRAINED


def find(content: object) -> tuple[StateDict, ...]:
    """Return every state dict in the content of a file, those that are wanted first.

    A dictionary is one where it holds a tensor of at least one dimension; what else it holds
    (an epoch, a loss, settings) is left out. The states of optimisers are not looked into, and
    a dictionary that holds itself is looked into once.
    """
    return tuple(sorted(_walk(content, (), frozenset(), set()), key=lambda state: state.role))


def _walk(
    node: object, path: tuple[str, ...], outer: frozenset[int], empty: set[int]
) -> Iterator[StateDict]:
    """Yield the state dicts in a node; ``empty`` are dictionaries met that are none."""
    if not isinstance(node, Mapping) or len(path) > _DEEPEST or id(node) in outer | empty:
        return
    tensors = {str(name): value for name, value in node.items() if isinstance(value, Tensor)}
    if any(value.ndim for value in tensors.values()):
        yield StateDict(".".join(path), tensors, role_of(" ".join(path)))
    else:
        empty.add(id(node))
    for key, value in node.items():
        if not _NEVER & set(words(str(key))):
            yield from _walk(value, (*path, str(key)), outer | {id(node)}, empty)


def choose(states: Sequence[StateDict], key: str | None) -> tuple[StateDict, ...]:
    """Return the state dicts that a user's key selects; all of them without a key.

    Args:
        states: Those of a file.
        key: The keys that lead to one, or the last of them, or what the names of the wanted
            tensors begin with.

    Raises:
        UsageError: The file has nothing of that name.
    """
    if key is None:
        return tuple(states)
    exact = [state for state in states if state.key == key]
    named = exact or [state for state in states if state.key.rpartition(".")[2] == key]
    if named:
        return tuple(named)
    prefix = f"{key.removesuffix('.')}."
    cuts = [
        StateDict(f"{state.key}.{key}".strip("."), below(state.tensors, prefix), Role.TRAINED)
        for state in states
    ]
    if found := tuple(state for state in cuts if state.tensors):
        return found
    known = [state.key for state in states if state.key]
    firsts = {name.partition(".")[0] for state in states for name in state.tensors if "." in name}
    raise UsageError(f"--key {key}: there is no such state dict{suggest(key, known or firsts)}")


def below(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors whose names begin so, by what is left of their names."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Tell whether two state dicts hold the same values."""
    return first.keys() == second.keys() and all(
        first[name].shape == second[name].shape and bool((first[name] == second[name]).all())
        for name in first
    )

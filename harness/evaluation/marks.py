"""Make the marks of a network, and tell by them whether a record is of the same one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from harness.records.marks import Marks
from harness.records.record import digest
from harness.weights import behaviour, networks

_run_before: dict[str, Marks] = {}


def marks_of(model: str, *, scale: int, overrides: Mapping[str, Any], training: str = "") -> Marks:
    """Return what a network is, as it is built.

    It is run for that, once in a process: seeds and weights make no difference.

    Args:
        model: Its id, or the user's ``FILE.py:CLASS``.
        scale: Upscaling factor.
        overrides: Arguments of its constructor.
        training: Digest of all else that determines its weights; empty where they are loaded.
    """
    code = networks.code_digest(model, overrides)
    key = digest({"code": code, "scale": scale, "overrides": dict(overrides)})
    if key not in _run_before:
        build = partial(networks.build, model, scale=scale, overrides=overrides)
        _run_before[key] = Marks((code,), behaviour.structure(build()), behaviour.behaviour(build))
    made = _run_before[key]
    return Marks(made.code, made.structure, made.behaviour, training)


def is_same(one: Marks, other: Marks) -> bool:
    """Tell whether two networks are the same, whatever their code."""
    alike = behaviour.same_behaviour(one.behaviour, other.behaviour)
    return alike and one.structure == other.structure


def with_code(marks: Marks, code: str) -> Marks:
    """Return marks by which the code of today finds them, too."""
    codes = tuple(dict.fromkeys((*marks.code, code)))
    return Marks(codes, marks.structure, marks.behaviour, marks.training)

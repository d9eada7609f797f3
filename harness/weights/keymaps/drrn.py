"""The names that others give to the tensors of DRRN."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import Scheme, rename


def drrn_numbered(tensors: Tensors) -> Tensors | None:
    """DRRN as MXNet's ``learned_N``."""
    layers = ("entry", "first", "second", "output")
    return rename(tensors, [(r"learned_([0-3])", lambda n: f"{layers[int(n)]}.weight")])


SCHEMES = (Scheme("DRRN, numbered", drrn_numbered),)

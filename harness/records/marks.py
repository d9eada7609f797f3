"""By what a record is known to be of a network: its code, its structure, its behaviour."""

from __future__ import annotations

from dataclasses import dataclass

RECIPE = 3
"""Raised when the same settings would give other weights than before, so that earlier records are
not taken for results of the present code. 2: learned scalars are multiplied in float32 under bf16,
and the code of the network is known by its syntax trees. 3: in training, learned scalars multiply
kernels and not maps, and a multi-scale tail is one convolution: the same but for rounding."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a network was when its record was made.

    Attributes:
        code: Digests of the code that it is known to be built by, the first one's first. Where
            the code has changed and the network has not, that of the new code joins them.
        structure: Digest of names, shapes and types of parameters and buffers, and of the
            classes of its modules.
        behaviour: What it computes, as some 64 projections; None where that is not the same
            twice, so that the code alone tells.
        training: Digest of all that determines the weights besides the code; empty where
            weights were loaded.
    """

    code: tuple[str, ...] = ()
    structure: str = ""
    behaviour: tuple[float, ...] | None = None
    training: str = ""

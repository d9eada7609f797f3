"""The names that others give to the tensors of SRMDNF."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def srmdnf(tensors: Tensors) -> Tensors | None:
    """SRMDNF with batch norm merged: one chain, ``model.N``."""
    rules: list[NameRule] = [
        (r"model\.22" + LAST, lambda rest: f"tail.{rest}"),
        (r"model\.(\d+)" + LAST, lambda index, rest: f"body.{index}.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("SRMDNF, merged", srmdnf),)

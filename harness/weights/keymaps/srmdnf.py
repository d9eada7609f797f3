"""The names that others give to the tensors of SRMDNF."""

from __future__ import annotations

from harness.weights.files import Tensors
from harness.weights.keymaps.scheme import LAST, Rule, Scheme, rename


def srmdnf(tensors: Tensors) -> Tensors | None:
    """SRMDNF with batch norm merged: one chain, ``model.N``."""
    rules: list[Rule] = [
        (r"model\.22" + LAST, lambda rest: f"tail.{rest}"),
        (r"model\.(\d+)" + LAST, lambda index, rest: f"body.{index}.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("SRMDNF, merged", srmdnf),)

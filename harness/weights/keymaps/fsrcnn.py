"""The names that others give to the tensors of FSRCNN."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def fsrcnn(tensors: Tensors) -> Tensors | None:
    """FSRCNN of yjn870/FSRCNN-pytorch."""
    rules: list[NameRule] = [
        (r"first_part\.([01])" + LAST, lambda index, rest: f"body.{index}.{rest}"),
        (
            r"mid_part\.(\d+)" + LAST,
            lambda index, rest: f"body.{int(index) + 2}.{rest}",
        ),
        (r"last_part" + LAST, lambda rest: f"output.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("FSRCNN, yjn870", fsrcnn),)

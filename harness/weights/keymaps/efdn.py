"""The names that the NTIRE challenges give to the tensors of EFDN, merged."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.rfdn import ATTENTION
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def efdn(tensors: Tensors) -> Tensors | None:
    """EFDN in the repositories of the NTIRE challenges."""
    rules: list[NameRule] = [
        (r"head" + LAST, lambda rest: f"head.{rest}"),
        (
            r"cells\.([0-3])\.conv([123])\.(?:conv1x1|rep_conv)" + LAST,
            lambda cell, number, rest: f"cells.{cell}.convs.{int(number) - 1}.{rest}",
        ),
        (
            r"cells\.([0-3])\.conv([123])\.act\.weight",
            lambda cell, number: f"cells.{cell}.activations.{int(number) - 1}.weight",
        ),
        (
            r"cells\.([0-3])\.branch\.([0-3])" + LAST,
            lambda cell, number, rest: f"cells.{cell}.distilled.{number}.{rest}",
        ),
        (r"cells\.([0-3])\.fuse" + LAST, lambda cell, rest: f"cells.{cell}.fusion.{rest}"),
        (
            r"cells\.([0-3])\.att\.(conv[1-4]|conv_f|conv_max|conv3_)" + LAST,
            lambda cell, g, rest: f"cells.{cell}.attention.{ATTENTION[g]}.{rest}",
        ),
        (r"local_fuse\.([0-2])" + LAST, lambda number, rest: f"fusions.{number}.{rest}"),
        (r"tail\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("EFDN, NTIRE 2023", efdn),)

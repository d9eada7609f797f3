"""The names that the authors of IMDN give to its tensors."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def imdn(tensors: Tensors) -> Tensors | None:
    """IMDN's authors."""
    gates = {"0": "squeeze", "2": "excite"}
    rules: list[NameRule] = [
        (r"fea_conv" + LAST, lambda rest: f"head.{rest}"),
        (
            r"IMDB(\d)\.c([1-4])" + LAST,
            lambda b, c, rest: f"blocks.{int(b) - 1}.convs.{int(c) - 1}.{rest}",
        ),
        (r"IMDB(\d)\.c5" + LAST, lambda b, rest: f"blocks.{int(b) - 1}.fusion.{rest}"),
        (
            r"IMDB(\d)\.cca\.conv_du\.([02])" + LAST,
            lambda b, g, rest: f"blocks.{int(b) - 1}.attention.{gates[g]}.{rest}",
        ),
        (r"c\.0" + LAST, lambda rest: f"fusion.{rest}"),
        (r"LR_conv" + LAST, lambda rest: f"smooth.{rest}"),
        (r"upsampler\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("IMDN, the authors'", imdn),)

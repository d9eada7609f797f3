"""The names that the authors of RFDN and the challenges since AIM 2020 give to its tensors."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename

ATTENTION = {
    "conv1": "reduce",
    "conv_f": "direct",
    "conv2": "stride",
    "conv_max": "coarse.0",
    "conv3": "coarse.2",
    "conv3_": "coarse.4",
    "conv4": "expand",
}
"""The convolutions of the attention with a deep coarse map, in this and in derived networks."""


def rfdn(tensors: Tensors) -> Tensors | None:
    """RFDN's authors."""
    rules: list[NameRule] = [
        (r"fea_conv" + LAST, lambda rest: f"head.{rest}"),
        (
            r"B(\d)\.c([123])_d" + LAST,
            lambda b, c, rest: f"blocks.{int(b) - 1}.distilled.{int(c) - 1}.{rest}",
        ),
        (
            r"B(\d)\.c([123])_r" + LAST,
            lambda b, c, rest: f"blocks.{int(b) - 1}.refined.{int(c) - 1}.{rest}",
        ),
        (r"B(\d)\.c4" + LAST, lambda b, rest: f"blocks.{int(b) - 1}.last.{rest}"),
        (r"B(\d)\.c5" + LAST, lambda b, rest: f"blocks.{int(b) - 1}.fusion.{rest}"),
        (
            r"B(\d)\.esa\.(conv[1-4]|conv_f|conv_max|conv3_)" + LAST,
            lambda b, g, rest: f"blocks.{int(b) - 1}.attention.{ATTENTION[g]}.{rest}",
        ),
        (r"c\.0" + LAST, lambda rest: f"fusion.{rest}"),
        (r"LR_conv" + LAST, lambda rest: f"smooth.{rest}"),
        (r"upsampler\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("RFDN, the authors'", rfdn),)

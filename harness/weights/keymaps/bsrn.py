"""The names that the authors of BSRN give to its tensors, and to those of BSRN-S."""

from __future__ import annotations

import re

from harness.weights.contents import Tensors
from harness.weights.keymaps.rfdn import ATTENTION
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename

_SEPARABLE = r"((?:\.[pd]w)?)" + LAST
_BLOCK = r"B(\d)\."


def bsrn(tensors: Tensors) -> Tensors | None:
    """BSRN's authors. In BSRN-S 1x1 convolutions are linear layers, which become convolutions."""
    gates = {"0": "squeeze", "2": "excite"}

    def layer(name: str, part: str, rest: str) -> str:
        separable = {"": "", ".pw": ".pointwise", ".dw": ".depthwise"}
        return f"{name}{separable[part]}.{rest}"

    def of_block(block: str, name: str, part: str, rest: str) -> str:
        return layer(f"blocks.{int(block) - 1}.{name}", part, rest)

    rules: list[NameRule] = [
        (r"fea_conv" + _SEPARABLE, lambda part, rest: layer("head", part, rest)),
        (
            _BLOCK + r"c([123])_d" + LAST,
            lambda b, c, rest: of_block(b, f"distilled.{int(c) - 1}", "", rest),
        ),
        (
            _BLOCK + r"c([123])_r" + _SEPARABLE,
            lambda b, c, part, rest: of_block(b, f"refined.{int(c) - 1}", part, rest),
        ),
        (_BLOCK + r"c4" + _SEPARABLE, lambda b, part, rest: of_block(b, "last", part, rest)),
        (_BLOCK + r"c5" + LAST, lambda b, rest: of_block(b, "fusion", "", rest)),
        (
            _BLOCK + r"esa\.(conv[1-4]|conv_f|conv_max|conv3_)" + _SEPARABLE,
            lambda b, g, part, rest: of_block(b, f"spatial.{ATTENTION[g]}", part, rest),
        ),
        (
            _BLOCK + r"cca\.conv_du\.([02])" + LAST,
            lambda b, g, rest: of_block(b, f"channel.{gates[g]}", "", rest),
        ),
        (_BLOCK + r"cw", lambda b: f"blocks.{int(b) - 1}.channel.gain"),
        (_BLOCK + r"conv_out" + LAST, lambda b, rest: of_block(b, "channel.fusion", "", rest)),
        (r"c1" + LAST, lambda rest: f"fusion.{rest}"),
        (r"c2" + _SEPARABLE, lambda part, rest: layer("smooth", part, rest)),
        (r"upsampler\.upsampleOneStep\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    ours = rename(tensors, rules)
    if ours is None:
        return None
    return {
        name: value[:, :, None, None]
        if value.ndim == 2 and re.search(r"(weight|gain)$", name)
        else value
        for name, value in ours.items()
    }


SCHEMES = (Scheme("BSRN, the authors'", bsrn),)

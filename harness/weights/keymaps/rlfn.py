"""The names that the NTIRE challenges of 2022 and 2024 give to the tensors of RLFN."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def rlfn(tensors: Tensors) -> Tensors | None:
    """RLFN in the repository of the NTIRE 2022 challenge."""
    gates = {
        "conv1": "reduce",
        "conv_f": "direct",
        "conv2": "stride",
        "conv3": "coarse",
        "conv4": "expand",
    }
    rules: list[NameRule] = [
        (r"fea_conv" + LAST, lambda rest: f"head.{rest}"),
        (
            r"B(\d)\.c([123])_r" + LAST,
            lambda b, c, rest: f"blocks.{int(b) - 1}.convs.{int(c) - 1}.{rest}",
        ),
        (r"B(\d)\.c5" + LAST, lambda b, rest: f"blocks.{int(b) - 1}.fusion.{rest}"),
        (
            r"B(\d)\.esa\.(conv[1-4]|conv_f)" + LAST,
            lambda b, g, rest: f"blocks.{int(b) - 1}.attention.{gates[g]}.{rest}",
        ),
        (r"LR_conv" + LAST, lambda rest: f"smooth.{rest}"),
        (r"upsampler\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


def rlfn_2024(tensors: Tensors) -> Tensors | None:
    """RLFN in its authors' repository and in that of the NTIRE 2024 challenge."""
    rules: list[NameRule] = [
        (r"conv_1" + LAST, lambda rest: f"fea_conv.{rest}"),
        (r"block_(\d)\.(.+)", lambda block, rest: f"B{block}.{rest}"),
        (r"conv_2" + LAST, lambda rest: f"LR_conv.{rest}"),
        (r"(upsampler\.0\..+)", lambda name: name),
    ]
    older = rename(tensors, rules)
    return rlfn(older) if older else None


SCHEMES = (Scheme("RLFN, NTIRE 2022", rlfn), Scheme("RLFN, NTIRE 2024", rlfn_2024))

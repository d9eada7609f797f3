"""The names that the NTIRE challenges of 2024 and 2025 give to the tensors of SPAN and SPANF."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename

_MERGED = r"\.eval_conv" + LAST
_FUSION: NameRule = (r"conv_cat" + LAST, lambda rest: f"fusion.{rest}")


def span(tensors: Tensors) -> Tensors | None:
    """SPAN in the repositories of the NTIRE challenges, merged."""
    rules: list[NameRule] = [
        (r"conv_1" + _MERGED, lambda rest: f"head.{rest}"),
        (
            r"block_(\d)\.c([123])_r" + _MERGED,
            lambda b, c, rest: f"blocks.{int(b) - 1}.convs.{int(c) - 1}.{rest}",
        ),
        _FUSION,
        (r"conv_2" + _MERGED, lambda rest: f"smooth.{rest}"),
        (r"upsampler\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


def spanf(tensors: Tensors) -> Tensors | None:
    """SPANF in the repository of the NTIRE 2025 challenge, merged."""
    rules: list[NameRule] = [
        (r"conv_near\.weight", lambda: "nearest.weight"),
        (
            r"block_1\.c([123])_r" + _MERGED,
            lambda c, rest: f"first.convs.{int(c) - 1}.{rest}",
        ),
        (
            r"block_(\d)\.c([123])_r" + _MERGED,
            lambda b, c, rest: f"blocks.{int(b) - 2}.convs.{int(c) - 1}.{rest}",
        ),
        _FUSION,
        (r"conv_2" + _MERGED, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("SPAN, NTIRE 2024", span), Scheme("SPANF, NTIRE 2025", spanf))

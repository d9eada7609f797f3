"""The names that MSRN's authors give to its tensors."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.image_range import with_shifts_folded
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme


def msrn(tensors: Tensors) -> Tensors | None:
    """MSRN's authors, the later RGB code."""
    rules: list[NameRule] = [
        (r"head\.0" + LAST, lambda rest: f"head.{rest}"),
        (
            r"body\.(\d+)\.(conv_[35]_[12])" + LAST,
            lambda block, conv, rest: f"body.{block}.{conv}.{rest}",
        ),
        (r"body\.(\d+)\.confusion" + LAST, lambda block, rest: f"body.{block}.fusion.{rest}"),
        (r"tail\.([01])" + LAST, lambda layer, rest: f"fusion.{layer}.{rest}"),
        (r"tail\.2\.(\d)" + LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"tail\.3" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return with_shifts_folded(tensors, rules)


SCHEMES = (Scheme("MSRN, the authors'", msrn),)

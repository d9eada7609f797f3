"""The names that the authors of SMFANet give to its tensors."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def smfanet(tensors: Tensors) -> Tensors | None:
    """SMFANet's authors; SMFANet+ has the same names."""
    aggregation = {
        "linear_0": "split",
        "linear_1": "gates",
        "linear_2": "fusion",
        "dw_conv": "pooled",
        "lde.conv_0.0": "local.0",
        "lde.conv_0.1": "local.1",
        "lde.conv_1": "local.3",
    }
    feed_forward = {"conv_0": "widen", "conv_1": "partial", "conv_2": "narrow"}
    scalars = {"alpha": "alpha", "belt": "beta"}
    rules: list[NameRule] = [
        (r"to_feat" + LAST, lambda rest: f"head.{rest}"),
        (
            r"feats\.(\d+)\.smfa\.(alpha|belt)",
            lambda b, name: f"blocks.{b}.aggregation.{scalars[name]}",
        ),
        (
            r"feats\.(\d+)\.smfa\.(linear_[012]|dw_conv|lde\.conv_0\.[01]|lde\.conv_1)" + LAST,
            lambda b, layer, rest: f"blocks.{b}.aggregation.{aggregation[layer]}.{rest}",
        ),
        (
            r"feats\.(\d+)\.pcfn\.(conv_[012])" + LAST,
            lambda b, layer, rest: f"blocks.{b}.feed_forward.{feed_forward[layer]}.{rest}",
        ),
        (r"to_img\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("SMFANet, the authors'", smfanet),)

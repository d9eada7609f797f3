"""The names that released files of PAN give to its tensors."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def pan(tensors: Tensors) -> Tensors | None:
    """PAN's released files."""
    inside = {
        "conv1_a": "split_plain",
        "conv1_b": "split_gated",
        "k1.0": "plain",
        "PAConv.k2": "gated.0.gate",
        "PAConv.k3": "gated.0.gated",
        "PAConv.k4": "gated.1",
        "conv3": "fusion",
    }
    steps = {"upconv": "1", "att": "2.gate", "HRconv": "4"}
    rules: list[NameRule] = [
        (r"conv_first" + LAST, lambda rest: f"head.{rest}"),
        (
            r"SCPA_trunk\.(\d+)\.(conv1_[ab]|k1\.0|PAConv\.k[234]|conv3)" + LAST,
            lambda b, name, rest: f"blocks.{b}.{inside[name]}.{rest}",
        ),
        (r"trunk_conv" + LAST, lambda rest: f"smooth.{rest}"),
        (
            r"(upconv|HRconv)([12])" + LAST,
            lambda name, step, rest: f"upsampling.{int(step) - 1}.{steps[name]}.{rest}",
        ),
        (
            r"(att)([12])\.conv" + LAST,
            lambda name, step, rest: f"upsampling.{int(step) - 1}.{steps[name]}.{rest}",
        ),
        (r"conv_last" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("PAN, as released", pan),)

"""The names that the authors of VapSR give to its tensors."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def vapsr(tensors: Tensors) -> Tensors | None:
    """VapSR's authors."""
    outer = {"proj_1": "widen", "proj_2": "narrow", "pixel_norm": "norm"}
    gates = {"pointwise": "pointwise", "depthwise": "depthwise", "depthwise_dilated": "dilated"}
    rules: list[NameRule] = [
        (r"conv_first" + LAST, lambda rest: f"head.{rest}"),
        (
            r"body\.(\d+)\.(proj_1|proj_2|pixel_norm)" + LAST,
            lambda b, layer, rest: f"blocks.{b}.{outer[layer]}.{rest}",
        ),
        (
            r"body\.(\d+)\.atten_branch\.(pointwise|depthwise|depthwise_dilated)" + LAST,
            lambda b, layer, rest: f"blocks.{b}.attention.{gates[layer]}.{rest}",
        ),
        (r"conv_body" + LAST, lambda rest: f"smooth.{rest}"),
        (r"upsampler\.0" + LAST, lambda rest: f"step.{rest}"),
        (r"upsampler\.3" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


SCHEMES = (Scheme("VapSR, the authors'", vapsr),)

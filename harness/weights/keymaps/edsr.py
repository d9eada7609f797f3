"""The names that others give to the tensors of EDSR and MDSR, and of RCAN, made from EDSR."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.image_range import with_shifts_folded
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, highest_number, rename


def edsr(tensors: Tensors) -> Tensors | None:
    """EDSR in its authors' PyTorch code, and RCAN in its authors' code, which is made from it."""
    rules: list[NameRule] = [
        (r"head\.0" + LAST, lambda rest: f"head.{rest}"),
        (r"body\.(\d+)" + LAST, lambda block, rest: f"body.{block}.{rest}"),
        (
            r"body\.(\d+)\.body\.(\d+)" + LAST,
            lambda block, layer, rest: f"body.{block}.body.{layer}.{rest}",
        ),
        (
            r"body\.(\d+)\.body\.(\d+)\.body\.([02])" + LAST,
            lambda group, block, layer, rest: f"body.{group}.body.{block}.body.{layer}.{rest}",
        ),
        (
            r"body\.(\d+)\.body\.(\d+)\.body\.3\.conv_du\.([02])" + LAST,
            lambda g, block, layer, rest: f"body.{g}.body.{block}.body.3.gate.{layer}.{rest}",
        ),
        (r"tail\.0\.(\d)" + LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"tail\.1" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return with_shifts_folded(tensors, rules)


def basicsr(tensors: Tensors) -> Tensors | None:
    """EDSR and RCAN in BasicSR's names; the mean colour is in its code and equals ours."""
    convs = {"1": "0", "2": "2"}
    gates = {"1": "0", "3": "2"}
    members = highest_number(tensors, r"body\.\d+\.residual_group\.(\d+)\..+") + 1
    last = highest_number(tensors, r"body\.(\d+)\..+") + 1
    rules: list[NameRule] = [
        (r"conv_first" + LAST, lambda rest: f"head.{rest}"),
        (
            r"body\.(\d+)\.conv([12])" + LAST,
            lambda block, conv, rest: f"body.{block}.body.{convs[conv]}.{rest}",
        ),
        (
            r"body\.(\d+)\.residual_group\.(\d+)\.rcab\.([02])" + LAST,
            lambda group, block, conv, rest: f"body.{group}.body.{block}.body.{conv}.{rest}",
        ),
        (
            r"body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.([13])" + LAST,
            lambda g, block, a, rest: f"body.{g}.body.{block}.body.3.gate.{gates[a]}.{rest}",
        ),
        (
            r"body\.(\d+)\.conv" + LAST,
            lambda group, rest: f"body.{group}.body.{members}.{rest}",
        ),
        (r"conv_after_body" + LAST, lambda rest: f"body.{last}.{rest}"),
        (r"upsample\.(\d)" + LAST, lambda layer, rest: f"upsampler.{layer}.{rest}"),
        (r"conv_last" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules)


def mdsr(tensors: Tensors) -> Tensors | None:
    """MDSR of its authors' PyTorch code, for x2, x3 and x4 in this order."""
    rules: list[NameRule] = [
        (r"head\.0" + LAST, lambda rest: f"head.{rest}"),
        (
            r"pre_process\.([012])\.([01])\.body\.([02])" + LAST,
            lambda at, block, layer, rest: f"entries.x{int(at) + 2}.{block}.body.{layer}.{rest}",
        ),
        (r"body\.(\d+)" + LAST, lambda block, rest: f"body.{block}.{rest}"),
        (
            r"body\.(\d+)\.body\.([02])" + LAST,
            lambda block, layer, rest: f"body.{block}.body.{layer}.{rest}",
        ),
        (
            r"upsample\.([012])\.(\d)" + LAST,
            lambda at, layer, rest: f"upsamplers.x{int(at) + 2}.{layer}.{rest}",
        ),
        (r"tail\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return with_shifts_folded(tensors, rules)


SCHEMES = (
    Scheme("EDSR and RCAN, the authors'", edsr),
    Scheme("EDSR and RCAN, BasicSR", basicsr),
    Scheme("MDSR, the authors'", mdsr),
)

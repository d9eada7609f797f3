"""The names that others give to the tensors of VDSR."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename


def vdsr_numbered(tensors: Tensors) -> Tensors | None:
    """VDSR, the authors' twenty layers by number."""
    return rename(tensors, [(r"(\d+)" + LAST, lambda index, rest: f"convs.{index}.{rest}")])


def vdsr_pytorch(tensors: Tensors) -> Tensors | None:
    """VDSR of twtygqyy/pytorch-vdsr."""
    rules: list[NameRule] = [
        (r"input\.weight", lambda: "convs.0.weight"),
        (r"residual_layer\.(\d+)\.conv\.weight", lambda index: f"convs.{int(index) + 1}.weight"),
        (r"output\.weight", lambda: "convs.19.weight"),
    ]
    return rename(tensors, rules)


SCHEMES = (
    Scheme("VDSR, the authors'", vdsr_numbered),
    Scheme("VDSR, twtygqyy", vdsr_pytorch),
)

"""The names that the authors of SwinIR give to the tensors of its light form."""

from __future__ import annotations

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import LAST, NameRule, Scheme, rename

_CONSTANTS = r".+\.(attn_mask|relative_position_index)"
"""Of the size of the training patches, or the same in every block; ours are made when needed."""


def swinir(tensors: Tensors) -> Tensors | None:
    """SwinIR's authors."""
    parts = {
        "norm1": "norm_attention",
        "attn.qkv": "attention.qkv",
        "attn.proj": "attention.project",
        "norm2": "norm_perceptron",
        "mlp.fc1": "perceptron.0",
        "mlp.fc2": "perceptron.2",
    }
    block = r"layers\.(\d+)\.residual_group\.blocks\.(\d+)\."
    rules: list[NameRule] = [
        (r"conv_first" + LAST, lambda rest: f"head.{rest}"),
        (r"patch_embed\.norm" + LAST, lambda rest: f"norm_first.{rest}"),
        (
            block + r"(norm[12]|attn\.(?:qkv|proj)|mlp\.fc[12])" + LAST,
            lambda g, b, part, rest: f"groups.{g}.blocks.{b}.{parts[part]}.{rest}",
        ),
        (
            block + r"attn\.relative_position_bias_table",
            lambda g, b: f"groups.{g}.blocks.{b}.attention.table",
        ),
        (r"layers\.(\d+)\.conv" + LAST, lambda g, rest: f"groups.{g}.conv.{rest}"),
        (r"norm" + LAST, lambda rest: f"norm_last.{rest}"),
        (r"conv_after_body" + LAST, lambda rest: f"smooth.{rest}"),
        (r"upsample\.0" + LAST, lambda rest: f"tail.{rest}"),
    ]
    return rename(tensors, rules, drop=_CONSTANTS)


SCHEMES = (Scheme("SwinIR, the authors'", swinir),)

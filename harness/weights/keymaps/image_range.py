"""The range of the image and its mean colour, folded into the first and the last layer.

Files of large RGB networks differ from ours in both. Folding is exact; the mean itself cannot
be folded (zero padding comes after it), so it goes beside the weights as :data:`MEAN`, where
it is another than ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from harness.models.layers import DIV2K_MEAN
from harness.weights.contents import Tensors
from harness.weights.files import MEAN
from harness.weights.keymaps.scheme import NameRule, rename

_SHIFTS = tuple(f"{name}_mean.{part}" for name in ("sub", "add") for part in ("weight", "bias"))


def scaled(ours: Tensors | None, factors: Mapping[str, float]) -> Tensors | None:
    """Multiply tensors by a factor each; None where there is nothing, or one of them is not."""
    if ours is None or not factors.keys() <= ours.keys():
        return None
    return ours | {name: factor * ours[name] for name, factor in factors.items()}


def with_shifts_folded(tensors: Tensors, rules: Sequence[NameRule]) -> Tensors | None:
    """Rename, with the mean shifts, which are 1x1 convolutions, folded into head and tail.

    In most of this code the shifts were meant to be constants but were trained along.

    Args:
        tensors: State dict with ``sub_mean`` and ``add_mean``.
        rules: Names of all other tensors.

    Returns:
        The state dict in our names; None where it has no such shifts, or they cannot be folded.
    """
    if not all(name in tensors for name in _SHIFTS):
        return None
    ours = rename(tensors, rules, drop="|".join(map(re.escape, _SHIFTS)))
    shifts = [tensors[name].double() for name in _SHIFTS]
    if ours is None or not {"head.weight", "tail.weight", "tail.bias"} <= ours.keys():
        return None
    if [tuple(shift.shape) for shift in shifts] != 2 * [(3, 3, 1, 1), (3,)]:
        return None
    constant = 255 * torch.tensor(DIV2K_MEAN)
    eye = torch.eye(3).view(3, 3, 1, 1)
    if all(
        torch.equal(tensors[name], value)
        for name, value in zip(_SHIFTS, (eye, -constant, eye, constant), strict=True)
    ):
        return ours
    return _fold(ours, *shifts)


def _fold(
    ours: Tensors, sub_weight: Tensor, sub_bias: Tensor, add_weight: Tensor, add_bias: Tensor
) -> Tensors | None:
    into, out = sub_weight[:, :, 0, 0], add_weight[:, :, 0, 0]
    if torch.linalg.matrix_rank(into) < 3:
        return None
    mean = -torch.linalg.solve(into, sub_bias)
    if mean.abs().max() <= 1:  # the image was in 0..1
        mean, into, out, add_bias = 255 * mean, into / 255, 255 * out, 255 * add_bias
    head, tail, bias = (ours[name].double() for name in ("head.weight", "tail.weight", "tail.bias"))
    mean = mean.float()
    return ours | {
        "head.weight": torch.einsum("ochw,ci->oihw", head, into).float(),
        "tail.weight": torch.einsum("oc,cihw->oihw", out, tail).float(),
        "tail.bias": (out @ bias + add_bias - mean).float(),
        MEAN: mean.view(1, 3, 1, 1),
    }

"""The names of tensors in the frozen TensorFlow graphs of FALSR and MoreMNAS."""

from __future__ import annotations

from torch import Tensor

from harness.weights.contents import Tensors
from harness.weights.keymaps.scheme import NameRule, Scheme, rename

_ROOT = r"test_sr_evaluator_i1_b0_g/"
_CONSTANTS = r"(mul/x|add/y|mul_1/y|Const|Const_1|zeros/Const|ones/Const|Mul_2/y|div/y)"
_LAYOUTS = {"W": (3, 2, 0, 1), "W_depthwise2d": (2, 3, 0, 1)}


def falsr(tensors: Tensors) -> Tensors | None:
    """FALSR and MoreMNAS: cells with their kind, width, kernel and repeats in the name.

    Plain kernels stand in PyTorch's layout already; grouped and depthwise ones do not.
    """

    def leaf(prefix: str, name: str) -> str:
        return f"{prefix}.{'bias' if name.startswith('b') else 'weight'}"

    cell, inverted = r"cell(\d+)/", r"invertBotConE2_\w+?skip_"
    rules: list[NameRule] = [
        (_ROOT + r"n32s1/c/(\w+)", lambda name: leaf("entry", name)),
        (_ROOT + r"n32s1/2/0/(\w+)", lambda name: leaf("last", name)),
        (_ROOT + r"yout/(\w+)", lambda name: leaf("output", name)),
        (
            _ROOT + cell + r"(?:conv|groupConG\d+)_\w+?skip_b(\d+)/(\w+)",
            lambda c, b, name: leaf(f"cells.{c}.convs.{b}", name),
        ),
        (
            _ROOT + cell + inverted + r"conv_supple/(\w+)",
            lambda c, name: leaf(f"cells.{c}.entry", name),
        ),
        (
            _ROOT + cell + inverted + r"b(\d+)_conv_([12])/(\w+)",
            lambda c, b, n, name: leaf(f"cells.{c}.bottlenecks.{b}.{4 * int(n) - 4}", name),
        ),
        (
            _ROOT + cell + inverted + r"b(\d+)depth_wise/(\w+)",
            lambda c, b, name: leaf(f"cells.{c}.bottlenecks.{b}.2", name),
        ),
    ]
    upright = {name: _as_torch_has_it(name, value) for name, value in tensors.items()}
    return rename(upright, rules, drop=_ROOT + _CONSTANTS)


def _as_torch_has_it(name: str, value: Tensor) -> Tensor:
    order = _LAYOUTS.get(name.rpartition("/")[2])
    return value.permute(*order).contiguous() if order and value.ndim == 4 else value


SCHEMES = (Scheme("FALSR and MoreMNAS, the authors'", falsr),)

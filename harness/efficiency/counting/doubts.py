"""Reasons to doubt a count: what no counter sees, parameters never read, too little work."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from torch import nn

from harness.efficiency.counting.params import declared_unused
from harness.efficiency.counting.trace import Trace

LEAST_DENSITY = Fraction(1, 2)
"""Fewest Multi-Adds per deployed weight and LR pixel; a plain convolutional network has 1."""

_SHAPE = """
    _reshape_alias _unsafe_index _unsafe_view alias as_strided cat channel_shuffle chunk clone
    col2im constant_pad_nd contiguous copy detach diagonal expand expand_as flatten flip gather
    im2col index index_put index_select lift_fresh movedim narrow pad permute pixel_shuffle
    pixel_unshuffle reflection_pad1d reflection_pad2d repeat repeat_interleave replication_pad2d
    reshape roll scatter select slice sort split split_with_sizes squeeze stack t transpose unbind
    unflatten unfold unsafe_split unsqueeze view
"""
_VALUES = """
    _local_scalar_dense equal is_nonzero masked_select nonzero
"""
_CREATION = """
    _to_copy arange empty empty_like empty_strided fill full full_like lift_fresh_copy linspace
    new_empty new_full new_ones new_zeros ones ones_like rand rand_like randn randn_like
    scalar_tensor to type_as zero zeros zeros_like
"""
_ELEMENTWISE = """
    _prelu_kernel abs add addcdiv addcmul bitwise_and bitwise_not bitwise_or ceil celu clamp
    clamp_max clamp_min cos div elu eq erf exp expm1 floor floor_divide ge gelu glu gt
    hardsigmoid hardswish hardtanh le leaky_relu lerp log log1p log_sigmoid_forward logical_and
    logical_not logical_or lt masked_fill maximum minimum mish mul ne neg pow prelu reciprocal
    relu relu6 remainder round rsqrt rsub selu sigmoid sign silu sin softplus sqrt square sub
    tanh threshold where
"""
_REDUCTION = """
    _log_softmax _safe_softmax _softmax all amax amin any argmax argmin cumsum
    linalg_vector_norm log_softmax logsumexp max mean min norm prod softmax std std_mean sum
    topk var var_mean
"""
_NORM_AND_POOLING = """
    _adaptive_avg_pool2d _batch_norm_no_update _native_batch_norm_legit
    _native_batch_norm_legit_no_training _weight_norm _weight_norm_interface adaptive_avg_pool2d
    adaptive_max_pool2d avg_pool2d batch_norm group_norm instance_norm layer_norm max_pool2d
    max_pool2d_with_indices native_batch_norm native_group_norm native_layer_norm
"""
_FIXED_INTERPOLATION = """
    _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact2d upsample_bicubic2d
    upsample_bilinear2d upsample_nearest2d
"""
FREE_OPERATORS = frozenset(
    f"aten.{name}"
    for names in (
        _SHAPE,
        _VALUES,
        _CREATION,
        _ELEMENTWISE,
        _REDUCTION,
        _NORM_AND_POOLING,
        _FIXED_INTERPOLATION,
    )
    for name in names.split()
)
"""Operators known to have no kernel or matrix: they count no Multi-Adds by the convention."""


def doubts(
    network: nn.Module, traced: Trace, *, deployed: int, lr_px: Fraction | int
) -> tuple[str, ...]:
    """Return why a count may have missed something, one clause a reason.

    Args:
        network: What was counted; its ``unused_modules``, if it has any, are prefixes of
            modules that it does not run.
        traced: The forward pass.
        deployed: Deployed parameters of what the network does run.
        lr_px: Pixels of the LR image of that pass.
    """
    reasons = []
    strange = unreviewed(set(traced.operators) - set(traced.products))
    if strange:
        reasons.append(
            f"operators not known to be free of Multi-Adds: {listed(strange)} (not counted)"
        )
    dependence = traced.dependence
    if dependence.exits:
        reasons.append(
            f"values leave PyTorch by {listed(dependence.exits)}, after which nothing is counted"
        )
    if not dependence.of_the_image:
        reasons.append("SR does not depend on the LR image, as far as PyTorch can tell")
    unread = [name for name in dependence.unread if not is_declared_unused(network, name)]
    if unread:
        reasons.append(
            f"parameters never read: {listed(_branches(network, unread))} (what is left out on "
            "purpose is to be named in the network's attribute 'unused_modules')"
        )
    if deployed and traced.multi_adds < LEAST_DENSITY * deployed * lr_px:
        density = float(traced.multi_adds / (deployed * lr_px))
        reasons.append(
            f"{density:.2f} Multi-Adds per deployed weight and LR pixel, "
            f"expected at least {float(LEAST_DENSITY)}"
        )
    return tuple(reasons)


def unreviewed(operators: Iterable[str]) -> tuple[str, ...]:
    """Return the operators that are not known to be free, sorted.

    Args:
        operators: Names such as ``aten.relu_``; in-place ones count as their base form.
    """
    return tuple(sorted(name for name in operators if name.rstrip("_") not in FREE_OPERATORS))


def listed(names: Iterable[str], most: int = 8) -> str:
    """Return names for a message: all of them, or the first and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _branches(network: nn.Module, names: Iterable[str]) -> list[str]:
    """Return names of parameters, those of a whole module as the module's."""
    left = dict.fromkeys(names)
    branches: list[str] = []
    for prefix, module in network.named_modules():
        if not prefix or any(prefix.startswith(f"{branch}.") for branch in branches):
            continue
        own = {name for name, _ in module.named_parameters(prefix, remove_duplicate=False)}
        if own and own <= left.keys():
            branches.append(prefix)
    whole = tuple(f"{branch}." for branch in branches)
    return [*branches, *(name for name in left if not name.startswith(whole or " "))]


def is_declared_unused(network: nn.Module, name: str) -> bool:
    """Tell whether a network says that it does not run one of its modules."""
    return any(
        name == prefix or name.startswith(f"{prefix}.") for prefix in declared_unused(network)
    )

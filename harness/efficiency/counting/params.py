"""Parameters: as trained, as deployed, and kernels alone."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from torch import nn
from torch.nn.utils import parametrize


def trainable(network: nn.Module) -> int:
    """Return the number of learned scalars, weight-norm gains included, shared ones once.

    Example:
        >>> trainable(nn.Conv2d(3, 32, 3))  # 3 * 3 * 3 * 32 weights, 32 biases
        896
    """
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def deployed(network: nn.Module, foldable: Mapping[str, str]) -> int:
    """Return the learned scalars left once weight norm and batch norm are folded away.

    A weight norm's gains go into the kernel. A batch normalisation goes into the
    convolution right before it, which gets a bias if it had none; one that stands
    anywhere else (before a ReLU, after a shared convolution) stays. Nothing else is merged.

    Args:
        network: The network, as built.
        foldable: Names of the batch normalisations that can go, each with the name of
            the convolution that takes it in (as :func:`harness.efficiency.counting.trace.trace`
            finds them).
    """
    modules = dict(network.named_modules())
    count = trainable(network) - sum(_gains(module) for module in modules.values())
    for norm, name in foldable.items():
        conv = modules[name]
        count -= trainable(modules[norm])
        if isinstance(conv, nn.modules.conv._ConvNd) and conv.bias is None:
            count += conv.out_channels
    return count


def conv_weights(network: nn.Module) -> int:
    """Return the elements of all convolution kernels, shared ones once, without biases."""
    return sum(
        math.prod(conv.kernel_size) * conv.in_channels * conv.out_channels // conv.groups
        for conv in network.modules()
        if isinstance(conv, nn.modules.conv._ConvNd)
    )


def slopes(network: nn.Module) -> int:
    """Return the learned slopes of PReLUs, shared ones once."""
    prelus = (module for module in network.modules() if isinstance(module, nn.PReLU))
    return sum(prelu.weight.numel() for prelu in prelus)


def declared_unused(network: nn.Module) -> tuple[str, ...]:
    """Return the modules that a network says it does not run, by prefix of their names."""
    declared: Collection[str] = getattr(network, "unused_modules", ())
    return tuple(declared)


def unused(network: nn.Module) -> int:
    """Return the learned scalars of the modules that a network says it does not run."""
    return sum(trainable(network.get_submodule(name)) for name in declared_unused(network))


def _gains(module: nn.Module) -> int:
    """Return the size of a module's weight-norm gains, of either kind PyTorch has."""
    gains = getattr(module, "weight_g", None)
    if isinstance(gains, nn.Parameter):
        return gains.numel() if gains.requires_grad else 0
    if not parametrize.is_parametrized(module):
        return 0
    return sum(
        chain.original0.numel()
        for chain in module.parametrizations.values()  # type: ignore[operator]
        if any(type(step).__name__ == "_WeightNorm" for step in chain)
    )

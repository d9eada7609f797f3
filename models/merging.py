"""Several linear layers as one convolution, exactly; the parts of a network that are merged so.

A module declares its merged equal by a method ``deploy()`` without arguments, which returns a
network of plain layers in evaluation mode that computes the same, and leaves the module as it is.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

DEPLOY = "deploy"
"""The method by which a module declares its merged equal."""


class Kernel(NamedTuple):
    """A convolution of stride 1, as numbers.

    Attributes:
        weight: ``(out, in, k, k)``.
        bias: ``(out,)``.
    """

    weight: Tensor
    bias: Tensor


def kernel_of(conv: nn.Conv2d) -> Kernel:
    """Return a convolution in float64, a missing bias as zeros."""
    weight = conv.weight.detach().double()
    bias = torch.zeros_like(weight[:, 0, 0, 0]) if conv.bias is None else conv.bias.detach()
    return Kernel(weight, bias.double())


def in_a_row(first: Kernel, second: Kernel) -> Kernel:
    """Return the one convolution that two without an activation between them are; one is 1x1.

    Where the second one is larger, what it sees beyond the border must be the first one's bias:
    the first one runs on a padded image, or its output is padded by that.

    Raises:
        ValueError: Neither is 1x1.
    """
    if first.weight.shape[2:] == (1, 1):
        weight = torch.einsum("omhw,mi->oihw", second.weight, first.weight[:, :, 0, 0])
        return Kernel(weight, second.bias + second.weight.sum((2, 3)) @ first.bias)
    if second.weight.shape[2:] != (1, 1):
        raise ValueError("one of the two kernels must be 1x1")
    mixing = second.weight[:, :, 0, 0]
    weight = torch.einsum("om,mihw->oihw", mixing, first.weight)
    return Kernel(weight, second.bias + mixing @ first.bias)


def side_by_side(*kernels: Kernel) -> Kernel:
    """Return the sum of "same" convolutions of one input, smaller ones centred in the largest."""
    largest = max(int(kernel.weight.shape[2]) for kernel in kernels)
    around = [(largest - int(kernel.weight.shape[2])) // 2 for kernel in kernels]
    weights = [
        nn.functional.pad(kernel.weight, 4 * [width])
        for kernel, width in zip(kernels, around, strict=True)
    ]
    return Kernel(torch.stack(weights).sum(0), torch.stack([one.bias for one in kernels]).sum(0))


def same_conv_of(kernel: Kernel, like: Tensor) -> nn.Conv2d:
    """Return a kernel as a "same" convolution in evaluation mode.

    Args:
        kernel: Its numbers; its sides are odd.
        like: Of the type and on the device that the convolution is to be.
    """
    channels_out, channels_in, side, _ = kernel.weight.shape
    with torch.device(like.device):
        conv = nn.Conv2d(channels_in, channels_out, side, padding=side // 2, dtype=like.dtype)
    with torch.no_grad():
        conv.weight.copy_(kernel.weight)
        if conv.bias is not None:
            conv.bias.copy_(kernel.bias)
    return conv.eval()


def declares(module: nn.Module) -> bool:
    """Tell whether a class has the method; a flag or a layer of that name says nothing."""
    return callable(getattr(type(module), DEPLOY, None))


def with_merged_parts(network: nn.Module) -> nn.Module:
    """Return a copy of a network, in evaluation mode, with every part that declares it merged.

    What a whole network's own ``deploy()`` may return.
    """
    merged = copy.deepcopy(network)
    _merge_parts(merged)
    return merged.eval()


def _merge_parts(module: nn.Module) -> None:
    for name, part in module.named_children():
        if declares(part):
            setattr(module, name, getattr(part, DEPLOY)())
        else:
            _merge_parts(part)


def at_least_float32(x: Tensor) -> Tensor:
    """Return a tensor in float32, or in float64 as it is, so that both forms can be compared."""
    return x.to(torch.promote_types(x.dtype, torch.float32))

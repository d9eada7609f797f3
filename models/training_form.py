"""Forms of layers that are the same in training at less cost: scalars within kernels."""

from __future__ import annotations

from typing import TypeGuard

import torch
from torch import Tensor, nn

from harness.models.layers import weigh, weighted_sum


def weighted_residual(
    weight_res: Tensor, body: nn.Module, inputs: Tensor, weight_x: Tensor, x: Tensor
) -> Tensor:
    """Return ``weight_res body(inputs) + weight_x x``, as :func:`.layers.weighted_sum` does.

    In training, where the last layer is a convolution, its kernel takes the weight: the same
    without a pass over the map. Scoring keeps the order in which stored weights were scored.

    Args:
        weight_res: One number, of any shape.
        body: A layer, or several in an ``nn.Sequential``.
        inputs: What the body is given, ``(N, C, H, W)``.
        weight_x: As ``weight_res``.
        x: Of the shape of the body's output.
    """
    layers: list[nn.Module] = [body]
    if isinstance(body, nn.Sequential) and len(body) and not _hooked(body):
        layers = list(body)
    *before, last = layers
    if not body.training or not is_plain(last):
        return weighted_sum(weight_res, body(inputs), weight_x, x)
    for layer in before:
        inputs = layer(inputs)
    residual = _weighed_conv(weight_res, last, inputs)
    total = residual + weigh(weight_x, x)
    return total.to(torch.result_type(residual, x))


def is_plain(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Tell whether a layer is a convolution and no more, so that its kernel says all it does.

    A subclass with a forward pass of its own, padding other than zeros, and hooks are more.
    """
    own = isinstance(layer, nn.Conv2d) and type(layer).forward is nn.Conv2d.forward
    return own and layer.padding_mode == "zeros" and not _hooked(layer)


def _hooked(layer: nn.Module) -> bool:
    hooks = (layer._forward_hooks, layer._forward_pre_hooks)
    return any(map(len, (*hooks, layer._backward_hooks, layer._backward_pre_hooks)))


def _weighed_conv(weight: Tensor, conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Return ``weight conv(x)``; kernel and weight are multiplied in their own precision."""
    factor = weight.reshape(())
    bias = None if conv.bias is None else factor * conv.bias
    return nn.functional.conv2d(
        x, factor * conv.weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups
    )

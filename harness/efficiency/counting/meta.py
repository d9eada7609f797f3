"""Copies of a network without its weights: on the meta device, or zeros on the CPU."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from harness.errors import HarnessError


def shadow(network: nn.Module, *, device: str = "meta") -> nn.Module:
    """Return a copy of a network in evaluation mode that has its shapes but not its values.

    The network given keeps its tensors, its mode and its hooks. Its weights are never
    copied: on the meta device a copy of any size takes no memory.

    Args:
        network: Any network.
        device: ``meta``, or ``cpu`` for tensors of zeros.

    Raises:
        HarnessError: The network cannot be copied.
    """
    try:
        with torch.inference_mode(False):
            memo: dict[int, object] = {id(old): _blank(old, device) for old in _tensors(network)}
            twin = copy.deepcopy(network, memo)
    except Exception as error:  # a user's network may hold anything at all
        raise HarnessError(
            f"{type(network).__name__} cannot be copied: {type(error).__name__}: {error}"
        ) from error
    return twin.eval()


def is_shadow(network: nn.Module) -> bool:
    """Tell whether a network is in evaluation mode and all on the meta device already."""
    training = any(module.training for module in network.modules())
    return not training and all(tensor.is_meta for tensor in _tensors(network))


def has_values(network: nn.Module) -> bool:
    """Tell whether no tensor of a network is on the meta device."""
    return not any(tensor.is_meta for tensor in _tensors(network))


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    for module in network.modules():
        yield from module.parameters(recurse=False)
        yield from module.buffers(recurse=False)
        constants = vars(module).values()  # those that are neither
        yield from (value for value in constants if isinstance(value, Tensor))


def _blank(tensor: Tensor, device: str) -> Tensor:
    blank = torch.zeros_like(tensor, device=device, requires_grad=False)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(blank, requires_grad=tensor.requires_grad)
    return blank

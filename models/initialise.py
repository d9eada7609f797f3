"""Draw the start weights of a network from one seed, layer by layer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.utils import parametrize


def initialise(network: nn.Module, *, seed: int) -> None:
    """Draw every layer's start weights from the seed and the layer's own name.

    A layer's weights depend on the seed, its name and its shape, and on nothing that
    stands before it. So two variants start from the same weights wherever they agree,
    and what differs between them after training is not the luck of the draw (common
    random numbers). The distributions are each layer's own, PyTorch's by default; a
    module with parts may adjust them in its ``reset_parameters``, called after those
    of its parts.

    Args:
        network: The network, changed in place.
        seed: Any integer.
    """
    for name, module in reversed(list(network.named_modules())):
        reset = _reset(module)
        if reset is None:
            continue
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_layer_seed(seed, name))
            reset()


def _reset(module: nn.Module) -> Callable[[], None] | None:
    if isinstance(module, nn.Conv2d) and parametrize.is_parametrized(module, "weight"):
        return lambda: _reset_parametrized(module)
    return getattr(module, "reset_parameters", None)


def _reset_parametrized(conv: nn.Conv2d) -> None:
    """Reset a weight-normalised convolution: its own reset would change a temporary."""
    plain = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,  # type: ignore[arg-type]
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    conv.weight = plain.weight.detach()  # splits into gain and direction
    if conv.bias is not None and plain.bias is not None:
        with torch.no_grad():
            conv.bias.copy_(plain.bias)


def _layer_seed(seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)

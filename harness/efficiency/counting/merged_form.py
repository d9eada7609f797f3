"""The form in which a network is counted, where it declares one by ``deploy()``."""

from __future__ import annotations

from torch import nn

from harness.efficiency.counting.trace import ForwardFailed
from harness.models.fusing import CannotMerge, deployed


def merged_form(network: nn.Module) -> nn.Module:
    """Return what is counted of a network: what its ``deploy()`` returns, if it has one.

    Raises:
        ForwardFailed: That fails, or is no network.
    """
    try:
        return deployed(network)
    except CannotMerge as error:
        raise ForwardFailed(f"{type(network).__name__} cannot be counted: {error}") from error

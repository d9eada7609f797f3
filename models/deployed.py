"""The form in which a network is counted, timed and compared: merged, where it declares that.

A whole network declares it by a method ``deploy()``, as its parts do: see
:mod:`harness.models.merging`. Its weights are stored as they are trained.
"""

from __future__ import annotations

import copy

from torch import nn

from harness.models.adapted import adapt
from harness.models.merging import DEPLOY, declares


def deployed(network: nn.Module) -> nn.Module:
    """Return the form in which a network is counted, timed and compared.

    That is what its ``deploy()`` returns, which works on a copy; a network without one itself.
    What the network was told of its images (:mod:`harness.models.adapted`) holds of that form, too.

    Args:
        network: Any network.

    Raises:
        TypeError: Its ``deploy()`` returns something other than a network.
    """
    if not declares(network):
        return network
    merged: object = getattr(copy.deepcopy(network), DEPLOY)()
    if not isinstance(merged, nn.Module):
        raise TypeError(
            f"{type(network).__name__}.deploy() returned a {type(merged).__name__}, expected the "
            "merged network (torch.nn.Module)"
        )
    told = vars(network)
    if "harness_expects" in told and "harness_expects" not in vars(merged):
        adapt(merged, told["harness_expects"], scale=told["harness_scale"])
    return merged.eval()

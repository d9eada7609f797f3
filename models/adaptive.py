"""Read the scalars a network has learned: unit and fusion weights, branch weights."""

from __future__ import annotations

from torch import nn

from harness.models.awms import AWMS
from harness.models.awsrn import LRFU
from harness.models.units import AWRU

Learned = dict[str, list[float] | dict[str, float]]


def learned_scalars(network: nn.Module) -> Learned:
    """Return every adaptive weight of a network, in the order of its depth.

    Returns:
        ``lambda_res`` and ``lambda_x`` per AWRU (Eq. 6), ``lfb_lambda_res`` and
        ``lfb_lambda_x`` per LRFU (Eq. 4), ``alpha`` by kernel size (Eq. 3); what the
        network does not have is absent.
    """
    learned: Learned = {}
    for prefix, kind in (("", AWRU), ("lfb_", LRFU)):
        parts = [part for part in network.modules() if isinstance(part, kind)]
        if parts:
            learned[f"{prefix}lambda_res"] = [part.lambda_res.item() for part in parts]
            learned[f"{prefix}lambda_x"] = [part.lambda_x.item() for part in parts]
    for part in network.modules():
        if isinstance(part, AWMS) and part.alpha:
            learned["alpha"] = {name[1:]: part.alpha[name].item() for name in part.branches}
    return learned

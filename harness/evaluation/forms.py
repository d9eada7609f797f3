"""In which form a network is run: as built or merged, in float32 or in bf16."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.evaluation.self_ensemble import ForwardPass
from harness.host.device import computes_bf16
from harness.models.fusing import CannotMerge, fused

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class Form:
    """A form; that without arguments is the network as it is built and scored elsewhere.

    Attributes:
        fused: Whether it is merged by :func:`harness.models.fusing.fused`, with an equal output
            but for rounding; channels then lie side by side in memory on a CPU.
        precision: ``fp32``, or ``bf16`` by autocast: an output of its own.
    """

    fused: bool = False
    precision: Precision = "fp32"

    def __str__(self) -> str:
        """Return it in words for records and tables, nothing for the form without arguments."""
        words = [("fused", self.fused), ("bf16", self.precision == "bf16")]
        return ", ".join(word for word, holds in words if holds)


AS_BUILT = Form()


class InBf16(nn.Module):
    """A network that runs in bf16 by autocast; what it declares for float32 stays so."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network, which keeps its own mode and device."""
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``, float32."""
        return in_bf16(self.network, lr)


def in_bf16(run: ForwardPass, lr: Tensor) -> Tensor:
    """Return what a network makes of an image under bf16 autocast, in float32."""
    with torch.autocast(lr.device.type, dtype=torch.bfloat16):
        return run(lr).float()


def merged(network: nn.Module, *, name: str, device: torch.device) -> nn.Module:
    """Return the merged form of a network, ready to run on a device.

    Args:
        network: In evaluation mode; it stays as it is.
        name: What the message calls it.
        device: Where it will run.

    Raises:
        UsageError: It has none; the message names the part that is in the way.
    """
    try:
        twin = fused(network).to(device)
    except CannotMerge as error:
        raise UsageError(f"{name} has no fused form: {error}") from error
    if device.type != "cpu":
        return twin
    return twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def in_form(network: nn.Module, form: Form, *, name: str, device: torch.device) -> nn.Module:
    """Return a network in a form on a device; the network itself where that is as built.

    Args:
        network: In evaluation mode.
        form: The form.
        name: What messages call it.
        device: Where it will run.

    Raises:
        UsageError: It has no fused form.
    """
    ready = merged(network, name=name, device=device) if form.fused else network.to(device)
    if form.precision == "fp32":
        return ready
    say_bf16(device)
    return InBf16(ready)


def say_bf16(device: torch.device) -> None:
    """Log that bf16 is computed, and whether that pays on this machine."""
    if device.type == "cpu" and not computes_bf16():
        log.warning("this CPU has no instructions for bf16: expect it to be slower than fp32")
    log.info("computing in bf16, as asked: the output differs from that of fp32")

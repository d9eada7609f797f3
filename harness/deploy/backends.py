"""What runs a deployed network: PyTorch in several forms, and others where they are installed.

A backend is a function that takes the network as built, with its weights, in evaluation mode on
the CPU, and the device; it returns a function from LR ``(1, 3, H, W)`` RGB in 0..255, float32, of
any height and width, to SR in the same range, unclipped. It is named by a string, so that
nothing is imported before it is used, and so that a process of its own can make it.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.errors import UsageError, suggest
from harness.evaluation import forms
from harness.evaluation.forms import Form
from harness.host.device import Device

Run = Callable[[Tensor], Tensor]

ALL = "all"
"""Stands for every backend whose packages are installed."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Something that runs networks.

    Attributes:
        id: Name on the command line.
        label: Name in tables.
        target: ``module:function`` as described above.
        merges: Whether it runs the fused form, or any form with its Multi-Adds.
        packages: Modules that it imports beside ours.
        cpu_only: Whether it runs on the CPU alone.
    """

    id: str
    label: str
    target: str
    merges: bool = True
    packages: tuple[str, ...] = ()
    cpu_only: bool = False

    def missing(self) -> tuple[str, ...]:
        """Return the packages that it needs and that are not installed."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)

    def make(self, network: nn.Module, device: Device) -> Run:
        """Return what runs a network on a device; errors are those of the backend."""
        make: Callable[[nn.Module, Device], Run] = pkgutil.resolve_name(self.target)
        return make(network, device)


BACKENDS: tuple[Backend, ...] = (
    Backend("eager", "PyTorch, as built", "harness.deploy.backends:eager", merges=False),
    Backend("fused", "PyTorch, fused", "harness.deploy.backends:fused"),
    Backend("fused-bf16", "PyTorch, fused, bf16", "harness.deploy.backends:fused_bf16"),
)


def eager(network: nn.Module, device: Device) -> Run:
    """Run a network in PyTorch as it is built."""
    return _torch(network, Form(), device)


def fused(network: nn.Module, device: Device) -> Run:
    """Run the fused form of a network in PyTorch, on a CPU with channels last.

    Raises:
        UsageError: It has none.
    """
    return _torch(network, Form(fused=True), device)


def fused_bf16(network: nn.Module, device: Device) -> Run:
    """Run the same in bf16.

    Raises:
        UsageError: It has none.
    """
    return _torch(network, Form(fused=True, precision="bf16"), device)


def _torch(network: nn.Module, form: Form, device: Device) -> Run:
    ready = forms.in_form(network, form, name=type(network).__name__, device=torch.device(device))

    def run(lr: Tensor) -> Tensor:
        with torch.no_grad():
            return ready(lr)  # type: ignore[no-any-return]

    return run


def chosen(names: Sequence[str], *, device: Device) -> tuple[Backend, ...]:
    """Return backends by their names, in the order of the list, the first as base of the ratios.

    Args:
        names: Ids; ``all`` for those whose packages are installed and that run on the device.
        device: Where they run.

    Raises:
        UsageError: There is no such backend, its packages are missing, or it is for CPUs.
    """
    known = {backend.id: backend for backend in BACKENDS}
    wanted: dict[str, Backend] = {}
    for name in names:
        if name == ALL:
            usable = (one for one in BACKENDS if not one.missing() and _runs_on(one, device))
            wanted |= {one.id: one for one in usable}
            continue
        if name not in known:
            raise UsageError(f"there is no backend '{name}'{suggest(name, [*known, ALL])}")
        backend = known[name]
        if missing := backend.missing():
            raise UsageError(
                f"the backend {name} needs {' and '.join(missing)}: "
                "pip install 'awsrn-harness[deploy]'"
            )
        if not _runs_on(backend, device):
            raise UsageError(f"the backend {name} runs on the CPU alone: use --device cpu")
        wanted[name] = backend
    return tuple(backend for backend in BACKENDS if backend.id in wanted)


def _runs_on(backend: Backend, device: Device) -> bool:
    return device == "cpu" or not backend.cpu_only

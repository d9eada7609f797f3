"""What runs a deployed network: PyTorch in several forms, and the runtimes of exported files.

A backend is a function that takes a function that loads the network (as built, with its weights,
in evaluation mode, on the CPU) and how it is to be run; it returns a function from LR
``(1, 3, H, W)`` RGB in 0..255, float32, of any height and width, to SR in the same range,
unclipped. It is named by a string, so that nothing is imported before it is used, and so that a
process of its own can make it.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from harness.deploy.export import backends as exports
from harness.deploy.export import extra
from harness.efficiency.bench.process import Setup
from harness.errors import UsageError, suggest
from harness.evaluation import forms
from harness.evaluation.forms import Form
from harness.host.device import Device

if TYPE_CHECKING:
    from harness.deploy.export.int8 import Calibration

Run = Callable[[Tensor], Tensor]
Load = Callable[[], nn.Module]

ALL = "all"
"""Stands for every backend whose packages are installed."""

_HERE = "harness.deploy.backends"


@dataclass(frozen=True, slots=True)
class Backend:
    """Something that runs networks.

    Attributes:
        id: Name on the command line.
        label: Name in tables.
        target: ``module:function`` as described above.
        merges: Whether what it runs is the fused form.
        packages: Modules that it imports beside those of the harness.
        exported: Whether it runs exported files, on the CPU alone; see :func:`write`.
        eight_bit: Whether those have 8-bit convolutions.
    """

    id: str
    label: str
    target: str
    merges: bool = True
    packages: tuple[str, ...] = ()
    exported: bool = False
    eight_bit: bool = False

    def missing(self) -> tuple[str, ...]:
        """Return the packages that it needs and that are not installed."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)

    def setup(self, common: Setup, folder: Path) -> Setup:
        """Return how it runs a network, for a process of its own.

        Args:
            common: Device and threads.
            folder: Where exported files lie.
        """
        return Setup(
            device=common.device,
            threads=common.threads,
            backend=self.target,
            runtime=self.id if self.exported else "",
            folder=str(folder) if self.exported else "",
        )

    def make(self, load: Load, setup: Setup) -> Run:
        """Return what runs a network; errors are those of the backend."""
        make: Callable[[Load, Setup], Run] = pkgutil.resolve_name(self.target)
        return make(load, setup)


def eager(load: Load, setup: Setup) -> Run:
    """Run a network in PyTorch as it is built."""
    return _torch(load, Form(), setup)


def fused(load: Load, setup: Setup) -> Run:
    """Run the fused form of a network in PyTorch, on a CPU with channels last.

    Raises:
        UsageError: It has none.
    """
    return _torch(load, Form(fused=True), setup)


def fused_bf16(load: Load, setup: Setup) -> Run:
    """Run the same in bf16.

    Raises:
        UsageError: It has none.
    """
    return _torch(load, Form(fused=True, precision="bf16"), setup)


def _torch(load: Load, form: Form, setup: Setup) -> Run:
    network, device = load(), torch.device(setup.device)
    ready = forms.in_form(network, form, name=type(network).__name__, device=device)

    def run(lr: Tensor) -> Tensor:
        with torch.no_grad():
            return ready(lr)  # type: ignore[no-any-return]

    return run


def exported(_: Load, setup: Setup) -> Run:
    """Run files that :func:`write` wrote, in the runtime that the setup names."""
    return exports.get(setup.runtime).open(Path(setup.folder), threads=setup.threads)


def _of_exports() -> tuple[Backend, ...]:
    return tuple(
        Backend(
            name,
            one.label,
            f"{_HERE}:exported",
            packages=tuple(dict.fromkeys((*extra.NEEDED, one.package))),
            exported=True,
            eight_bit=one.eight_bit,
        )
        for name, one in exports.BACKENDS.items()
    )


BACKENDS: tuple[Backend, ...] = (
    Backend("eager", "PyTorch, as built", f"{_HERE}:eager", merges=False),
    Backend("fused", "PyTorch, fused", f"{_HERE}:fused"),
    Backend("fused-bf16", "PyTorch, fused, bf16", f"{_HERE}:fused_bf16"),
    *_of_exports(),
)


def write(
    backends: Sequence[Backend],
    network: nn.Module,
    folder: Path,
    *,
    name: str,
    scale: int,
    calibration: Callable[[], Calibration],
) -> None:
    """Write what backends run that run exported files; nothing where none does.

    Args:
        backends: Those that will run the network.
        network: In evaluation mode.
        folder: Made where it is needed.
        name: What messages call the network.
        scale: Upscaling factor.
        calibration: Returns what 8-bit ranges are from.

    Raises:
        UsageError: A package is missing, or the network cannot be exported.
    """
    if not any(backend.exported for backend in backends):
        return
    folder.mkdir(parents=True)
    patches = calibration() if any(backend.eight_bit for backend in backends) else None
    exports.write(network, folder, name=name, scale=scale, patches=patches)


def chosen(names: Sequence[str], *, device: Device) -> tuple[Backend, ...]:
    """Return backends by their names, in the order of the list, the first as base of the ratios.

    Args:
        names: Ids; ``all`` for those whose packages are installed and that run on the device.
        device: Where they run.

    Raises:
        UsageError: There is no such backend, its packages are missing, or it is for CPUs.
    """
    known = {backend.id: backend for backend in BACKENDS}
    wanted: set[str] = set()
    for name in names:
        if name == ALL:
            usable = (one for one in BACKENDS if not one.missing() and _runs_on(one, device))
            wanted |= {one.id for one in usable}
            continue
        if name not in known:
            raise UsageError(f"there is no backend '{name}'{suggest(name, [*known, ALL])}")
        backend = known[name]
        if missing := backend.missing():
            raise UsageError(f"the backend {name} needs {' and '.join(missing)}: {extra.INSTALL}")
        if not _runs_on(backend, device):
            raise UsageError(f"the backend {name} runs on the CPU alone: use --device cpu")
        wanted.add(name)
    return tuple(backend for backend in BACKENDS if backend.id in wanted)


def _runs_on(backend: Backend, device: Device) -> bool:
    return device == "cpu" or not backend.exported

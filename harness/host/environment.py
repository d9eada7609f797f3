"""Which machine and which commit a measurement comes from."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import harness
from harness.host.device import CPUINFO, cpu_lines, instructions

_WIDEST = {
    "amx_bf16": "AMX",
    "avx512_bf16": "AVX-512 BF16",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "bf16": "BF16",
    "sve": "SVE",
}
"""Instructions that libraries choose their arithmetic by, the most capable first."""


def device_name(device: str, cpuinfo: Path = CPUINFO) -> str:
    """Return a device by kind and model, such as ``cpu (AMD EPYC 7763, AVX2)``.

    A CPU's instructions are told, because virtual machines hide which of its maker's it is, and
    because they decide how sums are rounded and how long bf16 takes.

    Args:
        device: ``cpu`` or ``cuda``.
        cpuinfo: What Linux says of the CPU.
    """
    if device == "cuda":
        import torch

        return f"cuda ({torch.cuda.get_device_name()})"
    known = instructions(cpuinfo)
    widest = [text for name, text in _WIDEST.items() if name in known][:1]
    return f"cpu ({', '.join([_cpu_name(cpuinfo), *widest])})"


def _cpu_name(cpuinfo: Path) -> str:
    lines = cpu_lines(cpuinfo)
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> tuple[str | None, bool]:
    """Return the commit of the checkout the package runs from, and whether it was changed."""
    home = Path(harness.__file__).resolve().parent.parent
    top = _git(home, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != home:
        return None, False
    return commit_of(home, "harness", "models", "ablations")


def commit_of(folder: Path, *paths: str) -> tuple[str | None, bool]:
    """Return the commit of the repository that a folder lies in, and whether files were changed.

    Args:
        folder: The folder.
        paths: What is looked at for changes, below it; all where none is named.
    """
    head = _git(folder, "rev-parse", "HEAD")
    if head is None:
        return None, False
    return head, bool(_git(folder, "status", "--porcelain", "--", *(paths or (".",))))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()

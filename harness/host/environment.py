"""Which machine and which commit a measurement comes from."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import harness


def device_name(device: str) -> str:
    """Return a device by kind and model, such as ``cpu (AMD EPYC 7763)``.

    Args:
        device: ``cpu`` or ``cuda``.
    """
    if device == "cuda":
        import torch

        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu ({_cpu_name()})"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
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

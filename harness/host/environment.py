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

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(home), *arguments], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    top = git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != home:
        return None, False
    changed = git("status", "--porcelain", "--", "harness", "models", "ablations")
    return git("rev-parse", "HEAD"), bool(changed)

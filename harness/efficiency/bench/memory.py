"""Peak memory: resident memory of this process on the CPU, PyTorch's allocator on CUDA."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Protocol

MIB = 2**20
_PROC = Path("/proc/self")


class Watch(Protocol):
    """Follows the peak from when it is made."""

    def forget(self) -> None:
        """Start the peak anew from what is held now, where the system can."""

    def peak_mib(self) -> float | None:
        """Return the peak in MiB, or None where the system does not tell it."""


class ResidentWatch:
    """Resident memory of this process above what it held when the watch was made.

    What Python and PyTorch take before any network is there is left out, so that the
    figure can be compared with that of a CUDA allocator. Each network needs a process of
    its own: memory that an earlier one freed may be used again without raising the peak.

    Linux tells the peak of the address space (``VmHWM``). Elsewhere it is ``ru_maxrss``,
    which cannot be reset. On Linux that one is not used: there a child starts with the
    peak of the process that started it.
    """

    def __init__(self, proc: Path = _PROC) -> None:
        """Take the memory held now as the base.

        Args:
            proc: The process's folder in ``/proc``.
        """
        self._proc = proc
        held = self._status("VmRSS")
        self._base = held if held is not None else _maxrss_mib()

    def forget(self) -> None:
        """Start the peak anew from what is held now."""
        try:
            (self._proc / "clear_refs").write_text("5", encoding="ascii")
        except OSError:
            return  # the peak then includes what came before: too high, never too low

    def peak_mib(self) -> float | None:
        """Return the peak above the base in MiB, or None where the system does not tell it."""
        peak = self._status("VmHWM")
        if peak is None:
            peak = _maxrss_mib()
        return None if peak is None or self._base is None else max(peak - self._base, 0.0)

    def _status(self, key: str) -> float | None:
        try:
            text = (self._proc / "status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        found = re.search(rf"^{key}:\s+(\d+) kB$", text, re.MULTILINE)
        return int(found[1]) / 1024 if found else None


def _maxrss_mib() -> float | None:
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / MIB if sys.platform == "darwin" else used / 1024


class AllocatorWatch:
    """What PyTorch's allocator has given out on the CUDA device: weights, images, workspaces.

    The CUDA context and what libraries allocate by themselves are not in it.
    """

    def __init__(self) -> None:
        """Start from what is allocated now."""
        self.forget()

    def forget(self) -> None:
        """Start the peak anew from what is allocated now."""
        import torch

        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()

    def peak_mib(self) -> float | None:
        """Return the peak in MiB."""
        import torch

        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() / MIB


def watch(device: str) -> Watch:
    """Return a watch on the memory of a device, ``cpu`` or ``cuda``."""
    return AllocatorWatch() if device == "cuda" else ResidentWatch()

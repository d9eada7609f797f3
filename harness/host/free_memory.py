"""How much memory is free, on a GPU or on this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # PyTorch is imported where it is needed: this package stays light
    import torch


def free_bytes(device: torch.device, *, root: Path = Path("/")) -> int | None:
    """Return the bytes that are free on a device, None where the system does not tell.

    For a CPU on Linux that is the free memory of the machine, or of this process's control group
    if that is less.

    Args:
        device: A CPU or CUDA device.
        root: Where ``proc`` and ``sys`` are.
    """
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    limits = [free for free in (_machine_free(root), _group_free(root)) if free is not None]
    return min(limits, default=None)


def gib(size: int | None) -> str:
    """Return a number of bytes as text.

    Example:
        >>> gib(8_400_000_000)
        '7.8 GiB'
    """
    return "unknown" if size is None else f"{size / 2**30:.1f} GiB"


def _machine_free(root: Path) -> int | None:
    try:
        text = (root / "proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _group_free(root: Path) -> int | None:
    """Return what a control group (version 2, or 1) leaves, or None without a limit."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            values = [
                int((root / "sys/fs/cgroup" / name).read_text(encoding="ascii"))
                for name in (limit, used)
            ]
        except (OSError, ValueError):  # no such file, or the word max
            continue
        return max(0, values[0] - values[1])
    return None

"""How large tiles may be: what memory is free, and what a network needs of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil, isqrt
from pathlib import Path

import torch

from harness.errors import UsageError
from harness.host.free_memory import free_bytes

LEAST_TILE = 16
"""Smallest side of a tile that is worth its overlap, in LR pixels."""

WORKSPACE = 2
"""Memory of a forward pass, as a multiple of that of its feature maps.

Measured on a CPU: 1.0 to 2.1 times, for 14 networks on images of 256x256.
"""

_FREE_SHARE = 0.5
_UNKNOWN_FREE = 2 * 10**9
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_memory(text: str) -> int:
    """Return a size such as ``2GB``, ``500MB`` or ``1.5GiB`` in bytes.

    Raises:
        UsageError: It is not a size, or is less than one byte.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([kmgt]?)(i?)b?\s*", text, re.IGNORECASE)
    amount = 0
    if match:
        base = 1024 if match[3] else 1000
        amount = int(float(match[1]) * base ** _UNITS[match[2].lower()])
    if amount < 1:
        raise UsageError(f"'{text}' is no size of memory: expected for example 2GB or 500MB")
    return amount


def default_memory(device: torch.device, *, root: Path = Path("/")) -> int:
    """Return half of the bytes that are free on a device.

    On Linux that is the free memory of the machine, or of this process's control group if that
    is less. Elsewhere the system does not tell, and 1 GB is taken.

    Args:
        device: A CPU or CUDA device.
        root: Where ``proc`` and ``sys`` are.
    """
    free = free_bytes(device, root=root)
    return max(1, int((_UNKNOWN_FREE if free is None else free) * _FREE_SHARE))


@dataclass(slots=True)
class Tiling:
    """The size of tiles for images of any size.

    Attributes:
        memory: Bytes that a run of the network may take.
        px_bytes: Bytes it takes per LR pixel that it sees.
        forced: Side of a tile that the user asked for, 0 for whole images; None for what
            the memory allows.
        ceiling: Most that a side may have; lowered when memory runs out all the same.
    """

    memory: int
    px_bytes: float
    forced: int | None = None
    ceiling: int | None = None

    @property
    def most_px(self) -> int:
        """LR pixels that the network may see at once."""
        return int(self.memory / self.px_bytes)

    def cuts(self, height: int, width: int) -> bool:
        """Tell whether an image of LR pixels needs more than one tile."""
        limits = [limit for limit in (self.forced, self.ceiling) if limit]
        if self.forced is None and height * width > self.most_px:
            return True
        return any(max(height, width) > limit for limit in limits)

    def tile(self, height: int, width: int, *, overlap: int) -> int:
        """Return the side of the tiles of an image in LR pixels, 0 where it needs none.

        Raises:
            UsageError: What the network may see at once is less than the overlap.
        """
        if not self.cuts(height, width):
            return 0
        side = self.forced or max(height, width)
        if self.forced is None and height * width > self.most_px:
            side = isqrt(self.most_px) - 2 * overlap
            if side < LEAST_TILE:
                least = ceil((LEAST_TILE + 2 * overlap) ** 2 * self.px_bytes / 10**6)
                raise UsageError(
                    f"{self.memory / 10**6:.3g} MB are too little for tiles that overlap by "
                    f"{overlap} px: expected --memory {least}MB or more, or a smaller --overlap"
                )
        return min(side, self.ceiling or side)

    def halve(self, used: int, height: int, width: int) -> int:
        """Halve the side of tiles from now on, after memory ran out; return the new side.

        Args:
            used: The side that was too large; 0 for the whole image.
            height: Of the image, in LR pixels.
            width: Of the image.
        """
        self.ceiling = (used or max(height, width)) // 2
        return self.ceiling

"""What a pruned file records: which network it was, and what was removed from it.

It stands in the metadata of the safetensors file, so that a file that merely lacks tensors
is never taken for a pruned one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from harness.host.files import write_atomic
from harness.models.awms import drop_branches
from harness.models.awsrn import drop_units
from harness.weights.contents import Tensors
from harness.weights.described import declared
from harness.weights.sealed import seal

_KEY = "pruned"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed.

    Attributes:
        model: Id of the network before.
        scale: Its upscaling factor.
        branches: Kernel sizes of the AWMS branches removed.
        units: Numbers of the residual units replaced by the identity.
    """

    model: str
    scale: int
    branches: tuple[int, ...] = ()
    units: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return ``awsrn_s x2 without k9, unit 3``."""
        parts = [f"k{size}" for size in self.branches] + [f"unit {unit}" for unit in self.units]
        return f"{self.model} x{self.scale} without {', '.join(parts) or 'nothing'}"

    def remove(self, network: nn.Module) -> None:
        """Remove the same from a whole network, in place.

        Raises:
            ValueError: The network has none of it.
        """
        drop_branches(network, self.branches)
        drop_units(network, self.units)


def read(metadata: Mapping[str, str], source: str) -> Pruned | None:
    """Return what the metadata of a file say was removed, None where they say nothing.

    Raises:
        CheckpointError: They cannot be right; ``source`` names the file.
    """
    return declared(Pruned, metadata, _KEY, source, of="how it was pruned")


def write(
    path: Path, tensors: Tensors, pruned: Pruned, said: Mapping[str, str] | None = None
) -> None:
    """Write a pruned network's tensors, atomically, with what was removed if anything was.

    Args:
        path: The file.
        tensors: What is left.
        pruned: What was removed.
        said: What else the file is to say of itself.
    """
    metadata = dict(said or {})
    if pruned.branches or pruned.units:
        metadata[_KEY] = json.dumps(asdict(pruned))
    write_atomic(path, seal(tensors, metadata))

"""What a file of weights says of itself: which network they are of, and what it was called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from harness.errors import CheckpointError
from harness.host.problems import FormatError
from harness.host.reading import from_json

WEIGHTS_FILE = "weights.safetensors"
"""Of the finished weights of a training, beside its record."""

T = TypeVar("T")

_KEY = "network"


@dataclass(frozen=True, slots=True)
class Described:
    """Which network the weights of a file are of; it stands in the metadata of the file.

    Attributes:
        model: Id of the network, or ``file.py:Class`` for the user's own.
        scale: Upscaling factor.
        options: Arguments of its constructor that differ from the registered ones.
        label: Of the row that it was trained for.
        seed: Of the training.
        steps: Optimiser steps.
        code: Digest of the code of the network.
    """

    model: str
    scale: int
    options: dict[str, Any] = field(default_factory=dict)
    label: str = ""
    seed: int | None = None
    steps: int = 0
    code: str = ""

    def __str__(self) -> str:
        """Return ``GatedRU: wdsr_basic x2, unit=my.py:Gated, 1,500 steps, seed 0``."""
        parts = [f"{self.model} x{self.scale}"]
        parts += [f"{key}={value}" for key, value in self.options.items()]
        parts += [f"{self.steps:,} steps, seed {self.seed}"] if self.steps else []
        return f"{self.label}: {', '.join(parts)}" if self.label else ", ".join(parts)

    def metadata(self) -> dict[str, str]:
        """Return it as metadata of a safetensors file."""
        return {_KEY: json.dumps(asdict(self), ensure_ascii=False)}


def read(metadata: Mapping[str, str], source: str) -> Described | None:
    """Return what the metadata of a file say of its network, None where they say nothing.

    Raises:
        CheckpointError: They cannot be right; ``source`` names the file.
    """
    return declared(Described, metadata, _KEY, source, of="what it is of")


def declared(
    kind: type[T], metadata: Mapping[str, str], key: str, source: str, *, of: str
) -> T | None:
    """Return what metadata declare under a key, None where they have nothing of it.

    Args:
        kind: The declared type.
        metadata: Of a file.
        key: Where it stands, as JSON.
        source: The file, for the message.
        of: What it says, for the message.

    Raises:
        CheckpointError: It cannot be right.
    """
    text = metadata.get(key)
    if text is None:
        return None
    try:
        return from_json(kind, text)
    except FormatError as error:
        raise CheckpointError(f"'{source}' does not say rightly {of}: {error}") from error

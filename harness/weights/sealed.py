"""Safetensors files that tell when they were damaged: with a digest of what they hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from harness.errors import CheckpointError
from harness.host.files import reason

_KEY = "sha256"
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a safetensors file holds.

    Attributes:
        tensors: By name.
        metadata: What else it says of itself.
        digest: Of the tensors; empty where the file has none.
    """

    tensors: dict[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


def seal(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of a safetensors file with the digest of its tensors."""
    # Clones: a tensor that stands under two names must not be refused.
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return _in_order(save(plain, metadata={**(metadata or {}), _KEY: digest(plain)}))


def _in_order(content: bytes) -> bytes:
    """Return a safetensors file with its metadata by name: the library writes them in any order."""
    length = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    header = json.loads(content[_LENGTH_BYTES:length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)  # what follows begins at a multiple of 8 bytes
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + content[length:]


def unseal(content: bytes, source: str) -> Sealed:
    """Read the content of a safetensors file; where it has a digest, its tensors must have it.

    Raises:
        CheckpointError: It is damaged; ``source`` names it.
    """
    try:
        tensors = load(content)
        length = int.from_bytes(content[:_LENGTH_BYTES], "little")
        header = json.loads(content[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except (SafetensorError, ValueError, AssertionError) as error:
        raise CheckpointError(f"'{source}' is damaged ({error})") from error
    except KeyError as error:
        raise CheckpointError(f"'{source}' holds numbers of a type not known: {error}") from error
    metadata = header.get("__metadata__") or {}
    expected = metadata.pop(_KEY, "")
    if expected and digest(tensors) != expected:
        raise CheckpointError(
            f"'{source}' is damaged: its tensors have another digest than it says"
        )
    return Sealed(tensors, metadata, expected)


def read_sealed(path: Path) -> Sealed:
    """Read a safetensors file as :func:`unseal` does.

    Raises:
        CheckpointError: It cannot be read, or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read '{path}': {reason(error)}") from error
    return unseal(content, str(path))


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and values, whatever their order."""
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()

"""Safetensors files that tell when they were damaged: with a digest of what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from harness.errors import CheckpointError
from harness.host.files import reason

_KEY = "sha256"


def seal(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the bytes of a safetensors file with the digest of its tensors."""
    # Clones: a tensor that stands under two names must not be refused.
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return save(plain, metadata={_KEY: digest(plain)})


def read_sealed(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; where it has a digest, its tensors must have it.

    Raises:
        CheckpointError: It cannot be read, or is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            expected = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise CheckpointError(f"cannot read '{path}': {reason(error)}") from error
    except SafetensorError as error:
        raise CheckpointError(f"'{path}' is damaged ({error})") from error
    if expected is not None and digest(tensors) != expected:
        raise CheckpointError(f"'{path}' is damaged: its tensors have another digest than it says")
    return tensors


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and values, whatever their order."""
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()

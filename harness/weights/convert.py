"""Describe a file of weights, and write it in our names or in those of AWSRN's authors."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from safetensors.torch import save

from harness.errors import CheckpointError, UsageError, suggest
from harness.host.files import write_atomic
from harness.weights import files, pruned, schemes
from harness.weights.contents import Tensors
from harness.weights.keymaps import awsrn

SUFFIXES = (".safetensors", ".pth", ".pt")


def describe(path: Path, *, listing: bool = False, key: str | None = None) -> str:
    """Say what a file holds and what it fits.

    Args:
        path: The file.
        listing: Whether to list every tensor.
        key: Which of its state dicts; None for the one that is wanted first.

    Raises:
        UsageError: The file has nothing of that key.
        CheckpointError: The file cannot be read.
    """
    keys = [state.key for state in files.read_all(path)]
    state = schemes.read(path, key)
    tensors = state.tensors
    count = sum(value.numel() for value in tensors.values())
    lines = [f"{path.name}: {len(tensors)} tensors, {count:,} values"]
    if len(keys) > 1:
        lines.append(f"of '{state.key}'; it holds {', '.join(map(repr, keys))} (--key)")
    if (removed := pruned.read(path)) is not None:
        lines.append(f"pruned: {removed}")
    else:
        lines += [
            f"fits {fit.model} at {schemes.scales_text(fit.scales)}  (names: {fit.scheme})"
            for fit in schemes.find(tensors)
        ] or [schemes.hint(tensors)]
    if listing:
        lines += [f"  {name}  {tuple(value.shape)}" for name, value in tensors.items()]
    return "\n".join(lines)


def convert(path: Path, output: Path, *, names: str, force: bool, key: str | None = None) -> None:
    """Write a file's weights under other names.

    Args:
        path: The file, of any form and scheme.
        output: ``.safetensors``, or a torch file.
        names: ``harness``, ``awsrn`` or ``awsrn-unified``.
        force: Whether to replace the output.
        key: Which of the file's state dicts; None for the one that is wanted first.

    Raises:
        UsageError: The output exists, or is of no known form, or the file has no such key.
        CheckpointError: The file cannot be read, or has no such names.
    """
    if output.suffix not in SUFFIXES:
        raise UsageError(f"'{output}' has no known form{suggest(output.suffix, SUFFIXES)}")
    if output.exists() and not force:
        raise UsageError(f"'{output}' exists: use --force to replace it")
    tensors = schemes.read(path, key).tensors
    if (removed := pruned.read(path)) is not None:
        raise CheckpointError(f"'{path}' cannot be converted: it is pruned ({removed})")
    fits = schemes.find(tensors)
    if not fits:
        raise CheckpointError(f"'{path}' cannot be converted: {schemes.hint(tensors)}")
    ours = fits[0].tensors
    renamed = ours if names == "harness" else _authors(ours, fits[0].model, names)
    write_atomic(output, _bytes(renamed, output.suffix))


def _authors(ours: Tensors, model: str, names: str) -> Tensors:
    renamed = awsrn.to_awsrn(ours, unified=names == "awsrn-unified")
    if renamed is None:
        raise CheckpointError(f"{model} is no network that the code of AWSRN's authors can build")
    return renamed


def _bytes(tensors: Tensors, suffix: str) -> bytes:
    whole = {name: value.clone().contiguous() for name, value in tensors.items()}
    if suffix == ".safetensors":
        return save(whole)
    buffer = io.BytesIO()
    torch.save(whole, buffer)
    return buffer.getvalue()

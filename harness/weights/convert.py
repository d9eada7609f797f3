"""Describe a file of weights, and write it in our names or in those of AWSRN's authors."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import torch

from harness.errors import CheckpointError, UsageError, suggest
from harness.host.files import write_atomic
from harness.models import registry
from harness.weights import contents, files, schemes
from harness.weights.contents import Tensors
from harness.weights.files import WeightsFile
from harness.weights.keymaps import awsrn
from harness.weights.schemes import Fit
from harness.weights.sealed import seal
from harness.weights.taken import AmbiguousError, Candidate

SUFFIXES = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True, slots=True)
class Description:
    """What a file of weights holds and what it fits.

    Attributes:
        file: Its name.
        remarks: Lines on which state dict is described, and on what the file says of itself.
        fits: Networks that it fits: id, scales, whose names of tensors.
        hint: Why it fits none; empty where it does, or nobody need ask.
        shapes: Of its tensors, by name.
        values: How many numbers they hold.
    """

    file: str
    remarks: tuple[str, ...]
    fits: tuple[tuple[str, tuple[int, ...], str], ...]
    hint: str
    shapes: dict[str, tuple[int, ...]]
    values: int

    def text(self, *, listing: bool = False) -> str:
        """Return it as lines, every tensor too where it is to be listed."""
        lines = [f"{self.file}: {len(self.shapes)} tensors, {self.values:,} values", *self.remarks]
        lines += [
            f"fits {model} at {schemes.scales_text(scales)}  (names: {names})"
            for model, scales, names in self.fits
        ]
        lines += [self.hint] if self.hint else []
        lines += [f"  {name}  {shape}" for name, shape in self.shapes.items()] if listing else []
        return "\n".join(lines)


def describe(path: Path, *, key: str | None = None) -> Description:
    """Return what a file holds and what it fits.

    Args:
        path: The file.
        key: Which of its state dicts; None for the one that is wanted first.

    Raises:
        UsageError: The file has nothing of that key.
        CheckpointError: The file cannot be read.
    """
    held = files.read(path)
    keys = [state.key for state in held.states]
    chosen, doubt = _chosen(held, key)
    state = chosen.state if chosen else contents.choose(held.states, key)[0]
    tensors = state.tensors
    schemes.check_finite(tensors, path)
    count = sum(value.numel() for value in tensors.values())
    lines = []
    fits: list[Fit] = []
    hint = ""
    if len(keys) > 1:
        lines.append(f"of '{state.key}'; it holds {', '.join(map(repr, keys))} (--key)")
    elif chosen and chosen.key != state.key and len(chosen.tensors) < len(tensors):
        lines.append(f"of '{chosen.key}' (--key)")
    if doubt:
        lines.append(doubt)
    if held.said is not None:
        lines.append(f"trained here: {held.said}")
    if held.removed is not None:
        lines.append(f"pruned: {held.removed}")
    elif held.said is None or held.said.model in registry.names():
        fits = schemes.fits_of(chosen) if chosen else schemes.find(tensors)
        hint = "" if fits else schemes.hint(tensors)
    return Description(
        path.name,
        tuple(lines),
        tuple((fit.model, fit.scales, fit.scheme) for fit in fits),
        hint,
        {name: tuple(value.shape) for name, value in tensors.items()},
        count,
    )


def _chosen(held: WeightsFile, key: str | None) -> tuple[Candidate | None, str]:
    """Return what a reader would take, or why it would take nothing."""
    try:
        choice = schemes.choose(held, key)
    except AmbiguousError as error:
        return None, str(error)
    return (choice[0] if choice else None), ""


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
    held = files.read(path)
    if held.removed is not None:
        raise CheckpointError(f"'{path}' cannot be converted: it is pruned ({held.removed})")
    choice = schemes.choose(held, key)
    if choice is None:
        tensors = contents.choose(held.states, key)[0].tensors
        schemes.check_finite(tensors, path)
        raise CheckpointError(f"'{path}' cannot be converted: {schemes.hint(tensors)}")
    chosen, _ = choice
    model = schemes.fits_of(chosen)[0].model
    renamed = chosen.tensors if names == "harness" else _authors(chosen.tensors, model, names)
    write_atomic(output, _bytes(renamed, output.suffix))


def _authors(ours: Tensors, model: str, names: str) -> Tensors:
    renamed = awsrn.to_awsrn(ours, unified=names == "awsrn-unified")
    if renamed is None:
        raise CheckpointError(f"{model} is no network that the code of AWSRN's authors can build")
    return renamed


def _bytes(tensors: Tensors, suffix: str) -> bytes:
    if suffix == ".safetensors":
        return seal(tensors)
    whole = {name: value.clone().contiguous() for name, value in tensors.items()}
    buffer = io.BytesIO()
    torch.save(whole, buffer)
    return buffer.getvalue()

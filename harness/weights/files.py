"""Read tensors from files of any format, without running code that is in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import CheckpointError, NoWeightsError
from harness.host.files import reason
from harness.host.paths import absent
from harness.weights import contents, described, matlab_file, pruned, torch_file, unsafe
from harness.weights.contents import StateDict, Tensors
from harness.weights.described import Described
from harness.weights.pruned import Pruned
from harness.weights.sealed import Sealed, unseal
from harness.weights.torch_file import RunsCodeError

_HEAD_BYTES = 16
_TORCH = (b"PK", b"\x80")  # a zip file, or a pickle
_SAFETENSORS = b"{"  # behind the length

MEAN = "normalise.mean"
"""The mean colour, ``(1, 3, 1, 1)`` in 0..255, that a network was trained with, where it is
another than the registered one; it stands beside the weights and is none of them."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights.

    Attributes:
        path: Where it is.
        sha256: Of its bytes.
        states: Its state dicts, at least one, those that are wanted first at the front.
        removed: What it says was removed from its network; None where it says nothing.
        said: Which network it says it is of; None likewise.
    """

    path: Path
    sha256: str
    states: tuple[StateDict, ...]
    removed: Pruned | None = None
    said: Described | None = None


def read(path: Path) -> WeightsFile:
    """Read a file of weights: torch (old and new), safetensors, or MatConvNet's ``.mat``.

    Dicts that wrap state dicts are taken off, the old names of weight norm (``weight_g``,
    ``weight_v``) become today's, and floats float32.

    Raises:
        CheckpointError: The file cannot be read, is damaged, would run code, or holds no
            tensors.
    """
    content = _content(path)
    loaded = _load(path, content)
    states = contents.find(loaded.tensors if isinstance(loaded, Sealed) else loaded)
    if not states:
        raise CheckpointError(f"'{path}' holds no state dict, at the top or under any key")
    metadata = loaded.metadata if isinstance(loaded, Sealed) else {}
    removed, said = pruned.read(metadata, str(path)), described.read(metadata, str(path))
    today = tuple(StateDict(state.key, _today(state.tensors), state.role) for state in states)
    return WeightsFile(path, hashlib.sha256(content).hexdigest(), today, removed, said)


def _today(tensors: Tensors) -> Tensors:
    return {
        _modern(name): value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }


def _content(path: Path) -> bytes:
    """Return the bytes of a file that begins as weights do."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if not head:
                raise CheckpointError(f"'{path}' is empty")
            if not (head.startswith((*_TORCH, matlab_file.START)) or head[8:9] == _SAFETENSORS):
                raise CheckpointError(
                    f"'{path}' is no checkpoint: neither torch, safetensors nor .mat"
                )
            return head + file.read()
    except FileNotFoundError as error:
        raise NoWeightsError(absent(path, "file")) from error
    except OSError as error:
        raise CheckpointError(f"cannot read '{path}': {reason(error)}") from error


def _load(path: Path, content: bytes) -> Any:
    if content.startswith(matlab_file.START):
        return matlab_file.load(content, str(path))
    if content[8:9] == _SAFETENSORS:
        return unseal(content, str(path))
    try:
        return torch_file.load(content, str(path))
    except RunsCodeError as error:
        way_out = unsafe.advice(path, content)
        raise CheckpointError(f"{error}; where you trust it, {way_out}") from error


def _modern(name: str) -> str:
    """Return today's name of a weight-normalised tensor."""
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        if name == old or name.endswith(f".{old}"):
            return f"{name.removesuffix(old)}parametrizations.weight.{new}"
    return name

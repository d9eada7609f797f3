"""Read tensors from any file form, without running anything that is in the file."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.io import loadmat
from torch import Tensor

from harness.errors import CheckpointError
from harness.host.files import reason

Tensors = dict[str, Tensor]

MEAN = "normalise.mean"
"""The mean colour, ``(1, 3, 1, 1)`` in 0..255, that a network was trained with, where it is
another than the registered one; it stands beside the weights and is none of them."""

WRAPPERS = ("state_dict", "params", "params_ema", "model_state_dict", "network", "model", "net")
"""Keys under which training code puts the state dict, the most telling first."""


class NotFiniteError(CheckpointError):
    """A file of weights holds values that are not finite; ``tensors`` are those it holds."""

    def __init__(self, message: str, tensors: Tensors) -> None:
        """Keep the tensors, so that it can be said what they would have fitted."""
        super().__init__(message)
        self.tensors = tensors


def read(path: Path) -> Tensors:
    """Read a state dict: torch (old and new), safetensors, or MatConvNet's ``.mat``.

    What wraps it is taken off: an outer dict, DataParallel's ``module.``; the old names of
    weight norm (``weight_g``, ``weight_v``) become today's. Floats become float32.

    Raises:
        CheckpointError: The file cannot be read, is damaged, would run code, holds no
            tensors, or values that are not finite.
    """
    raw = _unwrap(_load(path), path)
    tensors = {
        _modern(name): value.float() if value.is_floating_point() else value
        for name, value in _without_module(raw).items()
    }
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            message = f"'{path}' holds values that are not finite, in '{name}'"
            raise NotFiniteError(message, tensors)
    return tensors


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise CheckpointError(f"cannot read '{path}': {reason(error)}") from error
    if not head:
        raise CheckpointError(f"'{path}' is empty")
    if head.startswith(b"MATLAB 5.0"):
        return _load_matconvnet(path)
    if head[8:9] == b"{":
        return _load_safetensors(path)
    if not head.startswith((b"PK", b"\x80")):  # neither zip nor pickle
        raise CheckpointError(f"'{path}' is no checkpoint: neither torch, safetensors nor .mat")
    return _load_torch(path)


def _load_safetensors(path: Path) -> Tensors:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"'{path}' is damaged ({error})") from error


def _load_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old storage types
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error) and "Unsupported" not in str(error):
            raise CheckpointError(f"'{path}' is damaged, or no checkpoint") from error
        raise CheckpointError(
            f"'{path}' holds more than tensors and would run code when opened, so it was not "
            "opened; where you trust it, save its state_dict() alone: torch.save("
            "torch.load(FILE, weights_only=False)['model'].state_dict(), NEW)"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"'{path}' is damaged or incomplete, or no checkpoint") from error


def _load_matconvnet(path: Path) -> Tensors:
    """Read the parameters of a DagNN, transposed to PyTorch's layout.

    MATLAB keeps filters as height, width, input, output (of a transposed convolution:
    output, input) and drops sizes of 1 at the end.
    """
    try:
        network = loadmat(path, struct_as_record=False, variable_names=["net"])["net"][0, 0]
        parameters = {str(entry.name[0]): np.asarray(entry.value) for entry in network.params.flat}
    except (KeyError, AttributeError, IndexError, TypeError) as error:
        raise CheckpointError(f"'{path}' holds no MatConvNet network 'net'") from error
    except Exception as error:  # scipy raises what it likes on damaged files
        raise CheckpointError(f"'{path}' is damaged: {error}") from error
    return {name: _from_matlab(value) for name, value in parameters.items()}


def _from_matlab(value: np.ndarray[Any, Any]) -> Tensor:
    if value.ndim == 2 and 1 in value.shape:
        value = value.ravel()
    else:
        value = value.reshape(*value.shape, *(4 - value.ndim) * [1]).transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(value))


def _unwrap(content: Any, path: Path) -> Tensors:
    """Return the state dict, out of as many outer dicts as there are around it."""
    while isinstance(content, Mapping):
        if content and all(isinstance(value, Tensor) for value in content.values()):
            return {str(name): value for name, value in content.items()}
        inner = [content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)]
        if not inner:
            break
        content = inner[0]
    raise CheckpointError(f"'{path}' holds no state dict, at the top or under {WRAPPERS[0]}")


def _without_module(tensors: Tensors) -> Tensors:
    prefix = "module."
    while all(name.startswith(prefix) for name in tensors):
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _modern(name: str) -> str:
    """Return today's name of a weight-normalised tensor."""
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        if name == old or name.endswith(f".{old}"):
            return f"{name.removesuffix(old)}parametrizations.weight.{new}"
    return name

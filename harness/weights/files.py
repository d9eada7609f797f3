"""Read tensors from files of any format, without running code that is in them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor

from harness.errors import CheckpointError
from harness.host.files import reason
from harness.weights import contents, unsafe
from harness.weights.contents import StateDict, Tensors
from harness.weights.sealed import read_sealed

MEAN = "normalise.mean"
"""The mean colour, ``(1, 3, 1, 1)`` in 0..255, that a network was trained with, where it is
another than the registered one; it stands beside the weights and is none of them."""


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Stand for ``codecs.encode``, by which pickles write bytes as text."""
    if encoding != "latin1":
        raise ValueError(f"expected bytes as latin1, not as {encoding}")
    return text.encode(encoding)


def _maker(value: Any) -> Callable[..., Any]:
    """Return the function by which a pickle makes a value."""
    maker: Callable[..., Any] = value.__reduce__()[0]
    return maker


_NUMPY: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    np.ndarray,
    np.dtype,
    *(type(np.dtype(code)) for code in "?bhilqBHILQefd"),
    *(
        (maker, f"numpy.{core}.multiarray.{maker.__name__}")
        for maker in (_maker(np.float64()), _maker(np.empty(0)))
        for core in ("core", "_core")  # before and since NumPy 2
    ),
    (_encode, "_codecs.encode"),
]
"""What numbers and arrays of NumPy in a file are made with; none of it runs anything."""


class NotFiniteError(CheckpointError):
    """A file of weights holds values that are not finite; ``tensors`` are those it holds."""

    def __init__(self, message: str, tensors: Tensors) -> None:
        """Keep the tensors, so that it can be said what they would have fitted."""
        super().__init__(message)
        self.tensors = tensors


def read(path: Path, key: str | None = None) -> Tensors:
    """Read the state dict that is wanted first of those in a file, as :func:`read_all` does.

    Raises:
        UsageError: The file has nothing of that key.
        CheckpointError: As for :func:`read_all`, or it holds values that are not finite.
    """
    tensors = contents.choose(read_all(path), key)[0].tensors
    check_finite(tensors, path)
    return tensors


def read_all(path: Path) -> tuple[StateDict, ...]:
    """Read the state dicts of a file: torch (old and new), safetensors, or MatConvNet's ``.mat``.

    What wraps them is taken off: outer dicts, DataParallel's ``module.``; the old names of
    weight norm (``weight_g``, ``weight_v``) become today's. Floats become float32.

    Returns:
        At least one, those that are wanted first at the front.

    Raises:
        CheckpointError: The file cannot be read, is damaged, would run code, or holds no
            tensors.
    """
    states = contents.find(_load(path))
    if not states:
        raise CheckpointError(f"'{path}' holds no state dict, at the top or under any key")
    return tuple(StateDict(state.key, _today(state.tensors), state.role) for state in states)


def check_finite(tensors: Tensors, path: Path) -> None:
    """Refuse tensors of a file with values that are not finite.

    Raises:
        NotFiniteError: There are some.
    """
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            message = f"'{path}' holds values that are not finite, in '{name}'"
            raise NotFiniteError(message, tensors)


def _today(tensors: Tensors) -> Tensors:
    return {
        _modern(name): value.float() if value.is_floating_point() else value
        for name, value in _without_module(tensors).items()
    }


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
        return read_sealed(path)
    if not head.startswith((b"PK", b"\x80")):  # neither zip nor pickle
        raise CheckpointError(f"'{path}' is no checkpoint: neither torch, safetensors nor .mat")
    return _load_torch(path)


def _load_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_NUMPY):
            warnings.simplefilter("ignore")  # of old storage types
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error) and "Unsupported" not in str(error):
            raise CheckpointError(f"'{path}' is damaged, or no checkpoint") from error
        raise CheckpointError(
            f"'{path}' holds more than tensors and would run code when opened, so it was not "
            f"opened; where you trust it, {unsafe.advice(path)}"
        ) from error
    except Exception as error:  # torch raises what it likes on damaged files
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

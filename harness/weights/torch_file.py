"""The one reader of torch files: it runs nothing, and takes no more memory than they can hold."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import torch

from harness.errors import CheckpointError
from harness.weights import inert
from harness.weights.inert import OversizeError


class DamagedError(CheckpointError):
    """A file is not what was written."""


class RunsCodeError(CheckpointError):
    """A file holds more than tensors and plain values."""


def load(content: bytes, source: str) -> Any:
    """Return what a torch file holds, of today's or the old form, on the CPU.

    Args:
        content: Of the file.
        source: What it is called in messages.

    Raises:
        DamagedError: It is damaged, or would take more memory than such a file can hold.
        RunsCodeError: Something in it would have to be run.
        CheckpointError: It holds sparse, quantised or other tensors that are not plain.
    """
    try:
        names = inert.structure(content).names
    except OversizeError as error:
        raise DamagedError(f"'{source}' is damaged, so it was not opened: {error}") from error
    except Exception as error:  # a pickle can fail in any way
        raise DamagedError(f"'{source}' is damaged or incomplete, or no checkpoint") from error
    if strange := sorted(name for name in names if not _is_plain(name)):
        if all(name.startswith(_OTHER_KINDS) for name in strange):
            raise CheckpointError(
                f"'{source}' holds tensors of a kind that is not read ({strange[0]}): save it "
                "without them, or as plain ones"
            )
        raise RunsCodeError(
            f"'{source}' holds more than tensors ({strange[0]}) and would run code when opened, so "
            "it was not opened"
        )
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_NUMPY):
            warnings.simplefilter("ignore")  # of old storage types
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported operand" in str(error):
            raise RunsCodeError(
                f"'{source}' is pickled by a protocol that could run code when opened, so it was "
                "not opened"
            ) from error
        raise DamagedError(f"'{source}' is damaged, or no checkpoint") from error
    except Exception as error:  # torch raises what it likes on damaged files
        raise DamagedError(f"'{source}' is damaged or incomplete, or no checkpoint") from error


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Stand for ``codecs.encode``, by which pickles write bytes as text."""
    if encoding != "latin1":
        raise ValueError(f"expected bytes as latin1, not as {encoding}")
    return text.encode(encoding)


def _empty(kind: type, shape: object, code: object) -> np.ndarray[Any, Any]:
    """Stand for the function that makes an array, which its values then fill, of any shape."""
    return np.empty(0)


def _scalar(dtype: np.dtype[Any], value: bytes) -> Any:
    """Stand for the function that makes a number from its bytes."""
    return np.frombuffer(value, dtype, 1)[0]


_BUILTINS = ("builtins", "__builtin__")  # of Python 3 and 2, as which torch writes
_CORES = ("core", "_core")  # before and since NumPy 2
_MAKERS: dict[str, Callable[..., Any]] = {"_reconstruct": _empty, "scalar": _scalar}

_NUMPY: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    np.ndarray,
    np.dtype,
    *(type(np.dtype(code)) for code in "?bhilqBHILQefd"),
    *(
        (stand_in, f"numpy.{core}.multiarray.{maker}")
        for core, (maker, stand_in) in product(_CORES, _MAKERS.items())
    ),
    (_encode, "_codecs.encode"),
]
"""What numbers and arrays of NumPy in a file are made with; none of it runs anything."""

_OTHER_KINDS = ("torch._utils._rebuild", "torch.serialization._get_layout", "torch.per_")
"""How the names begin that go with sparse, quantised and other tensors."""

_PLAIN = frozenset(
    {"collections.OrderedDict", "collections.Counter"}
    | {f"{module}.{name}" for module, name in product(_BUILTINS, ("set", "complex", "bytearray"))}
    | {"torch.Size", "torch.device", "torch.Tensor"}
    | {f"torch._utils._rebuild_{what}" for what in ("tensor", "tensor_v2", "tensor_v3")}
    | {f"torch._utils._rebuild_{what}" for what in ("parameter", "parameter_with_state")}
    | {"torch._tensor._rebuild_from_type_v2", "_codecs.encode", "numpy.ndarray", "numpy.dtype"}
    | {f"numpy.{core}.multiarray.{maker}" for core, maker in product(_CORES, _MAKERS)}
)


def _is_plain(name: str) -> bool:
    """Tell whether a file may name a class or function: those of tensors and plain values."""
    module, _, last = name.rpartition(".")
    if name in _PLAIN or module == "numpy.dtypes":
        return True
    is_storage = last.endswith("Storage") and module in ("torch", "torch.cuda", "torch.storage")
    return is_storage or (module == "torch" and isinstance(getattr(torch, last, None), torch.dtype))

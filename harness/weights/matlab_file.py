"""Read MatConvNet's networks from MATLAB files, which take no more memory than they can hold."""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor

from harness.errors import CheckpointError
from harness.weights.contents import Tensors

START = b"MATLAB 5.0"

_HEAD_BYTES = 128
_MOST_RATIO = 16
"""Unpacked per packed byte; weights hardly shrink."""
_DEEPEST = 32
_MATRIX, _COMPRESSED = 14, 15  # types of elements
_CELL, _OBJECT, _SPARSE, _OPAQUE = 1, 3, 5, 17  # classes of matrices; 2 is a struct
_ELEMENT_BYTES = 8


class _Oversize(ValueError):
    """What a file says that it holds is more than it can hold."""


def load(content: bytes, source: str) -> Tensors:
    """Read the parameters of a DagNN, transposed to PyTorch's layout.

    MATLAB keeps filters as height, width, input, output (of a transposed convolution:
    output, input) and drops sizes of 1 at the end.

    Args:
        content: Of the file.
        source: What it is called in messages.

    Raises:
        CheckpointError: It is damaged, holds no network, or would take more memory than such a
            file can hold.
    """
    stream: Any = io.BytesIO(content)  # which scipy's stubs do not know of
    try:
        _check_sizes(content)
        network = loadmat(stream, struct_as_record=False, variable_names=["net"])["net"][0, 0]
        parameters = {str(entry.name[0]): np.asarray(entry.value) for entry in network.params.flat}
    except (KeyError, AttributeError, IndexError, TypeError) as error:
        raise CheckpointError(f"'{source}' holds no MatConvNet network 'net'") from error
    except Exception as error:  # scipy raises what it likes on damaged files
        raise CheckpointError(f"'{source}' is damaged: {error}") from error
    return {name: _from_matlab(value) for name, value in parameters.items()}


def _from_matlab(value: np.ndarray[Any, Any]) -> Tensor:
    if value.ndim == 2 and 1 in value.shape:
        value = value.ravel()
    else:
        value = value.reshape(*value.shape, *(4 - value.ndim) * [1]).transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(value))


def _check_sizes(content: bytes) -> None:
    """Refuse a file whose matrices are larger than their bytes (MAT-File Format, level 5).

    scipy allocates cells and structs of whatever dimensions a file merely states.

    Raises:
        _Oversize: One of them is.
    """
    order = ">" if content[_HEAD_BYTES - 2 : _HEAD_BYTES] == b"MI" else "<"
    left = _MOST_RATIO * len(content)
    for kind, data in _elements(memoryview(content)[_HEAD_BYTES:], order, padded=False):
        if kind == _COMPRESSED:
            unpacked = zlib.decompressobj().decompress(data, left + 1)
            left -= len(unpacked)
            if left < 0:
                raise _Oversize("it unpacks to far more bytes than it has")
            for inner, inner_data in _elements(memoryview(unpacked), order):
                _check_matrix(inner, inner_data, order, _DEEPEST)
        else:
            _check_matrix(kind, data, order, _DEEPEST)


def _check_matrix(kind: int, data: memoryview, order: str, depth: int) -> None:
    if kind != _MATRIX or not len(data):
        return
    if not depth:
        raise _Oversize("it has matrices within matrices without end")
    parts = list(_elements(data, order))
    flags, sizes = ([*parts, (0, memoryview(b"")), (0, memoryview(b""))])[:2]
    matrix_class = struct.unpack(f"{order}I", flags[1][:4].tobytes().ljust(4, b"\0"))[0] & 0xFF
    if matrix_class not in (_SPARSE, _OPAQUE):  # which have no place for every value
        whole = sizes[1][: len(sizes[1]) // 4 * 4]
        values = math.prod(struct.unpack(f"{order}{len(whole) // 4}i", whole))
        least = _ELEMENT_BYTES if _CELL <= matrix_class <= _OBJECT else 1
        if values * least > len(data):
            raise _Oversize(f"it has a matrix of {values} values in {len(data)} bytes")
    for inner, inner_data in parts:
        _check_matrix(inner, inner_data, order, depth - 1)


def _elements(
    data: memoryview, order: str, *, padded: bool = True
) -> Iterator[tuple[int, memoryview]]:
    """Yield type and content of each element; those at the top of a file are not padded."""
    start = 0
    while start + _ELEMENT_BYTES <= len(data):
        kind, length = struct.unpack(f"{order}2I", data[start : start + _ELEMENT_BYTES])
        if kind >> 16:  # type and length share four bytes, and the content has the others
            yield kind & 0xFFFF, data[start + 4 : start + 4 + min(kind >> 16, 4)]
            start += _ELEMENT_BYTES
            continue
        start += _ELEMENT_BYTES
        yield kind, data[start : start + length]
        start += length + (-length % 8 if padded else 0)

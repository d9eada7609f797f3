"""Read MatConvNet's networks from MATLAB files (MAT-File Format, level 5).

scipy's reader allocates whatever dimensions a file merely states, gigabytes for some bytes, and
ends the process on types that there are not. This one takes what is there, or refuses it.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import CheckpointError
from harness.weights.contents import Tensors

START = b"MATLAB 5.0"

_HEAD_BYTES = 128
_ELEMENT_BYTES = 8
_MOST_RATIO = 16
"""Unpacked per packed byte; weights hardly shrink."""

_MATRIX, _COMPRESSED = 14, 15  # types of elements
_STRUCT, _OBJECT, _CHAR = 2, 3, 4  # classes of matrices
_FLOATS = {6: np.float64, 7: np.float32}
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8"}
_TEXTS = {1: "latin1", 2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}


@dataclass(frozen=True, slots=True)
class _Element:
    """Type and content of an element."""

    kind: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class _Matrix:
    """An array of anything: its class, dimensions, name, and what its class has beside them."""

    kind: int
    shape: tuple[int, ...]
    name: str
    rest: tuple[_Element, ...]


def load(content: bytes, source: str) -> Tensors:
    """Read the parameters of a DagNN, transposed to PyTorch's layout.

    MATLAB keeps filters as height, width, input, output (of a transposed convolution:
    output, input) and drops sizes of 1 at the end.

    Args:
        content: Of the file.
        source: What it is called in messages.

    Raises:
        CheckpointError: It is damaged, or holds no network.
    """
    order = ">" if content[_HEAD_BYTES - 2 : _HEAD_BYTES] == b"MI" else "<"
    try:
        networks = [matrix for matrix in _variables(content, order) if matrix.name == "net"]
        (network,) = _entries(networks[0], order)
        parameters = _entries(_matrix(network["params"], order), order)
        pairs = [(_matrix(one["name"], order), _matrix(one["value"], order)) for one in parameters]
    except (KeyError, IndexError) as error:
        raise CheckpointError(f"'{source}' holds no MatConvNet network 'net'") from error
    except (ValueError, struct.error, zlib.error) as error:
        raise CheckpointError(f"'{source}' is damaged: {error}") from error
    try:
        return {_text(name, order): _from_matlab(_array(value, order)) for name, value in pairs}
    except ValueError as error:
        raise CheckpointError(f"'{source}' is damaged: {error}") from error


def _from_matlab(value: NDArray[np.generic]) -> Tensor:
    if value.ndim == 2 and 1 in value.shape:
        value = value.ravel()
    else:
        value = value.reshape(*value.shape, *(4 - value.ndim) * [1]).transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(value))


def _variables(content: bytes, order: str) -> Iterator[_Matrix]:
    """Yield the variables of a file."""
    left = _MOST_RATIO * len(content)
    for element in _elements(memoryview(content)[_HEAD_BYTES:], order, padded=False):
        if element.kind == _COMPRESSED:
            unpacked = zlib.decompressobj().decompress(element.data, left + 1)
            left -= len(unpacked)
            if left < 0:
                raise ValueError("it unpacks to far more bytes than it has")
            (element,) = _elements(memoryview(unpacked), order)
        yield _matrix(element, order)


def _matrix(element: _Element, order: str) -> _Matrix:
    if element.kind != _MATRIX:
        raise ValueError(f"an element of type {element.kind} where a matrix is expected")
    parts = list(_elements(element.data, order))
    if len(parts) < 3:
        raise ValueError("a matrix without class, dimensions or name")
    flags, sizes, name = parts[:3]
    (flag, *_) = struct.unpack(f"{order}2I", flags.data)
    shape = struct.unpack(f"{order}{len(sizes.data) // 4}i", sizes.data)
    text = bytes(name.data).decode("latin1")
    return _Matrix(flag & 0xFF, shape, text, tuple(parts[3:]))


def _entries(matrix: _Matrix, order: str) -> list[dict[str, _Element]]:
    """Return the fields of each entry of a struct, in MATLAB's order."""
    if matrix.kind not in (_STRUCT, _OBJECT):
        raise KeyError(matrix.name)
    length, names, *values = matrix.rest[1:] if matrix.kind == _OBJECT else matrix.rest
    (width,) = struct.unpack(f"{order}i", length.data)
    if width < 1:
        raise ValueError(f"names of {width} bytes")
    text = bytes(names.data).decode("latin1")
    fields = [text[at : at + width].partition("\0")[0] for at in range(0, len(text), width)]
    if len(values) != math.prod(matrix.shape) * len(fields):
        raise ValueError(f"{len(values)} values in {matrix.shape} entries of {len(fields)} fields")
    starts = range(0, len(values), len(fields) or 1)
    return [dict(zip(fields, values[at:], strict=False)) for at in starts]


def _array(matrix: _Matrix, order: str) -> NDArray[np.generic]:
    """Return the values of a matrix of numbers."""
    real = matrix.rest[0] if matrix.rest else _Element(0, memoryview(b""))
    if matrix.kind not in _FLOATS or real.kind not in _NUMBERS:
        raise ValueError("a parameter that is no matrix of floating-point numbers")
    # Whole numbers are stored in fewer bytes.
    stored = np.frombuffer(real.data, f"{order}{_NUMBERS[real.kind]}")
    return stored.astype(_FLOATS[matrix.kind]).reshape(matrix.shape, order="F")


def _text(matrix: _Matrix, order: str) -> str:
    """Return a matrix of characters."""
    part = matrix.rest[0] if matrix.rest else _Element(0, memoryview(b""))
    if matrix.kind != _CHAR or part.kind not in _TEXTS:
        raise ValueError("a parameter whose name is no text")
    coding = _TEXTS[part.kind]
    ending = {">": "-be", "<": "-le"}[order] if coding in ("utf-16", "utf-32") else ""
    return bytes(part.data).decode(coding + ending)


def _elements(data: memoryview, order: str, *, padded: bool = True) -> Iterator[_Element]:
    """Yield each element; those at the top of a file are not padded to eight bytes."""
    start = 0
    while start + _ELEMENT_BYTES <= len(data):
        kind, length = struct.unpack(f"{order}2I", data[start : start + _ELEMENT_BYTES])
        start += _ELEMENT_BYTES
        if kind >> 16:  # type and length share four bytes, and the content has the others
            content = data[start - 4 : start - 4 + (kind >> 16)]
            if kind >> 16 > 4:
                raise ValueError("an element longer than its place")
            yield _Element(kind & 0xFFFF, content)
            continue
        if start + length > len(data):
            raise ValueError("an element that ends behind the file")
        yield _Element(kind, data[start : start + length])
        start += length + (-length % _ELEMENT_BYTES if padded else 0)

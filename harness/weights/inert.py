"""See what a torch file would build, without building anything of it.

Its pickles are read with an inert stand-in for every class and function that they name. That
shows which names they are, how much memory the tensors would take, and where they stand.
"""

from __future__ import annotations

import io
import math
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import torch

_MOST_PICKLE = 2**26
_MOST_VIEWS = 8
"""Tensors may share values (tied weights, an average that is no copy yet) so many times over."""
_LEGACY_PICKLES = 5
"""In torch's form of before 2020: magic number, version, system, content, names of storages."""
_CONTENT = 3
_MOST_PARTS = 10_000
_END_OF_ZIP = b"PK\x05\x06"
_END_BYTES = 22


class OversizeError(ValueError):
    """What a file says that it holds is more than it can hold."""


@dataclass(slots=True)
class Structure:
    """What a torch file would build.

    Attributes:
        content: What it holds; :class:`Inert` and :class:`InertTensor` stand for objects.
        names: The classes and functions that it names, ``MODULE.NAME``.
    """

    content: object = None
    names: set[str] = field(default_factory=set)


class Inert:
    """Stands for any object; takes whatever a pickle does to it."""

    state: object = None

    def __init__(self, *arguments: object) -> None:
        """Take the arguments of a call."""

    def __setstate__(self, state: object) -> None:
        """Keep what the object would be set to."""
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        """Take an entry, as a dictionary would."""

    def __call__(self, *arguments: object) -> Inert:
        """Stand for a function, too."""
        return Inert()

    def append(self, item: object) -> None:
        """Take an item, as a list would."""

    def extend(self, items: object) -> None:
        """Take items, as a list would."""

    def add(self, item: object) -> None:
        """Take an item, as a set would."""


class InertTensor(Inert):
    """Stands for a tensor."""


class _Storage(Inert):
    """Stands for the memory of tensors; ``itemsize`` is the bytes of a value."""

    def __init__(self, itemsize: int) -> None:
        self.itemsize = itemsize


class _Uncalled(Inert):
    """Stands for a class that is named in torch files and never called by them."""

    def __init__(self, *arguments: object) -> None:
        raise OversizeError("it would take memory of its own")

    def __new__(cls, *arguments: object) -> Any:
        """Refuse."""
        raise OversizeError("it would take memory of its own")


class _Dictionary(dict[Any, Any]):
    """Stands for any dictionary."""

    def __init__(self, *arguments: object) -> None:
        super().__init__()

    def __setitem__(self, key: object, value: object) -> None:
        _check_key(key)
        super().__setitem__(key, value)

    def __setstate__(self, state: object) -> None:
        """Take the state of a dictionary of another class."""


class _Set(Inert):
    """Stands for a set."""

    def __init__(self, items: Iterable[object] = ()) -> None:
        for item in items:
            _check_key(item)


def _check_key(key: object) -> None:
    """Refuse a key of so many parts that it would take for ever to hash."""
    left = [key]
    for _ in range(_MOST_PARTS):
        if not left:
            return
        part = left.pop()
        left += part if isinstance(part, tuple) else ()
    raise OversizeError("it has a key of too many parts")


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Return bytes that a pickle has as text."""
    return text.encode(encoding)


def _bytearray(source: object = b"", encoding: str = "") -> Inert:
    """Stand for an array of bytes, which a number would make of any length."""
    if not isinstance(source, str | bytes):
        raise OversizeError("it would take memory of its own")
    return Inert()


def structure(content: bytes) -> Structure:
    """Return what a torch file, of today's or the old form, would build.

    Args:
        content: Of the file.

    Raises:
        OversizeError: It would take more memory than such a file can hold.
        Exception: Whatever else, where the file is damaged.
    """
    whole = Structure()
    if not content.startswith(b"PK"):
        reader = _Reader(content, whole, room=len(content))
        for number in range(_LEGACY_PICKLES):
            reader.memo.clear()
            loaded = reader.load()
            whole.content = loaded if number == _CONTENT else whole.content
        return whole
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # Nothing may stand behind or before it that another reader would take for the archive.
        if content[-_END_BYTES:][:4] != _END_OF_ZIP:
            raise ValueError("no zip file as torch writes it")
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > len(content):
            raise OversizeError("its entries unpack to more bytes than it has")
        (pickled,) = (entry for entry in entries if entry.filename.endswith("/data.pkl"))
        if pickled.file_size > _MOST_PICKLE:
            raise OversizeError(f"{pickled.file_size} bytes of pickle")
        whole.content = _Reader(archive.read(pickled), whole, room=len(content)).load()
    return whole


def _empty_dictionary(reader: Any) -> None:
    reader.append(_Dictionary())


def _empty_set(reader: Any) -> None:
    reader.append(_Set())


def _frozen_set(reader: Any) -> None:
    reader.append(_Set(reader.pop_mark()))


def _refuse(reader: Any) -> None:
    raise OversizeError("it would take memory of its own")


# In Python, not C: the latter allocates for positions in its memo that a file merely names.
class _Reader(pickle._Unpickler):
    """Reads a pickle without importing or calling anything that it names."""

    memo: dict[int, Any]
    dispatch: ClassVar = {
        **pickle._Unpickler.dispatch,
        pickle.EMPTY_DICT[0]: _empty_dictionary,
        pickle.EMPTY_SET[0]: _empty_set,
        pickle.FROZENSET[0]: _frozen_set,
        pickle.BYTEARRAY8[0]: _refuse,
    }

    def __init__(self, pickles: bytes, whole: Structure, *, room: int) -> None:
        super().__init__(io.BytesIO(pickles), encoding="latin1")
        self._whole = whole
        self._left = room
        self._stored: dict[object, int] = {}
        self._left_to_view = _MOST_VIEWS * room

    def find_class(self, module: str, name: str) -> Any:
        """Return a stand-in."""
        self._whole.names.add(f"{module}.{name}")
        if module == "collections" and name in ("OrderedDict", "defaultdict", "Counter"):
            return _Dictionary
        if (module, name) == ("torch", "Size"):
            return tuple
        if name.endswith(("Storage", "Tensor")) or (module, name) == ("numpy", "ndarray"):
            return type(name, (_Uncalled,), {})
        if module in ("builtins", "__builtin__") and name in ("set", "bytearray"):
            return _Set if name == "set" else _bytearray
        if (module, name) == ("_codecs", "encode"):
            return _encode
        if making := self._making.get(f"{module}.{name}"):
            return making
        rebuilt = module in ("torch._utils", "torch._tensor") and name.startswith("_rebuild")
        return type(name, (InertTensor if rebuilt else Inert,), {})

    def persistent_load(self, pid: Any) -> Any:
        """Return a stand-in for a storage, and count it."""
        if not isinstance(pid, tuple):
            return Inert()
        if pid[0] in ("module", b"module"):  # in the old form, with its source beside it
            return pid[1]
        kind, key, _, number = pid[1:5]
        itemsize = _itemsize(getattr(kind, "__name__", ""))
        size = _whole_number(number) * itemsize
        self._left -= max(size - self._stored.get(key, 0), 0)
        self._stored[key] = max(size, self._stored.get(key, 0))
        if self._left < 0:
            raise OversizeError("its storages are larger than the file")
        return _Storage(itemsize)

    @property
    def _making(self) -> dict[str, Callable[..., InertTensor]]:
        """What makes tensors of storages, by name."""
        return {
            "torch._utils._rebuild_tensor": self._typed,
            "torch._utils._rebuild_tensor_v2": self._typed,
            "torch._utils._rebuild_tensor_v3": self._untyped,
            "torch._tensor._rebuild_from_type_v2": self._of_type,
        }

    def _typed(self, storage: object, _: object, size: object, *rest: object) -> InertTensor:
        return self._counted(size, storage.itemsize if isinstance(storage, _Storage) else 1)

    def _untyped(self, storage: object, _: object, size: object, *rest: object) -> InertTensor:
        dtype = getattr(torch, getattr(rest[3], "__name__", ""), None)
        return self._counted(size, dtype.itemsize if isinstance(dtype, torch.dtype) else 1)

    def _of_type(self, make: Any, _: object, arguments: Any, *rest: object) -> Any:
        return make(*arguments)

    def _counted(self, size: object, itemsize: int) -> InertTensor:
        if not isinstance(size, tuple):
            raise ValueError("a size that is no tuple")
        self._left_to_view -= math.prod(map(_whole_number, size)) * itemsize
        # A stride of 0 shows one value as any number of them.
        if self._left_to_view < 0:
            raise OversizeError("its tensors are larger than the file")
        return InertTensor()


@cache
def _itemsize(storage: str) -> int:
    """Return the bytes of a value in a storage of a class, at least."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class is of old
        dtype = getattr(getattr(torch, storage, None), "dtype", None)
    return dtype.itemsize if isinstance(dtype, torch.dtype) else 1


def _whole_number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{type(value).__name__} where a number is expected")
    return value

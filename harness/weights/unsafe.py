"""Advise on a file that would run code when opened, from its structure alone.

The file is not opened: its pickle is read with every class and function in it replaced by an
inert stand-in, which shows where the state dict is.
"""

from __future__ import annotations

import io
import json
import pickle
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.weights.contents import Role, role_of

_MOST_BYTES = 2**26
_LEGACY_HEAD = 3
"""Pickles before the content in torch's form of before 2020: magic number, version, system."""

_GENERAL = "save its state_dict() alone with torch.save"


class _Inert:
    """Stands for any object; takes whatever a pickle does to it."""

    state: object = None

    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def __call__(self, *arguments: object) -> _Inert:
        return _Inert()

    def append(self, item: object) -> None:
        """Take an item, as a list would."""

    def extend(self, items: object) -> None:
        """Take items, as a list would."""

    def add(self, item: object) -> None:
        """Take an item, as a set would."""


class _InertTensor(_Inert):
    """Stands for a tensor."""


class _Reader(pickle.Unpickler):
    """Reads a pickle without importing or calling anything that it names."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "collections" and name in ("OrderedDict", "defaultdict"):
            return _Dictionary
        rebuilt = module == "torch._utils" and name.startswith("_rebuild")
        return type(name, (_InertTensor if rebuilt else _Inert,), {})

    def persistent_load(self, identity: object) -> Any:
        # torch's old form gives a network's class here, with its source beside it.
        is_class = isinstance(identity, tuple) and identity[0] in ("module", b"module")
        return identity[1] if isinstance(identity, tuple) and is_class else _Inert()


class _Dictionary(dict[Any, Any]):
    """Stands for the dictionaries of ``collections``."""

    def __init__(self, *arguments: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        pass


def advice(path: Path) -> str:
    """Return what a user who trusts a file can do to get its weights out of it.

    A command where the file shows where they are, else in words.
    """
    try:
        content = _structure(path)
    except Exception:  # a pickle can fail in any way, and this only words a refusal
        return _GENERAL
    places = sorted(_places(content, ()), key=lambda place: place[0])
    if not places:
        return _GENERAL
    _, keys, is_module = places[0]
    target = path.with_name(f"{path.stem}-weights.pth")
    where = "".join(f"[{json.dumps(key) if isinstance(key, str) else key}]" for key in keys)
    load = f'torch.load({json.dumps(str(path))}, map_location="cpu", weights_only=False){where}'
    code = (
        f"import torch; state = {load}{'.state_dict()' if is_module else ''}; "
        "torch.save({name: value for name, value in state.items() if torch.is_tensor(value)}, "
        f"{json.dumps(str(target))})"
    )
    place = " where its code can be imported" if is_module else ""
    return f"run this{place}: python -c {shlex.quote(code)}"


def _structure(path: Path) -> object:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            reader = _Reader(file)
            for _ in range(_LEGACY_HEAD):
                reader.load()
                reader = _Reader(file)
            return reader.load()
    with zipfile.ZipFile(path) as archive:
        (entry,) = (entry for entry in archive.infolist() if entry.filename.endswith("/data.pkl"))
        if entry.file_size > _MOST_BYTES:
            raise ValueError(f"{entry.file_size} bytes of pickle")
        return _Reader(io.BytesIO(archive.read(entry))).load()


def _places(
    node: object, keys: tuple[Any, ...], depth: int = 8
) -> Iterator[tuple[Role, tuple[Any, ...], bool]]:
    """Yield role and keys of each state dict or network, and whether it is a network."""
    role = role_of(" ".join(map(str, keys)))
    if isinstance(node, _Inert):
        if isinstance(node.state, dict) and "_parameters" in node.state:
            yield role, keys, True
    elif isinstance(node, Mapping) and depth:
        if any(isinstance(value, _InertTensor) for value in node.values()):
            yield role, keys, False
        for key, value in node.items():
            if isinstance(key, str | int):
                yield from _places(value, (*keys, key), depth - 1)

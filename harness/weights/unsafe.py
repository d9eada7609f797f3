"""Advise on a file that would run code when opened, from its structure alone.

The file is not opened: :mod:`.inert` shows where the state dict is.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.weights import inert
from harness.weights.contents import Role, role_of
from harness.weights.inert import Inert, InertTensor

_GENERAL = "save its state_dict() alone with torch.save"


def advice(path: Path, content: bytes) -> str:
    """Return what a user who trusts a file can do to get its weights out of it.

    A command where the file shows where they are, else in words.

    Args:
        path: The file.
        content: What is in it.
    """
    try:
        built = inert.structure(content).content
    except Exception:  # a pickle can fail in any way, and this only words a refusal
        return _GENERAL
    places = sorted(_places(built, ()), key=lambda place: place[0])
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


def _places(
    node: object, keys: tuple[Any, ...], depth: int = 8
) -> Iterator[tuple[Role, tuple[Any, ...], bool]]:
    """Yield role and keys of each state dict or network, and whether it is a network."""
    role = role_of(" ".join(map(str, keys)))
    if isinstance(node, Inert):
        if isinstance(node.state, dict) and "_parameters" in node.state:
            yield role, keys, True
    elif isinstance(node, Mapping) and depth:
        if any(isinstance(value, InertTensor) for value in node.values()):
            yield role, keys, False
        for key, value in node.items():
            if isinstance(key, str | int):
                yield from _places(value, (*keys, key), depth - 1)

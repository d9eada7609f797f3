"""Where files lie, shipped with the package or in the cache, and how their names are shown."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UsageError, suggest

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_CHECKOUT = {
    "ablations": Path("ablations"),
    "efficiency": Path("results", "efficiency"),
    "pretrained": Path("results", "pretrained"),
    "published": Path("results", "published"),
}


def bundled(name: str) -> Path:
    """Return the folder of data files shipped under that name.

    Args:
        name: ``"ablations"``, ``"efficiency"``, ``"pretrained"`` or ``"published"``.

    Raises:
        UsageError: Nothing of that name is shipped, or the installation lacks it.
    """
    if name not in _IN_CHECKOUT:
        raise UsageError(f"no bundled folder '{name}'{suggest(name, _IN_CHECKOUT)}")
    places = (_PACKAGE / "_bundled" / name, _PACKAGE.parent / _IN_CHECKOUT[name])
    for place in places:
        if place.is_dir():
            return place
    raise UsageError(f"this installation lacks its folder '{name}' (expected {places[0]})")


def cache_folder(asked: str | None = None) -> Path:
    """Return where prepared images are kept.

    Args:
        asked: The user's choice; otherwise ``$HARNESS_CACHE``, else the user's cache folder.
    """
    if chosen := asked or os.environ.get("HARNESS_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "awsrn-harness"


def absent(path: Path, kind: str = "file or folder") -> str:
    """Return what to say of a path where nothing is, with the nearest name beside it."""
    near = os.listdir(path.parent) if path.parent.is_dir() else []
    return f"there is no {kind} '{path}'{suggest(path.name, near, listing=False)}"


def printable(name: str) -> str:
    """Return a file's name as text that can be stored; one that is not UTF-8 is read as Latin-1."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("latin-1")
    return name

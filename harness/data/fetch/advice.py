"""Which command gets image sets that are not there, for the errors that miss them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from harness.data.fetch import registry
from harness.data.layout import Purpose
from harness.errors import UsageError, suggest

USUAL = ("T291", "Set5", "Set14", "B100")
"""The sets that a training on a CPU and its scores need."""

_DOCTOR = "`harness doctor` says what is here"
_FOLDER = "FOLDER"


def command(names: Iterable[str], root: Path | None) -> str:
    """Return the command that gets sets and lays them out below the data root.

    Args:
        names: Sets that can be got.
        root: Data root; None where none is set, for which the word FOLDER stands.
    """
    place = _FOLDER if root is None else shlex.quote(str(root))
    return f"harness data prepare {' '.join(names)} --data-root {place}"


def for_missing(names: Iterable[str], root: Path | None, purpose: Purpose) -> str:
    """Return what to do about sets that are not there, as the end of an error's sentence.

    Args:
        names: Sets by any of their names; those that nobody knows how to get are passed over.
        root: Data root; None where none is set.
        purpose: What the sets are for: one that is only of the other is not named.

    Example:
        >>> for_missing(["Set5"], Path("data"), "test")
        '; `harness data prepare Set5 --data-root data` gets it, `harness doctor` says what is here'
    """
    known = dict.fromkeys(name for one in names if (name := _known(one, purpose)))
    if not known:
        return f"; `harness data list` names what can be got, {_DOCTOR}"
    gets = "gets it" if len(known) == 1 else "gets them"
    then = f" (then set HARNESS_DATA to {_FOLDER})" if root is None else ""
    return f"; `{command(known, root)}` {gets}{then}, {_DOCTOR}"


def nearest(name: str, present: Iterable[str], purpose: Purpose) -> str:
    """Return the set that a name may stand for, as a hint in brackets, or those that are there.

    A name that a set to be got has is no typing error: no other set is put in its place.
    """
    can_be_got = {one for one in registry.known() if _known(one, purpose)}
    typed = not _known(name, purpose)
    near = suggest(name, {*present, *can_be_got}, listing=False) if typed else ""
    return near or suggest(name, present)


def _known(name: str, purpose: Purpose) -> str:
    """Return the registry's name of a set for a purpose; empty where it has none."""
    try:
        (image_set,) = registry.named([name])
    except UsageError:
        return ""
    homes = {"train": ("train", "DIV2K"), "test": ("benchmark", "DIV2K")}[purpose]
    tops = {part.folder.partition("/")[0] for part in image_set.parts}
    return image_set.name if tops & set(homes) else ""

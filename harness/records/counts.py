"""The stored counts of every registered network: results/efficiency/counts.json.

They stand in a file so that tables need no torch; a test holds them to what
``harness flops`` counts now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

from harness.errors import RecordError
from harness.host.files import reason
from harness.host.paths import bundled

FILE_NAME = "counts.json"
RECOUNT = (
    "harness flops --all --convention executed --format json "
    f"-o {Path('results', 'efficiency', FILE_NAME)}"
)
"""The command that writes the file."""

_TYPES: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "label": str,
    "scale": int,
    "params": int,
    "params_deployed": int,
    "multi_adds": int,
    "activations": int,
    "convs": int,
    "rule": (str, NoneType),
    "rule_params": (int, NoneType),
    "rule_multi_adds": (int, NoneType),
    "note": str,
}


@dataclass(frozen=True, slots=True)
class Count:
    """What one network costs at one scale, for a 1280x720 output.

    Attributes:
        model: Id of the network.
        label: Its name in tables.
        scale: Upscaling factor.
        params: Trainable scalars.
        params_deployed: Those left with weight norm and batch norm folded.
        multi_adds: Multi-Adds that it executes.
        activations: Elements that convolutions write.
        convs: Convolutions executed.
        rule: Name of the rule of the published counts; None where its layers are unknown.
        rule_params: Parameters by it.
        rule_multi_adds: Multi-Adds by it.
        note: Why the published counts differ, empty where they do not.
    """

    model: str
    label: str
    scale: int
    params: int
    params_deployed: int
    multi_adds: int
    activations: int
    convs: int
    rule: str | None
    rule_params: int | None
    rule_multi_adds: int | None
    note: str

    @property
    def lr_px(self) -> Fraction:
        """Pixels of the LR image; a fraction where the scale does not divide 1280x720."""
        return Fraction(1280 * 720, self.scale**2)


def load(folder: Path | None = None) -> dict[tuple[str, int], Count]:
    """Return the counts by label and scale, in the order of the registry.

    Args:
        folder: Where the file lies; by default the one shipped with the harness.

    Raises:
        RecordError: The file is missing or broken; the message says how to write it anew.
    """
    path = (bundled("efficiency") if folder is None else folder) / FILE_NAME
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        problem = f"cannot be read: {reason(error)}"
    except ValueError as error:
        problem = f"is broken: {error}"
    raise RecordError(f"{path}: {problem} (`{RECOUNT}` writes it)")


def of(stored: Mapping[tuple[str, int], Count], label: str, scale: int) -> Count:
    """Return the count of a published system.

    Raises:
        RecordError: There is none; the message says how to write them anew.
    """
    count = stored.get((label, scale))
    if count is None:
        raise RecordError(f"the stored counts lack {label} x{scale} (`{RECOUNT}` writes them)")
    return count


def of_model(model: str, scale: int) -> Count:
    """Return the stored count of a registered network by its id.

    Raises:
        RecordError: There is none; the message says how to write them anew.
    """
    count = _shipped().get((model, scale))
    if count is None:
        raise RecordError(f"the stored counts lack {model} x{scale} (`{RECOUNT}` writes them)")
    return count


@cache
def _shipped() -> dict[tuple[str, int], Count]:
    """Return the counts shipped with the harness, by id and scale."""
    return {(count.model, count.scale): count for count in load().values()}


def _parse(entries: Any) -> dict[tuple[str, int], Count]:
    """Return the counts of a parsed file.

    Raises:
        ValueError: It does not hold what it should.
    """
    if not isinstance(entries, list):
        raise ValueError(f"expected a list of rows, got {type(entries).__name__}")
    found: dict[tuple[str, int], Count] = {}
    for number, entry in enumerate(entries, start=1):
        count = _count(entry, f"row {number}")
        if found.setdefault((count.label, count.scale), count) is not count:
            raise ValueError(f"row {number}: {count.label} x{count.scale} stands there already")
    return found


def _count(entry: Any, where: str) -> Count:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where}: expected an object, got {type(entry).__name__}")
    for key, expected in _TYPES.items():
        if key not in entry:
            raise ValueError(f"{where}: '{key}' is missing")
        if not isinstance(entry[key], expected):
            raise ValueError(f"{where}: '{key}' cannot be {entry[key]!r}")
    if entry.get("convention") != "executed":
        raise ValueError(f"{where}: expected the convention 'executed'")
    return Count(**{key: entry[key] for key in _TYPES})

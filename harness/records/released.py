"""Weights that others released: what they stand for, and what their papers print.

The facts are in ``results/published/weights.yaml``; the files themselves are never part of
the project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from harness.config import paper, protocols
from harness.config.protocols import DEFAULT
from harness.errors import RecordError
from harness.host.paths import bundled
from harness.records import published

Training = Literal["authors", "retrained"]

FILE_NAME = "weights.yaml"
SETS = ("Set5", "Set14", "B100")
SMALL_SETS = ("Set5", "Set14")


@dataclass(frozen=True, slots=True)
class Weights:
    """One released file.

    Attributes:
        file: Its name.
        sha256: Of its bytes.
        source: Repository, file and commit it comes from.
        training: Whether it holds the weights of the paper, or of a training by others or
            of a later time.
        model: Id of the network.
        scales: Upscaling factors it was trained for.
        protocol: How the printed numbers were measured.
        label: Row of Table 5 that it stands for; empty where there is none.
        also: Other protocols to score it by, on small sets; everywhere where the default
            protocol has run the network on the same LR already.
        sets: Sets to score by its own protocol and by the default one.
        published: PSNR in dB and SSIM as printed, by scale and set, in place of Table 5's.
        because: Why the printed numbers do or do not come out; empty where nobody knows.
    """

    file: str
    sha256: str
    source: str
    training: Training
    model: str
    scales: tuple[int, ...]
    protocol: str
    label: str = ""
    also: tuple[str, ...] = ()
    sets: tuple[str, ...] = SETS
    published: Mapping[int, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    because: str = ""

    def protocols(self, set_name: str) -> tuple[str, ...]:
        """Return the protocols to score a set by, the paper's own first."""
        if set_name not in self.sets:
            return ()
        free = (name for name in self.also if protocols.get(name).sees_as(DEFAULT))
        others = self.also if set_name in SMALL_SETS else free
        return tuple(dict.fromkeys((self.protocol, DEFAULT.name, *others)))


@cache
def load(folder: Path | None = None) -> tuple[Weights, ...]:
    """Return every released file that is known, in the order of Table 5.

    Args:
        folder: Where the list lies; by default the one shipped with the harness.

    Raises:
        RecordError: The list is broken.
    """
    path = (bundled("published") if folder is None else folder) / FILE_NAME
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return tuple(_weights(entry) for entry in raw)
    except (OSError, yaml.YAMLError, TypeError, ValueError, KeyError) as error:
        raise RecordError(f"'{path}' is no list of weights: {error}") from error


def _weights(entry: dict[str, Any]) -> Weights:
    lists = {key: tuple(entry[key]) for key in ("scales", "also", "sets") if key in entry}
    printed = {
        int(scale): {name: (float(psnr), float(ssim)) for name, (psnr, ssim) in sets.items()}
        for scale, sets in entry.get("published", {}).items()
    }
    return Weights(**(entry | lists | {"published": printed}))


def printed(weights: Weights, scale: int) -> dict[str, tuple[float, float]]:
    """Return PSNR in dB and SSIM that the paper prints, by set.

    Those of the weights' own list go before those of Table 5.

    Raises:
        RecordError: The published values cannot be read.
    """
    found: dict[tuple[str, str], float] = {}
    for cell in published.load(paper.SYSTEMS_TABLE) if weights.label else ():
        if (cell.label, cell.scale) == (weights.label, scale) and cell.value is not None:
            found[cell.set, cell.metric] = float(cell.value)
    of_table = {
        name: (psnr, found[name, "ssim"])
        for (name, metric), psnr in found.items()
        if metric == "psnr_db" and (name, "ssim") in found
    }
    return of_table | dict(weights.published.get(scale, {}))

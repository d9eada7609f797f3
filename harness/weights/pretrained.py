"""Weights that are bundled with the harness, so that a photograph can be upscaled at once.

Their model card is ``results/pretrained/README.md``.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.host.paths import bundled

MODEL = "awsrn_s"
"""Network that upscales where none is named."""

SCALE = 2
"""Factor it upscales by where none is named."""

_NAME = re.compile(r"(?P<model>.+)_x(?P<scale>\d+)\.safetensors")


def files() -> dict[tuple[str, int], Path]:
    """Return the files of weights by id of the network and upscaling factor.

    Raises:
        UsageError: The installation lacks its folder.
    """
    present = {}
    for path in sorted(bundled("pretrained").iterdir()):
        if match := _NAME.fullmatch(path.name):
            present[match["model"], int(match["scale"])] = path
    return present


def find(model: str, scale: int) -> Path | None:
    """Return the bundled weights of a network, or None where there are none.

    Args:
        model: Id of a registered network.
        scale: Upscaling factor.
    """
    return files().get((model, scale))


def scales(model: str) -> tuple[int, ...]:
    """Return the upscaling factors that a network has weights for."""
    return tuple(sorted(scale for name, scale in files() if name == model))

"""Name and fingerprint a cell by what determines its weights, and nothing else."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from harness.config.settings import Config
from harness.experiment.plan import Cell
from harness.records import conditions, record
from harness.records.marks import RECIPE
from harness.weights import parts


def shared(cell: Cell, config: Config, data_sha256: str | None) -> dict[str, Any]:
    """Return what determines the weights, apart from the row and the seed.

    Args:
        cell: The cell.
        config: Settings with every automatic choice made.
        data_sha256: Digest of the training pixels; None where nothing is trained.
    """
    if not cell.trained:
        return {"recipe": RECIPE, "scale": cell.scale}
    return conditions.of_training(
        recipe=RECIPE, scale=cell.scale, data=data_sha256, torch=_torch(), config=config
    )


@cache
def _torch() -> str:
    """Return the version of PyTorch; to look it up takes milliseconds."""
    return version("torch")


def training(cell: Cell, config: Config, data_sha256: str | None) -> str:
    """Return the SHA-256 of what determines a cell's weights besides the network's code."""
    own = {"overrides": parts.portable(cell.row.overrides), "seed": cell.seed}
    return record.digest(own | shared(cell, config, data_sha256))


def fingerprint(training: str, code: str) -> str:
    """Return the SHA-256 of everything that determines a cell's weights.

    Args:
        training: Of all but the code, from :func:`training`.
        code: Of the network's code, from :func:`harness.weights.networks.code_digest`.
    """
    return record.digest({"training": training, "code": code})


def group(cell: Cell, config: Config, data_sha256: str | None) -> str:
    """Return the hash that comparable cells have in common; empty where nothing is trained."""
    return conditions.group(shared(cell, config, data_sha256)) if cell.trained else ""

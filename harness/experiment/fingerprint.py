"""Name and fingerprint a cell by what determines its weights, and nothing else."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

from harness.config.settings import Config
from harness.experiment.plan import Cell
from harness.records import record
from harness.weights import user_code

RECIPE = 1
"""Raised when the same settings would give other weights than before, so that earlier
records are not taken for results of the present code."""


def shared(cell: Cell, config: Config, data_sha256: str | None) -> dict[str, Any]:
    """Return what determines the weights, apart from the row and the seed.

    Args:
        cell: The cell.
        config: Settings with every automatic choice made.
        data_sha256: Digest of the training pixels; None where nothing is trained.
    """
    content: dict[str, Any] = {"recipe": RECIPE, "scale": cell.scale}
    if not cell.trained:
        return content
    train = config.train
    content |= {
        "steps": train.steps,
        "batch": train.batch,
        "patch": train.patch,
        "lr": train.lr,
        "schedule": train.schedule,
        "data": data_sha256,
        "precision": config.precision,
        "device": config.device,
        "devices": config.devices,
        "torch": version("torch").partition("+")[0],
    }
    if train.schedule == "halving":
        content["halve_every"] = train.halve_every
    if train.channels_last:  # named only where it is set: earlier fingerprints stay
        content["channels_last"] = True
    if config.device == "cpu":
        content["threads"] = config.threads
    return content


def fingerprint(cell: Cell, config: Config, data_sha256: str | None) -> str:
    """Return the SHA-256 of everything that determines a cell's weights."""
    own = {
        "model": cell.row.model,
        "source": _source_digest(cell.row.model),
        "overrides": cell.row.overrides,
        "seed": cell.seed,
    }
    return record.digest(own | shared(cell, config, data_sha256))


def group(cell: Cell, config: Config, data_sha256: str | None) -> str:
    """Return the hash that comparable cells have in common; empty where nothing is trained."""
    return record.digest(shared(cell, config, data_sha256))[:12] if cell.trained else ""


def _source_digest(model: str) -> str | None:
    """Return the digest of the file that a user's own class comes from."""
    where, colon, _ = model.rpartition(":")
    file = user_code.source_file(where) if colon else None
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else None

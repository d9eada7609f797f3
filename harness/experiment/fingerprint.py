"""Name and fingerprint a cell by what determines its weights, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from harness.config import settings
from harness.config.file_limits import flat
from harness.config.settings import Config
from harness.experiment.plan import Cell
from harness.records import record
from harness.records.marks import RECIPE
from harness.weights import parts

IRRELEVANT = frozenset(
    {
        # Known by something else: the digest of the pixels, scale and seed of the cell.
        *("profile", "scale", "seeds", "rows", "data.train", "data.lr"),
        # Where things lie, what is looked at and how often, how patches reach the training.
        *("data.root", "data.test", "data.cache", "data.workers", "results.root"),
        *("tracking.mlflow", "tracking.uri"),
        *("train.checkpoint_every", "train.log_every", "train.eval_every"),
    }
)
"""The settings that cannot change the weights of a network. All others are in its fingerprint,
also those that nobody thought of when this was written."""

SOMETIMES: Mapping[str, Callable[[Config], bool]] = {
    "threads": lambda config: config.device == "cpu",
    "train.halve_every": lambda config: config.train.schedule == "halving",
}
"""Settings that can change the weights only together with others."""


def deciding(config: Config) -> dict[str, Any]:
    """Return the settings that the weights of a network depend on, by their keys."""
    return {
        key: value
        for key, value in flat(settings.plain(config))
        if key not in IRRELEVANT and (key not in SOMETIMES or SOMETIMES[key](config))
    }


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
    return content | {"data": data_sha256, "torch": _torch()} | deciding(config)


@cache
def _torch() -> str:
    """Return the version of PyTorch, without its build; to look it up takes milliseconds."""
    return version("torch").partition("+")[0]


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
    return record.digest(shared(cell, config, data_sha256))[:12] if cell.trained else ""

"""Which settings decide about the weights of a network: all that are not declared irrelevant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.config import settings
from harness.config.file_limits import flat
from harness.config.settings import Config

IRRELEVANT = frozenset(
    {
        # Known by something else: the digest of the pixels, scale and seed of the run.
        *("profile", "scale", "seeds", "rows", "data.train", "data.lr"),
        # How many seeds there will be.
        *("until", "max"),
        # Where things lie, what is looked at and how often, how patches reach the training.
        *("data.root", "data.test", "data.cache", "data.workers", "data.resident"),
        "results.root",
        *("tracking.mlflow", "tracking.uri"),
        *("train.checkpoint_every", "train.log_every", "train.eval_every"),
    }
)
"""The settings that cannot change the weights of a network. All others are in its fingerprint,
also those that nobody thought of when this was written."""

SOMETIMES: Mapping[str, Callable[[Config], bool]] = {
    "threads": lambda config: config.device == "cpu",
    "train.halve_every": lambda config: config.train.schedule == "halving",
    "train.compile": lambda config: config.train.compile,
}
"""Settings that can change the weights only together with others."""


def deciding(config: Config) -> dict[str, Any]:
    """Return the settings that the weights of a network depend on, by their keys."""
    return {
        key: value
        for key, value in flat(settings.plain(config))
        if key not in IRRELEVANT and (key not in SOMETIMES or SOMETIMES[key](config))
    }

"""What determines trained weights besides network and seed: what comparable records share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from harness.config import settings
from harness.config.deciding import deciding
from harness.config.settings import Config
from harness.records.record import Record, digest

THREADS = "threads"
"""The condition that is the number of CPU threads; networks trained on a GPU have none."""


def of_training(
    *, recipe: int, scale: int, data: str | None, torch: str, config: Config
) -> dict[str, Any]:
    """Return the conditions of a training, by name.

    Args:
        recipe: How networks are trained, see :data:`harness.records.marks.RECIPE`.
        scale: Upscaling factor.
        data: Digest of the training pixels; None where they are not known yet.
        torch: Version of PyTorch, with or without its build.
        config: Settings with every automatic choice made.
    """
    return {**_known(recipe, scale, data, torch), **deciding(config)}


def group(conditions: Mapping[str, Any]) -> str:
    """Return the hash that trainings under the same conditions have in common."""
    return digest(conditions)[:12]


def of_record(record: Record) -> dict[str, Any] | None:
    """Return the conditions of a record, None where nothing was trained or they are not kept."""
    config = record.config
    if not record.group or config.train is None or record.data.train is None:
        return None
    of_machine = {key: getattr(config, key) for key in ("precision", "device", "devices", THREADS)}
    of_train = {
        f"train.{key.name}": getattr(config.train, key.name) for key in fields(config.train)
    }
    values = of_machine | of_train
    decided = _decided(tuple(values), *values.values())
    if decided is None:
        return None
    train, version = record.data.train, record.provenance.torch
    return {**_known(record.recipe, record.scale, train.sha256, version), **decided}


@lru_cache(maxsize=1024, typed=True)
def _decided(keys: tuple[str, ...], *values: Any) -> Mapping[str, Any] | None:
    """Return the deciding ones of settings, which most records share; None where one cannot be."""
    made, problems = settings.make([dict(zip(keys, values, strict=True))])
    return None if problems else deciding(made)


def _known(recipe: int, scale: int, data: str | None, torch: str) -> dict[str, Any]:
    return {"recipe": recipe, "scale": scale, "data": data, "torch": torch.partition("+")[0]}


def are_complete(record: Record) -> bool:
    """Tell whether the group of a record is that of its conditions.

    It is not in records of earlier recipes, whose groups were made otherwise: two of these may
    differ in more than their conditions say.
    """
    conditions = of_record(record)
    return conditions is not None and group(conditions) == record.group

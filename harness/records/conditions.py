"""What determines trained weights besides network and seed: what comparable records share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
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
    known = {"recipe": recipe, "scale": scale, "data": data, "torch": torch.partition("+")[0]}
    return known | deciding(config)


def group(conditions: Mapping[str, Any]) -> str:
    """Return the hash that trainings under the same conditions have in common."""
    return digest(conditions)[:12]


def of_record(record: Record) -> dict[str, Any] | None:
    """Return the conditions of a record, None where nothing was trained or they are not kept."""
    config = record.config
    if not record.group or config.train is None or record.data.train is None:
        return None
    of_machine = {key: getattr(config, key) for key in ("precision", "device", "devices", THREADS)}
    of_train = {f"train.{key}": value for key, value in asdict(config.train).items()}
    made, problems = settings.make([of_machine | of_train])
    if problems:  # values that no setting can have
        return None
    return of_training(
        recipe=record.recipe,
        scale=record.scale,
        data=record.data.train.sha256,
        torch=record.provenance.torch,
        config=made,
    )


def are_complete(record: Record) -> bool:
    """Tell whether the group of a record is that of its conditions.

    It is not in records of earlier recipes, whose groups were made otherwise: two of these may
    differ in more than their conditions say.
    """
    conditions = of_record(record)
    return conditions is not None and group(conditions) == record.group

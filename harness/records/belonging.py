"""Which records and failures are runs of which row, and of the network as it is today."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from harness.config.ablation import Row
from harness.errors import UsageError
from harness.records.failure import Failure
from harness.records.record import Record
from harness.weights import networks, parts

log = logging.getLogger(__name__)


def belongs(run: Record | Failure, row: Row) -> bool:
    """Tell whether a record or a failure is a run of that row."""
    return (
        sorted(run.drop) == sorted(row.drop)
        and _alike(run.overrides, row.overrides)
        and _is_of(run, row)
    )


def _alike(options: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Tell whether options are the same, wherever the files lie that they name."""
    return options == others or parts.portable(options) == parts.portable(others)


def _is_of(run: Record | Failure, row: Row) -> bool:
    """Tell whether a run is of a network: a registered one by its id, a user's by its code.

    A user's failures, and records of before marks were kept, are known by the name, as are all
    where the file is not there.
    """
    users = networks.is_users(row.model) or bool(parts.named(row.overrides))
    if isinstance(run, Record) and run.marks.code and users:
        try:
            return networks.code_digest(row.model, row.overrides) in run.marks.code
        except UsageError:
            log.debug("the code of '%s' is not here: records are known by its name", row.label)
    return run.model == row.model


def is_of_today(record: Record) -> bool:
    """Tell whether a record is of its network as it stands in the code today."""
    if not record.marks.code:
        return False
    try:
        return networks.code_digest(record.model, record.overrides) in record.marks.code
    except UsageError:
        return False

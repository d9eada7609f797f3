"""Trainings that differ in the number of CPU threads alone, as if they were comparable."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.records import conditions
from harness.records.failure import Failure
from harness.records.record import Record, digest
from harness.weights import networks, parts

log = logging.getLogger(__name__)


def joint_group(record: Record) -> str:
    """Return the group of a record, whatever the number of its CPU threads.

    That is its own where it was trained on a GPU, or where nobody can tell in what else it may
    differ from others, as in records of earlier recipes.
    """
    known = conditions.of_record(record)
    if known is None or conditions.THREADS not in known or not conditions.are_complete(record):
        return record.group
    del known[conditions.THREADS]
    return conditions.group(known)


def merged(
    records: Sequence[Record], failures: Iterable[Failure] = ()
) -> tuple[list[Record], list[Failure]]:
    """Put the groups together that differ in the number of CPU threads alone.

    Of one network and seed that was trained with several numbers, the training is kept whose
    number most trainings of the new group have, of equally many the smallest; the log names the
    others.

    Args:
        records: Any records; those of other groups stay as they are.
        failures: Any failures; those of runs of a group go with it.
    """
    joint = {record.group: joint_group(record) for record in records if record.group}
    several = {one for one, count in Counter(joint.values()).items() if count > 1}
    new = {own: one for own, one in joint.items() if one in several}
    _say_what_stays(records, joint, new)
    passed_over = {record.id for record in _doublets(records, new)}
    return (
        [
            replace(record, group=new.get(record.group, record.group))
            for record in records
            if record.id not in passed_over
        ],
        [replace(failed, group=new.get(failed.group, failed.group)) for failed in failures],
    )


def _doublets(records: Iterable[Record], new: dict[str, str]) -> Iterable[Record]:
    """Return the records that another of the same network and seed stands for."""
    joined: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.group in new:
            joined[new[record.group]].append(record)
    for alike in joined.values():
        often = Counter(record.config.threads for record in alike)
        numbers = sorted(often, key=lambda number: (-often[number], number))
        kept: dict[str, Record] = {}
        for record in sorted(alike, key=lambda one: numbers.index(one.config.threads)):
            chosen = kept.setdefault(_training(record), record)
            if chosen.config.threads != record.config.threads:
                log.warning(
                    "passed over: '%s' (%d threads), as '%s' (%d threads) is of the same network "
                    "and seed",
                    record.id,
                    record.config.threads,
                    chosen.id,
                    chosen.config.threads,
                )
                yield record


def _training(record: Record) -> str:
    """Return what two trainings of the same network and seed have in common."""
    model = record.model.rpartition(":")[2] if networks.is_users(record.model) else record.model
    options = parts.portable(record.overrides)
    return digest({"of": model, "with": options, "drop": sorted(record.drop), "seed": record.seed})


def _say_what_stays(records: Iterable[Record], joint: dict[str, str], new: dict[str, str]) -> None:
    """Say of which groups nobody can tell whether they differ in the number of threads alone."""
    unknown = {
        record.group: record.id
        for record in records
        if record.group and record.config.device == "cpu" and joint[record.group] == record.group
    }
    for group, example in unknown.items():
        if group not in new:
            log.info(
                "group %s (such as '%s') is of an earlier recipe, which does not tell all that "
                "its trainings have in common: it stays by itself",
                group,
                example,
            )

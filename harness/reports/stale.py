"""Files of tables that an earlier grouping of the records gave, and this one does not."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.config.ablation import Ablation
from harness.host.files import reason
from harness.records.record import Record
from harness.records.threads import joint_group
from harness.reports import notes
from harness.reports.tables import beside, pairs
from harness.reports.tables.render import FORMATS

log = logging.getLogger(__name__)


def remove(
    reports: Path, ablations: Iterable[Ablation], records: Sequence[Record], written: Iterable[Path]
) -> tuple[Path, ...]:
    """Remove what :func:`left` finds; returns the files that were removed."""
    return tuple(path for path in left(reports, ablations, records, written) if _remove(path))


def left(
    reports: Path, ablations: Iterable[Ablation], records: Sequence[Record], written: Iterable[Path]
) -> tuple[Path, ...]:
    """Return what would stand beside the new tables of an ablation and say something else.

    One training of an ablation gives ``NAME.md``, two that are not comparable ``NAME_GROUP.md``
    each. Only files of these very names are found, NAME and GROUP being those that the records
    give, and only where a table of the same NAME has just been written: tables of other
    trainings, and files that anybody else put there, stay.

    Args:
        reports: The folder of the tables.
        ablations: Those whose tables were written.
        records: All stored records.
        written: The files that were written.

    Returns:
        The files, those that are there.
    """
    new = set(written)
    names = {path.stem for path in new}
    trained = [record for record in records if record.group]
    groups = {group for record in trained for group in (record.group, joint_group(record))}
    stems = {notes.stem(ablation.name, record) for ablation in ablations for record in trained}
    recipes = sorted({record.recipe for record in trained})
    found: list[Path] = []
    for stem in sorted(stems):
        own = [stem, *(notes.of_recipe(stem, recipe) for recipe in recipes)]
        own += [f"{name}_{group[:6]}" for name in own for group in sorted(groups)]
        own += [of(name) for name in own for of in (pairs.name_of, beside.name_of)]
        if not names.intersection(own):
            continue
        paths = [reports / f"{name}.{ending}" for name in own for ending in FORMATS]
        found += [path for path in paths if path not in new and path.is_file()]
    return tuple(found)


def _remove(path: Path) -> bool:
    """Remove a file, and tell whether it is gone."""
    try:
        path.unlink()
    except OSError as error:
        log.warning("'%s' is of an earlier grouping and cannot be removed: %s", path, reason(error))
        return False
    log.info("removed '%s', the table of an earlier grouping of the records", path)
    return True

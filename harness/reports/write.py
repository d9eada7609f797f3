"""Write all tables: those of ablations, of released weights, and of what networks cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.config.ablation import Ablation, load, shipped
from harness.errors import HarnessError, UsageError, suggest
from harness.host.process import uncollected
from harness.host.progress import over
from harness.records import failure, threads
from harness.records.failure import Failure
from harness.records.record import Record, load_all
from harness.reports import notes, stale
from harness.reports.tables import (
    ablation,
    efficiency,
    modern,
    protocol,
    render,
    rescored,
    systems,
)
from harness.reports.tables.table import Table


def folder(results: Path) -> Path:
    """Return where tables are written below a results root."""
    return results / "reports"


@uncollected()
def write(
    ablations: Iterable[Ablation],
    results: Path,
    *,
    merge_threads: bool = False,
    of: Iterable[Record | Failure] | None = None,
) -> tuple[Path, ...]:
    """Render every table of some ablations as LaTeX, CSV and Markdown.

    The tables depend on the records alone: writing twice gives the same bytes. Files that
    another grouping of the same records gave are removed.

    Args:
        ablations: The ablations; those without records have no table.
        results: Results root, with ``results/runs`` below it.
        merge_threads: Whether trainings that differ in the number of CPU threads alone stand in
            one table.
        of: What a run has done: only the tables are written that it belongs to, those of its
            scales, training sets and steps, and the one of a comparison of systems. None: all.

    Returns:
        The files, sorted.

    Raises:
        RecordError: A record cannot be read.
        HarnessError: A file cannot be written.
    """
    return _write(ablations, load_all(results), results, merge_threads=merge_threads, of=of)


@uncollected()
def write_all(results: Path, *, merge_threads: bool = False) -> tuple[Path, ...]:
    """Render the tables of all shipped ablations, of public weights, of Table 5 and of today.

    Args:
        results: Results root, with ``results/runs`` below it; there may be none.
        merge_threads: As for :func:`write`.

    Returns:
        The files, those of ablations first.

    Raises:
        RecordError: A record, the stored counts or the published values cannot be read.
        HarnessError: A file cannot be written.
    """
    stored = load_all(results)
    of_ablations = _write(map(load, shipped()), stored, results, merge_threads=merge_threads)
    return of_ablations + render.write(_of_no_ablation(stored, results), folder(results))


@uncollected()
def check(
    ablations: Iterable[Ablation], results: Path, *, merge_threads: bool = False
) -> tuple[str, ...]:
    """Return how the files of tables differ from what the records give; writes nothing.

    Args:
        ablations: As for :func:`write`; without any, all tables of :func:`write_all`.
        results: As there.
        merge_threads: As there.

    Returns:
        A text for each file that is missing, other or left of an earlier grouping.

    Raises:
        RecordError: A record, the stored counts or the published values cannot be read.
        HarnessError: There is no record to make a table of.
    """
    stored = load_all(results)
    chosen = tuple(ablations)
    asked = chosen or tuple(map(load, shipped()))
    tables = _of_ablations(asked, stored, results, merge_threads=merge_threads)
    if chosen and not tables:
        raise no_records(results)
    reports = folder(results)
    made = {path.name for path in render.files(tables, reports)}
    leftover = stale.left(reports, asked, stored, (reports / name for name in made))
    if not chosen:
        tables += _of_no_ablation(stored, results)
    texts = [f"{path}: is left of an earlier grouping of the records" for path in leftover]
    return (*render.differences(tables, reports), *texts)


def no_records(results: Path) -> HarnessError:
    """Return the error for a results root without records that make a table."""
    return HarnessError(
        f"no records to make tables of in '{results / 'results' / 'runs'}': "
        "run an ablation first, for example harness run ablation=awru"
    )


def _of_no_ablation(stored: Sequence[Record], results: Path) -> list[Table]:
    """Return the tables of public weights, of Table 5, and of networks younger than it."""
    made = protocol.build(stored), rescored.build(stored)
    tables = [efficiency.build(), *made, modern.build(stored, results)]
    return [table for table in tables if table is not None]


def _of_ablations(
    ablations: Sequence[Ablation], stored: Sequence[Record], results: Path, *, merge_threads: bool
) -> list[Table]:
    failures: Sequence[Failure] = failure.load_all(results)
    if merge_threads:
        stored, failures = threads.merged(stored, failures)
    shown = over(ablations, "make tables")
    return [table for chosen in shown for table in build(chosen, stored, failures)]


@uncollected()
def named(name: str, results: Path, *, merge_threads: bool = False) -> tuple[Table, ...]:
    """Return the tables of an ablation, or one table by the name of its files.

    Args:
        name: A shipped ablation, a YAML file, or a table: ``awru_x2_T291+General100_2500steps``,
            ``table5_rescored``, ``protocol``, ``table5_efficiency``, ``modern``.
        results: Results root, with ``results/runs`` below it.
        merge_threads: As for :func:`write`.

    Raises:
        UsageError: There is no such ablation or table.
        RecordError: A record, the stored counts or the published values cannot be read.
    """
    stored, failures = load_all(results), failure.load_all(results)
    if merge_threads:
        stored, failures = threads.merged(stored, failures)
    if name in shipped() or Path(name).is_file():
        return build(load(name), stored, failures)
    every = over([load(one) for one in shipped()], "make tables")
    tables = [table for one in every for table in build(one, stored, failures)]
    by_name = {table.name: table for table in (*tables, *_of_no_ablation(stored, results))}
    if name not in by_name:
        hint = suggest(name, [*shipped(), *by_name])
        raise UsageError(f"there is no ablation and no table '{name}'{hint}")
    return (by_name[name],)


def _write(
    ablations: Iterable[Ablation],
    stored: Sequence[Record],
    results: Path,
    *,
    merge_threads: bool,
    of: Iterable[Record | Failure] | None = None,
) -> tuple[Path, ...]:
    asked = tuple(ablations)
    tables = _of_ablations(asked, stored, results, merge_threads=merge_threads)
    if of is not None:
        groups = {one.group for one in of if one.group}
        trained = [record for record in stored if record.group in groups]
        tables = [table for table in tables if any(_belongs(table, one, trained) for one in asked)]
    written = render.write(tables, folder(results))
    stale.remove(folder(results), asked, stored, written)
    return written


def _belongs(table: Table, chosen: Ablation, trained: Iterable[Record]) -> bool:
    """Tell whether a table of an ablation is of trainings such as these; that of systems is."""
    if chosen.compares_systems:
        return True
    stems = {notes.stem(chosen.name, record) for record in trained}
    return any(table.name == stem or table.name.startswith(f"{stem}_") for stem in stems)


def build(
    chosen: Ablation, stored: Sequence[Record], failures: Sequence[Failure] = ()
) -> tuple[Table, ...]:
    """Return the tables of an ablation: of rows trained alike, or of whole systems."""
    if chosen.compares_systems:
        return systems.build(chosen, stored, failures)
    return ablation.build(chosen, stored, failures)

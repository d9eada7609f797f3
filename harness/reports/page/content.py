"""What a page shows: put together from stored records, published numbers and stored counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config import ablation
from harness.config.ablation import Ablation
from harness.efficiency.bench import rows as bench_rows
from harness.errors import HarnessError, UsageError
from harness.records import failure
from harness.records.counts import RECOUNT
from harness.records.failure import Failure
from harness.records.record import Record, load_all
from harness.reports import notes, write
from harness.reports.commands import Asked
from harness.reports.page import details, lines, points, shown
from harness.reports.page.points import Plot
from harness.reports.page.shown import ShownTable
from harness.reports.tables import efficiency, modern, modern_rows, protocol, rescored


@dataclass(frozen=True, slots=True)
class Section:
    """One ablation, or one kind of tables.

    Attributes:
        name: Of the ablation; an anchor of the page.
        title: Its heading.
        tables: Its tables.
        curves: Curves of its trainings, for JSON.
    """

    name: str
    title: str
    tables: tuple[ShownTable, ...]
    curves: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """All that a page shows, photographs apart.

    Attributes:
        sections: Ablations, then what was scored and counted.
        plot: PSNR over what networks cost.
        learned: Learned weights, for JSON.
        records: Every record that a number comes from, by id.
        data: What the scripts draw, for JSON.
        commits: From which commits the records are.
        finished: When the last of them was.
    """

    sections: tuple[Section, ...]
    plot: Plot
    learned: tuple[dict[str, Any], ...]
    records: tuple[Record, ...]
    data: dict[str, Any]
    commits: str
    finished: str


def of(names: Sequence[str], results: Path) -> Page:
    """Return what a page of some ablations shows; without names, of all there is.

    Args:
        names: Shipped ablations, or YAML files.
        results: Results root, with ``results/runs`` below it.

    Raises:
        UsageError: There is no such ablation, or two have one name.
        HarnessError: There are no records of them.
        RecordError: A record, the stored counts or the published values cannot be read.
    """
    stored = load_all(results)
    failures = failure.load_all(results)
    known = {record.id: record for record in stored}
    asked = _asked(names or ablation.shipped())
    if not stored:
        raise HarnessError(
            f"no records to make a page of in '{results / 'results' / 'runs'}': "
            "run an ablation first, for example harness run ablation=awru"
        )
    sections = [_section(one, stored, failures, known) for one in asked]
    sections = [one for one in sections if one.tables or one.curves]
    if names and len(sections) < len(asked):
        there = {one.name for one in sections}
        missing = next(one.name for one in asked if one.ablation.name not in there)
        raise HarnessError(f"no records of '{missing}' in '{results / 'results' / 'runs'}'")
    if not names:
        sections += _of_everything(stored, known, results)
    return _page(sections, asked, stored, results)


def _asked(names: Iterable[str]) -> list[Asked]:
    """Return the ablations, each once.

    Raises:
        UsageError: Two files have one name, so that their tables would have, too.
    """
    asked: dict[str, Asked] = {}
    for name in dict.fromkeys(names):
        one = Asked(name, ablation.load(name))
        other = asked.setdefault(one.ablation.name, one)
        if other is not one:
            raise UsageError(f"'{other.name}' and '{name}' are ablations of one name: rename one")
    return list(asked.values())


def _page(
    sections: Sequence[Section], asked: Sequence[Asked], stored: Sequence[Record], results: Path
) -> Page:
    measured = bench_rows.read_all(results / "results" / "bench")
    today = modern_rows.systems(stored, results)
    plot, plotted = points.of([one.ablation for one in asked], stored, measured, today)
    ids = {
        one for section in sections for table in section.tables for one in shown.record_ids(table)
    }
    ids |= {one.id for one in plotted}
    ids |= {one for section in sections for curve in section.curves for one in curve["records"]}
    learned = lines.learned(record for record in stored if record.id in ids)
    used = tuple(record for record in stored if record.id in ids)
    data = {
        "plot": points.as_data(plot),
        "curves": {one["name"]: one for section in sections for one in section.curves},
        "learned": {one["name"]: one for one in learned},
        **details.of(used, asked),
    }
    return Page(
        sections=tuple(sections),
        plot=plot,
        learned=tuple(learned),
        records=used,
        data=data,
        commits=notes.distinct(used, notes.commit) or "",
        finished=max((one.provenance.finished for one in used), default=""),
    )


def _section(
    asked: Asked, stored: Sequence[Record], failures: Sequence[Failure], known: dict[str, Record]
) -> Section:
    chosen: Ablation = asked.ablation
    tables = write.build(chosen, stored, failures)
    origin = f"harness tables {asked.name}"
    return Section(
        chosen.name,
        chosen.title,
        tuple(shown.of(table, known, origin=origin) for table in tables),
        tuple(lines.curves_of(chosen, stored)),
    )


def _of_everything(
    stored: Sequence[Record], known: dict[str, Record], results: Path
) -> Iterable[Section]:
    younger = modern.build(stored, results)
    made = (
        ("rescored", "Table 5 under one protocol", rescored.build(stored), "harness tables"),
        ("protocol", "Public weights", protocol.build(stored), "harness tables"),
        ("modern", "Today's networks", younger, "harness tables"),
        ("efficiency", "Parameters and Multi-Adds", efficiency.build(), RECOUNT),
    )
    for name, title, table, origin in made:
        if table:
            yield Section(name, title, (shown.of(table, known, origin=origin),))

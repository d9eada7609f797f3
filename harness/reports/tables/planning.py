"""The table of what must be run: seeds for a wished difference, on which sets, and the hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isinf

from harness.config.ablation import Ablation
from harness.records.record import Record
from harness.records.selection import Comparison, comparisons
from harness.reports import notes
from harness.reports.tables.fields import Field, columns_of, field, rows_of
from harness.reports.tables.table import Column, Table, TableCell
from harness.statistics import planning
from harness.statistics.components import Components, Limits
from harness.statistics.planning import Answer
from harness.statistics.power import ASSURANCE, MOST


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be run of rows that were trained alike.

    Attributes:
        name: File name without its ending.
        title: What is compared.
        answers: One a row and choice of sets.
        records: Those of the pilot.
    """

    name: str
    title: str
    answers: tuple[Answer, ...]
    records: tuple[Record, ...]

    @property
    def on_all_sets(self) -> tuple[Answer, ...]:
        """The answers for the mean over all sets, one a row."""
        first: dict[str, Answer] = {}
        for one in self.answers:
            first.setdefault(one.row, one)
        return tuple(first.values())


def plans(
    ablation: Ablation, records: Iterable[Record], *, effect: float, wanted: float
) -> tuple[Plan, ...]:
    """Return a plan for each group of comparable records that has a pilot: two common seeds.

    Args:
        ablation: The rows.
        records: Any records.
        effect: The difference that is to be found, in dB, above zero.
        wanted: How often it is to be found, in 0..1.
    """
    groups = [group for group in comparisons(ablation, records) if planning.pilots(group)]
    names = notes.file_names((ablation.name, group.records[0], group.group[:6]) for group in groups)
    made = [
        Plan(
            f"{name}_plan",
            f"{ablation.title}, x{group.scale}",
            planning.answers(group, effect, wanted),
            _pilot(group),
        )
        for name, group in zip(names, groups, strict=True)
    ]
    return tuple(sorted((plan for plan in made if plan.answers), key=lambda plan: plan.name))


def _pilot(group: Comparison) -> tuple[Record, ...]:
    labels = {one.label for pair in planning.pilots(group) for one in pair}
    return tuple(
        record for entry in group.entries if entry.label in labels for record in entry.records
    )


def build(plan: Plan) -> Table:
    """Return the table of a plan."""
    effect, wanted = plan.answers[0].effect, plan.answers[0].power
    fields = _fields()
    return Table(
        name=plan.name,
        title=f"{plan.title}: what must be run to find {effect:g} dB with a power of {wanted:g}",
        columns=columns_of(fields),
        rows=rows_of(fields, plan.answers, block=lambda one: one.row),
        notes=_notes(plan, effect, wanted),
        marks="none",
        lead=2,
    )


def _fields() -> list[Field[Answer]]:
    return [
        field("row", "Row", lambda one: one.row),
        field("sets", "Sets", lambda one: ", ".join(one.sets)),
        field("base", "Base", lambda one: one.base),
        field("images", "Images", lambda one: sum(one.components.numbers), "count"),
        field("pilot_seeds", "Seeds of\nthe pilot", lambda one: one.components.trainings, "count"),
        *_limits("seeds", "SD over seeds\n(dB)", Components.seeds_sd),
        *_limits("images", "SD over images\n(dB)", Components.images_sd),
        *_limits("residual", "SD of the residual\n(dB)", Components.residual_sd),
        field(
            "half_width_infinite_db",
            "Half-width with\ninfinite seeds (dB)",
            lambda one: one.half_width_db,
            "diff",
        ),
        field(
            "seeds_needed", "Seeds, spread\nas estimated", lambda one: _said(one.needed), "count"
        ),
        field(
            "seeds_assured",
            "Seeds, enough in\n80 % of pilots",
            lambda one: _said(one.assured),
            "count",
        ),
        field(
            "hours_needed",
            "Hours, spread\nas estimated",
            lambda one: one.hours(one.needed),
            "hours",
        ),
        field(
            "hours_assured",
            "Hours, enough in\n80 % of pilots",
            lambda one: one.hours(one.assured),
            "hours",
        ),
        Field(
            Column("seconds_a_seed", printed=False),
            lambda one: one.seconds,
        ),
    ]


def _limits(name: str, title: str, of: Callable[[Components], Limits]) -> list[Field[Answer]]:
    """Return the three fields of a standard deviation, printed in one column."""

    def end(index: int) -> Callable[[Answer], TableCell]:
        return lambda one: float(of(one.components)[index])

    key = f"sd_{name}"
    low = Column(f"{key}_low_db", kind="diff", joined=True, between=" ", form="[{}")
    high = Column(f"{key}_high_db", kind="diff", joined=True, between=", ", form="{}]")
    return [field(f"{key}_db", title, end(0), "diff"), Field(low, end(1)), Field(high, end(2))]


def _said(seeds: float | None) -> TableCell:
    """Return a number of seeds, or why there is none."""
    if seeds is None:
        return "none"
    return f">{MOST:,}" if isinf(seeds) else int(seeds)


def _notes(plan: Plan, effect: float, wanted: float) -> tuple[str, ...]:
    rows = plan.on_all_sets
    beyond = [one.row for one in rows if one.half_width_db > effect]
    known = [one for one in plan.answers if one.seconds is not None]
    texts = [
        f"A true difference of {effect:g} dB is to be found (two-sided at 5 %, by the two-way "
        f"interval over seeds and images) in {100 * wanted:g} % of experiments.",
        f"Pilot: {notes.training_text(plan.records)}; commit "
        f"{notes.distinct(plan.records, notes.commit)}.",
        "SD: of the difference to the base, with 95 % limits by chi-square; over images and of "
        "the residual: the root of the mean variance over the sets.",
        "Seeds, spread as estimated: enough if the variances are those of the pilot. Enough in "
        f"{100 * ASSURANCE:g} % of pilots: if they are at their upper {100 * ASSURANCE:g} % limit "
        "(Graybill and Wang).",
        f"none: no number of seeds with these sets reaches that power, because the images leave "
        f"too much. Half-width with infinite seeds above {effect:g} dB on all sets: "
        f"{'; '.join(beyond)}."
        if beyond
        else "none: no number of seeds with these sets reaches that power, because the images "
        "leave too much.",
        "Other sets answer another question: whether the mean over their images differs.",
        _hours(known, plan.records),
    ]
    shown = {_said(number) for one in plan.answers for number in (one.needed, one.assured)}
    return tuple(text for text in texts if text and ("none" in shown or text[:5] != "none:"))


def _hours(known: Sequence[Answer], records: Sequence[Record]) -> str:
    """Return what the hours are of: they come from the pilot's own trainings."""
    if not known:
        return ""
    where = notes.distinct(records, notes.device)
    return (
        "Hours: of the trainings beyond the pilot's, of the row and of its base, each as long as "
        f"the pilot's were, one after another, on {where}. Rows share the trainings of a base."
    )

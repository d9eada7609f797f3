"""What a run that went well says to do next: commands that can be copied as they stand."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.experiment.plan import Plan
    from harness.records.record import Record
    from harness.records.selection import ComparedRow, Comparison


def lines(name: str, plan: Plan, done: Sequence[Record]) -> list[str]:
    """Return the next steps after a run of an ablation; each command has a line of its own.

    Args:
        name: Of the ablation, as the user has named it.
        plan: The run.
        done: Its records.
    """
    from harness.evaluation.record_names import shortest
    from harness.records.record import load_all
    from harness.records.selection import comparisons

    def command(*words: str) -> str:
        root = plan.config.results.root
        return shlex.join(["harness", *words, *(() if root == "." else ("--results", root))])

    def step(text: str, *words: str) -> list[str]:
        return [f"{text}:", f"    {command(*words)}"]

    found = step("One page with every number", "report", name, "-o", "report.html")
    stored = load_all(plan.results)
    groups = {record.group for record in done if record.group}
    made = [one for one in comparisons(plan.tabulated, stored) if one.group in groups]
    if plan.tabulated.compares_systems or not made:
        return found
    if pair := _pair(made[0], done):
        names = [shortest(row.records, stored) for row in pair]
        found += step("Two rows, with an interval", "compare", *names)
    if all(len(row.records) < 2 for one in made for row in one.entries):
        found += step(
            "One seed a row: a difference means nothing yet. seeds=auto until=0.03 trains as many "
            "as each row needs; how many that may be",
            *("plan", name),
        )
    return found


def _pair(comparison: Comparison, done: Sequence[Record]) -> tuple[ComparedRow, ComparedRow] | None:
    """Return the last row that was run and has a base with records, behind that base."""
    ids = {record.id for record in done}
    for row in reversed(comparison.entries):
        base = comparison.base_of(row)
        own = {record.id for record in row.records}
        if own & ids and base.records and base.label != row.label and not base.reference:
            return base, row
    return None

"""What the differences in a table of an ablation are taken from, and the notes on that."""

from __future__ import annotations

from collections import defaultdict

from harness.config.ablation import Ablation
from harness.records import counts
from harness.records.means import incomparable_sets
from harness.records.selection import ComparedRow, Comparison


def params_of(entry: ComparedRow) -> int | None:
    """Return the parameters of a row, None where it has not been run."""
    return entry.records[0].params if entry.records else None


def base_params(ablation: Ablation, comparison: Comparison, entry: ComparedRow) -> int | None:
    """Return the number of parameters that is subtracted from that of a row."""
    if ablation.params_from is None:
        return params_of(comparison.base_of(entry))
    return counts.of_model(ablation.params_from, comparison.scale).params


def compared(comparison: Comparison) -> tuple[ComparedRow, ...]:
    """Return the rows that differences are taken of and from, for their statistics.

    That is the bicubic one, too, where a network alone is compared with it, and one record has
    all of its scores.
    """
    base = comparison.base
    if base is not comparison.reference or len(base.records) != 1:
        return comparison.entries
    whole = all(base.records[0].score(name) for name in comparison.sets)
    return (*comparison.entries, base) if whole else comparison.entries


def params_note(ablation: Ablation, comparison: Comparison) -> tuple[str, ...]:
    """Return the note about parameters that differ but are not part of the ablation, if any."""
    whole = params_of(comparison.base)
    if ablation.params_from is None or whole is None:
        return ()
    count = counts.of_model(ablation.params_from, comparison.scale)
    return (
        f"Params diff.: relative to {count.label} ({count.params:,} parameters). Its "
        f"{count.params - whole:+,} relative to {comparison.base.label} are left out, because "
        "they are not part of the ablation.",
    )


def bases_note(comparison: Comparison) -> tuple[str, ...]:
    """Return the note about rows that are compared with another row than the base, if any."""
    by_base: defaultdict[str, list[str]] = defaultdict(list)
    for entry in comparison.entries:
        origin = comparison.base_of(entry)
        if entry.records and origin.records and origin is not comparison.base:
            by_base[origin.label] += [entry.label] if entry is not origin else []
    others = [
        f"Differences of these rows are relative to {base}: {'; '.join(rows)}."
        for base, rows in by_base.items()
        if rows
    ]
    if not others:
        return ()
    return (
        f"Differences are relative to {comparison.base.label} except as follows.",
        *others,
    )


def incomparable(comparison: Comparison, entry: ComparedRow) -> list[str]:
    """Return the sets on which a row's PSNR does not compare with its base's."""
    base = comparison.base_of(entry)
    if not entry.records or not base.records:
        return []
    trainings = [record.scores for record in (*entry.records, *base.records)]
    return incomparable_sets(trainings, comparison.sets)

"""The table of ``harness compare``: cost and scores of networks, and whether they differ."""

from __future__ import annotations

from collections.abc import Sequence

from harness.evaluation.contenders import Contender
from harness.records.means import incomparable_sets, mean_over_sets
from harness.reports.notes import incomparable_text, lr_text
from harness.reports.tables import intervals, looks
from harness.reports.tables.fields import (
    Field,
    columns_of,
    counted,
    doubt_notes,
    field,
    hidden,
    joined,
    rows_of,
)
from harness.reports.tables.table import Table
from harness.statistics import estimates


def build(rows: Sequence[Contender], sets: Sequence[str]) -> Table:
    """Return the table of networks that may be compared.

    Args:
        rows: The networks, the first of them the base.
        sets: The sets that the mean runs over; every row has scores on all of them.
    """
    base = rows[0]
    inferences = estimates.of_runs([row.runs for row in rows], base.runs.label, sets)
    fields = _fields(rows, sets, inferences)
    protocol = base.protocols[0]
    lr = lr_text(scores[name] for row in rows for scores in row.runs.scores for name in sets)
    return Table(
        name="compare",
        title=f"Comparison with {base.runs.label}, x{base.scale}",
        columns=columns_of(fields),
        rows=rows_of(fields, rows),
        notes=(
            *(f"{row.runs.label}: {row.origin}." for row in rows),
            f"Scores: protocol {protocol}; {lr}; mean = plain mean of the set means over "
            f"{', '.join(sets)}.",
            *_merged_notes(rows),
            *doubt_notes((row.runs.label, row.count_doubts) for row in rows),
            *warnings(rows, sets),
            *incomparable_text(
                (row.runs.label, base.runs.label, _incomparable(row, base, sets)) for row in rows
            ),
            *intervals.notes(inferences, ssim_printed=True),
        ),
    )


def _merged_notes(rows: Sequence[Contender]) -> tuple[str, ...]:
    labels = [row.runs.label for row in rows if row.params_trained is not None]
    if not labels:
        return ()
    text = "counted in the merged form; Trained: parameters of the form that is trained"
    return (f"{', '.join(labels)}: {text}.",)


def _fields(
    rows: Sequence[Contender], sets: Sequence[str], inferences: Sequence[estimates.Inference]
) -> list[Field[Contender]]:

    def mean(row: Contender) -> float | None:
        return mean_over_sets({name: psnr_db for name, (psnr_db, _) in row.scores.items()}, sets)

    def minus_base(row: Contender) -> float | None:
        if _incomparable(row, rows[0], sets):
            return None
        own = looks.difference(inferences, row.runs.label)
        if own is not None:
            return own
        ours, base = mean(row), mean(rows[0])
        return None if ours is None or base is None else ours - base

    fields: list[Field[Contender]] = [
        field("label", "Network", lambda row: row.runs.label),
        field("params", "Params", lambda row: row.params, "count"),
        field("multi_adds", "Multi-Adds\n(G)", lambda row: counted(row.multi_adds), "giga"),
    ]
    if any(row.params_trained is not None for row in rows):
        fields.insert(
            2, field("params_trained", "Trained", lambda row: row.params_trained, "count")
        )
    if any(row.activations is not None for row in rows):
        fields.append(field("activations", "Activations\n(M)", lambda row: row.activations, "mega"))
    for name in sets:
        fields += _set_fields(name)

    def label_of(row: Contender) -> str:
        return row.runs.label

    spread, interval, details = intervals.fields(inferences, label_of, prefix="")
    several = any(len(row.runs.seeds) > 1 for row in rows)
    return [
        *fields,
        field("mean_psnr_db", "Mean\nPSNR", mean, "psnr"),
        *(spread if several else ()),
        Field(intervals.difference(inferences, prefix=""), minus_base),
        *interval,
        *intervals.ssim_fields(inferences, label_of, prefix="", printed=True),
        *details,
        hidden(
            "seeds",
            lambda row: ", ".join(str(seed) for seed in row.runs.seeds if seed is not None),
        ),
        hidden("origin", lambda row: row.origin),
    ]


def _set_fields(name: str) -> list[Field[Contender]]:
    """Return the fields of PSNR and SSIM on one set, each the mean over the trainings."""
    return [
        field(
            f"{name}_psnr_db",
            f"{name}\nPSNR/SSIM",
            lambda row: row.scores[name][0],
            "psnr",
        ),
        joined(f"{name}_ssim", lambda row: row.scores[name][1]),
    ]


def _incomparable(row: Contender, base: Contender, sets: Sequence[str]) -> list[str]:
    """Return the sets on which the PSNR of two rows do not compare."""
    trainings = [training.values() for training in (*row.runs.scores, *base.runs.scores)]
    return incomparable_sets(trainings, sets)


def warnings(rows: Sequence[Contender], sets: Sequence[str]) -> list[str]:
    """Return the reasons why a difference may come from something else than the networks."""
    trained = [row for row in rows if row.runs.learned]
    scored = dict.fromkeys(
        name for row in rows for training in row.runs.scores for name in training
    )
    left_out = [name for name in scored if name not in sets]
    warnings = []
    if len({row.group for row in trained}) > 1 or any(not row.group for row in trained):
        warnings.append(
            "The rows were not all trained alike: a difference is that of the trained weights, "
            "not of the networks alone."
        )
    if left_out:
        warnings.append(
            "Left out, because not every row has them or they were not asked for: "
            f"{', '.join(left_out)}."
        )
    return warnings

"""Columns of spreads, confidence intervals and p-values, and the notes under them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, SupportsFloat

from harness.reports.tables.fields import Field, RowT
from harness.reports.tables.table import Column, ColumnKind, TableCell
from harness.statistics.estimates import Inference

if TYPE_CHECKING:
    from harness.statistics.random_effects import Estimate

_DAGGER = " \u2020"


def fields(
    inferences: Sequence[Inference],
    label_of: Callable[[RowT], str | None],
    *,
    prefix: str = "ours_",
) -> tuple[list[Field[RowT]], list[Field[RowT]], list[Field[RowT]]]:
    """Return three groups of columns: beside the mean, beside the difference, only in the CSV file.

    Args:
        inferences: The statistics of the rows; without any, there are no columns.
        label_of: The label by which a row's inference is found; None for a row without one.
        prefix: What the keys of the columns begin with.
    """
    if not inferences:
        return [], [], []
    by_label = {inference.label: inference for inference in inferences}

    def field(column: Column, of: Callable[[Inference], TableCell]) -> Field[RowT]:
        def cell(row: RowT) -> TableCell:
            label = label_of(row)
            return of(by_label[label]) if label in by_label else None

        return Field(column, cell)

    def number(column: Column, of: Callable[[Estimate], SupportsFloat]) -> Field[RowT]:
        return field(column, lambda row: float(of(row.estimate)) if row.estimate else None)

    def hidden(name: str) -> Column:
        return Column(f"{prefix}mean_psnr_diff_{name}", printed=False)

    title = "95 % interval\n(dB)"
    low = Column(f"{prefix}mean_psnr_diff_low_db", title, "diff", signed=True, form="[{}")
    high = Column(
        f"{prefix}mean_psnr_diff_high_db",
        kind="diff",
        signed=True,
        joined=True,
        between=", ",
        form="{}]",
    )
    mark = Column(f"{prefix}mean_psnr_diff_mark", joined=True, between=" ")
    p = Column(f"{prefix}mean_psnr_diff_p_corrected", "p\n(corrected)", "p")
    spread = Column(f"{prefix}mean_psnr_sd_db", "SD over\nseeds", "diff")
    return (
        [field(spread, lambda row: row.spread_db)],
        [
            number(low, lambda estimate: estimate.low),
            number(high, lambda estimate: estimate.high),
            field(mark, lambda row: row.mark),
            field(p, lambda row: row.p_corrected),
        ],
        [
            number(hidden("p"), lambda estimate: estimate.p),
            number(hidden("df"), lambda estimate: estimate.df),
            field(hidden("over"), lambda row: row.estimate.over if row.estimate else None),
            field(hidden("bootstrap_low_db"), lambda row: (row.bootstrap_db or (None,))[0]),
            field(hidden("bootstrap_high_db"), lambda row: (row.bootstrap_db or (None,))[-1]),
            number(hidden("detectable_db"), lambda estimate: estimate.detectable),
            number(hidden("half_width_db"), lambda estimate: estimate.half_width),
            field(hidden("half_width_unrelated_db"), lambda row: row.unrelated_db),
        ],
    )


def difference(inferences: Sequence[Inference], *, prefix: str = "ours_") -> Column:
    """Return the column of differences to the base, with as many decimals as their intervals.

    Arguments are as for :func:`fields`.
    """
    kind: ColumnKind = "diff" if inferences else "psnr"
    return Column(f"{prefix}mean_psnr_diff_db", "Diff. to\nbase (dB)", kind, signed=True)


def notes(inferences: Sequence[Inference]) -> tuple[str, ...]:
    """Return the notes: the model, the detectable difference, and the gain of pairing by seed."""
    tested = [row for row in inferences if row.estimate]
    if not tested:
        return ()
    whole = [row for row in tested if not row.partial]
    unpaired = [row.label for row in whole if not row.paired]
    partial = [row.label for row in tested if row.partial]
    detectable = [
        f"{row.label}{_DAGGER if row.partial else ''} {_db(row.estimate.detectable)}"
        for row in tested
        if row.estimate
    ]
    without = [
        row.label for row in inferences if not row.estimate and row.seeds and not row.is_base
    ]
    rows = "1 row" if len(tested) == 1 else f"{len(tested)} rows"
    texts = [
        f"Intervals: 95 % confidence, {_model(whole)}. n.s.: the interval contains zero. "
        f"p: Holm-corrected for {rows}.",
        f"Not paired by seed, because the rows have different seeds: {_list(unpaired)}.",
        f"\u2020 A row has only one training, so the interval covers other images, but not other "
        f"seeds: {_list(partial)}.",
        f"No interval, because there are no scores on the same images: {_list(without)}.",
        f"Smallest difference that would be detected (two-sided test at 5 %, power 80 %, "
        f"spread as estimated): {_list(detectable)}.",
        _gain(whole),
    ]
    needed = [True, unpaired, partial, without, detectable, True]
    return tuple(text for text, needs in zip(texts, needed, strict=True) if needs and text)


def _model(whole: Sequence[Inference]) -> str:
    if not whole:
        return "images as random effects, sets as fixed; differences are paired by image"
    return (
        "two-way model with seeds and images as random effects, sets as fixed; differences are "
        "paired by seed and image"
    )


def _gain(inferences: Iterable[Inference]) -> str:
    """Return the note on how much common seeds narrow the intervals."""
    pairs = [
        f"{row.label} {_db(row.estimate.half_width)} ({_db(row.unrelated_db)})"
        for row in inferences
        if row.estimate and row.unrelated_db is not None
    ]
    if not pairs:
        return ""
    return (
        "Gain of common seeds: half-width of the interval, and in brackets the half-width that "
        f"unrelated seeds would give on the same images: {_list(pairs)}."
    )


def _list(items: Iterable[str]) -> str:
    """Return the items separated by semicolons, because labels may contain commas."""
    return "; ".join(items)


def _db(value: SupportsFloat) -> str:
    return f"{float(value):.3f} dB"

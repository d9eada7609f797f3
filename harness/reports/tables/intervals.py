"""Columns of spreads, confidence intervals and p-values, and the notes under them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, SupportsFloat

from harness.reports.tables import looks
from harness.reports.tables.fields import Field, RowT
from harness.reports.tables.table import Column, ColumnKind, TableCell, format_value
from harness.statistics.estimates import Inference, mark_of

if TYPE_CHECKING:
    from harness.statistics.random_effects import Estimate

_DAGGER = " \u2020"
_DB = Column("", kind="diff", signed=True)
_SSIM = Column("", kind="ssim_diff", signed=True)
_P = Column("", kind="p")


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
    field, number = _makers(inferences, label_of)

    def hidden(name: str) -> Column:
        return Column(f"{prefix}mean_psnr_diff_{name}", printed=False)

    looked = any(row.looked or row.waiting for row in inferences)
    title = "Interval\n(dB)" if looked else "95 % interval\n(dB)"
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
            *(looks.fields(field, prefix) if looked else ()),
        ],
        [
            field(hidden("p"), lambda row: row.p),
            number(hidden("df"), lambda estimate: estimate.df),
            field(hidden("over"), lambda row: row.estimate.over if row.estimate else None),
            field(hidden("bootstrap_low_db"), lambda row: (row.bootstrap_db or (None,))[0]),
            field(hidden("bootstrap_high_db"), lambda row: (row.bootstrap_db or (None,))[-1]),
            number(hidden("detectable_db"), lambda estimate: estimate.detectable),
            number(hidden("detectable_low_db"), lambda estimate: estimate.detectable_range[0]),
            number(hidden("detectable_high_db"), lambda estimate: estimate.detectable_range[1]),
            number(hidden("half_width_db"), lambda estimate: estimate.half_width),
            field(hidden("half_width_unrelated_db"), lambda row: row.unrelated_db),
            field(
                hidden("images_better"), lambda row: row.agreement.better if row.agreement else None
            ),
            field(
                hidden("images_worse"), lambda row: row.agreement.worse if row.agreement else None
            ),
            field(hidden("sign_p"), lambda row: row.agreement.p if row.agreement else None),
        ],
    )


def ssim_fields(
    inferences: Sequence[Inference],
    label_of: Callable[[RowT], str | None],
    *,
    prefix: str = "ours_",
    printed: bool,
) -> list[Field[RowT]]:
    """Return the columns of the differences in SSIM, all of them printed in one.

    Args:
        inferences: As for :func:`fields`.
        label_of: As there.
        prefix: As there.
        printed: Whether they are more than columns of the CSV file.
    """
    if not inferences:
        return []
    field, _ = _makers(inferences, label_of)
    diff = Column(
        f"{prefix}mean_ssim_diff",
        "SSIM diff. to base\n(95 % interval)",
        "ssim_diff",
        signed=True,
        printed=printed,
    )
    low = replace(diff, key=f"{diff.key}_low", joined=True, between=" ", form="[{}")
    high = replace(diff, key=f"{diff.key}_high", joined=True, between=", ", form="{}]")
    mark = Column(f"{diff.key}_mark", joined=True, between=" ", printed=printed)
    return [
        field(diff, lambda row: float(row.ssim.diff) if row.ssim else None),
        field(low, lambda row: float(row.ssim.low) if row.ssim else None),
        field(high, lambda row: float(row.ssim.high) if row.ssim else None),
        field(mark, lambda row: mark_of(row.ssim)),
        field(
            Column(f"{diff.key}_p_corrected", "SSIM p\n(corrected)", "p", printed=printed),
            lambda row: row.ssim_p_corrected,
        ),
        field(
            Column(f"{diff.key}_p", printed=False),
            lambda row: row.ssim_p,
        ),
    ]


class _Maker(Protocol[RowT]):
    """Makes a field whose cells come from the statistics of a row."""

    def __call__(self, column: Column, of: Callable[[Inference], TableCell]) -> Field[RowT]: ...


class _NumberMaker(Protocol[RowT]):
    """The same for numbers of the estimate of PSNR."""

    def __call__(self, column: Column, of: Callable[[Estimate], SupportsFloat]) -> Field[RowT]: ...


def _makers(
    inferences: Sequence[Inference], label_of: Callable[[RowT], str | None]
) -> tuple[_Maker[RowT], _NumberMaker[RowT]]:
    by_label = {inference.label: inference for inference in inferences}

    def field(column: Column, of: Callable[[Inference], TableCell]) -> Field[RowT]:
        def cell(row: RowT) -> TableCell:
            label = label_of(row)
            return of(by_label[label]) if label in by_label else None

        return Field(column, cell)

    def number(column: Column, of: Callable[[Estimate], SupportsFloat]) -> Field[RowT]:
        return field(column, lambda row: float(of(row.estimate)) if row.estimate else None)

    return field, number


def difference(inferences: Sequence[Inference], *, prefix: str = "ours_") -> Column:
    """Return the column of differences to the base, with as many decimals as their intervals.

    Arguments are as for :func:`fields`.
    """
    kind: ColumnKind = "diff" if inferences else "psnr"
    return Column(f"{prefix}mean_psnr_diff_db", "Diff. to\nbase (dB)", kind, signed=True)


def notes(inferences: Sequence[Inference], *, ssim_printed: bool = False) -> tuple[str, ...]:
    """Return the notes: the model, pairs, SSIM, what could be detected, what common seeds gain.

    Args:
        inferences: The statistics of rows and pairs.
        ssim_printed: Whether the rows' differences in SSIM stand in the table itself.
    """
    tested = [row for row in inferences if row.estimate]
    if not tested:
        return looks.notes(inferences)
    whole = [row for row in tested if not row.partial]
    unpaired = [row.label for row in whole if not row.paired]
    partial = [row.label for row in tested if row.partial]
    pairs = [row for row in tested if row.pair]
    of_ssim = [row for row in tested if row.ssim and (row.pair or not ssim_printed)]
    agreeing = [row for row in tested if row.agrees]
    detectable = [
        f"{row.label}{_DAGGER if row.partial else ''} {_range(row.estimate)}"
        for row in tested
        if row.estimate and not row.looked
    ]
    without = [
        row.label
        for row in inferences
        if not (row.estimate or row.waiting or row.is_base or row.pair) and row.seeds
    ]
    texts = [
        f"Intervals: 95 % confidence{looks.over(inferences)}, {_model(whole)}. "
        f"n.s.: the interval contains zero. "
        f"p: Holm-corrected for {_comparisons(len(tested) - len(pairs), len(pairs))}.",
        f"Pairs that differ in one thing, difference in PSNR (dB): {_list(map(_pair, pairs))}.",
        "Differences in SSIM to the base, with interval and p like those in PSNR: "
        f"{_list(map(_ssim, of_ssim))}.",
        f"Not paired by seed, because the rows have different seeds: {_list(unpaired)}.",
        f"\u2020 A row has only one training, so the interval covers other images, but not other "
        f"seeds: {_list(partial)}.",
        "\u2021 n.s. over seeds and images, yet every image has the same sign in every training; "
        "the sign test over images speaks of new images under these trainings, not of other "
        f"seeds: {_list(map(_signs, agreeing))}.",
        f"No interval, because there are no finite scores on the same images: {_list(without)}.",
        "Minimum detectable difference (MDD; two-sided test at 5 %, power 80 %), a range because "
        f"the spread is itself estimated (95 % limits): {_list(detectable)}.",
        _gain(whole),
    ]
    needed = [True, pairs, of_ssim, unpaired, partial, agreeing, without, detectable, True]
    said = [text for text, needs in zip(texts, needed, strict=True) if needs and text]
    return (*said, *looks.notes(inferences))


def _comparisons(rows: int, pairs: int) -> str:
    """Return the number of tests that p is corrected for."""
    counts = [(rows, "row"), (pairs, "pair")]
    return " and ".join(f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n)


def _pair(row: Inference) -> str:
    """Return what a pair shows, and its difference."""
    shows = f" ({row.pair.shows})" if row.pair and row.pair.shows else ""
    return f"{row.label}{shows}: {_interval(row.estimate, row.mark, row.p_corrected, _DB)}"


def _ssim(row: Inference) -> str:
    return f"{row.label}: {_interval(row.ssim, mark_of(row.ssim), row.ssim_p_corrected, _SSIM)}"


def _interval(
    estimate: Estimate | None, mark: str | None, p_corrected: float | None, column: Column
) -> str:
    """Return a difference with its interval, mark and corrected p."""
    if estimate is None:
        return ""
    diff, low, high = (
        format_value(float(value), column) for value in (estimate.diff, estimate.low, estimate.high)
    )
    marked = f" {mark}" if mark else ""
    return f"{diff} [{low}, {high}]{marked}, p {format_value(p_corrected, _P)}"


def _signs(row: Inference) -> str:
    """Return how many images lose or gain, and the p of the sign test."""
    if row.agreement is None:
        return ""
    images = max(row.agreement.better, row.agreement.worse)
    what = "gain" if row.agreement.better else "lose"
    over = f"{row.agreement.trainings} {'seeds' if row.paired else 'pairs of seeds'}"
    p = format_value(row.agreement.p, _P)
    return f"{row.label}: all {images} images {what} in all {over}, sign test p {p}"


def _range(estimate: Estimate) -> str:
    low, high = estimate.detectable_range
    return f"{float(low):.3f} to {_db(high)}"


def _model(whole: Sequence[Inference]) -> str:
    if not whole:
        return "images as random effects, sets as fixed; differences are paired by image"
    return (
        "two-way model with seeds and images as random effects, sets as fixed; differences are "
        "paired by seed and image"
    )


def _gain(inferences: Iterable[Inference]) -> str:
    """Return the note on how much common seeds narrow the intervals, or that they do not."""
    narrower: list[str] = []
    others: list[str] = []
    for row in inferences:
        if row.estimate and row.unrelated_db is not None:
            half_width = float(row.estimate.half_width)
            text = f"{row.label} {_db(half_width)} ({_db(row.unrelated_db)})"
            (narrower if half_width < row.unrelated_db else others).append(text)
    brackets = (
        "half-width of the interval, and in brackets the half-width that unrelated seeds would "
        "give on the same images"
    )
    gain = f"Gain of common seeds: {brackets}: {_list(narrower)}." if narrower else ""
    none = f"No gain of common seeds, by the same two widths: {_list(others)}." if others else ""
    if others and not narrower:
        none = f"No gain of common seeds: {brackets}: {_list(others)}."
    return f"{gain} {none}".strip()


def _list(items: Iterable[str]) -> str:
    """Return the items separated by semicolons, because labels may contain commas."""
    return "; ".join(items)


def _db(value: SupportsFloat) -> str:
    return f"{float(value):.3f} dB"

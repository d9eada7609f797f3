"""What each block of some ablations gains, with its interval, beside what it costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.config.ablation import Ablation
from harness.errors import UsageError
from harness.records import published
from harness.records.record import Record
from harness.records.selection import ComparedRow, Comparison, comparisons
from harness.reports import notes
from harness.reports.figures import style
from harness.reports.figures.rows import write_legend
from harness.reports.figures.sheet import Sheet
from harness.reports.tables import bases
from harness.statistics import estimates
from harness.statistics.estimates import Inference

_WIDTH_IN, _LINE_IN, _BELOW_IN = 7.2, 0.24, 0.42
_NAMES_IN, _MARGIN_IN = 1.95, 0.1
_COSTS_IN = {"params": 0.72, "Multi-Adds (G)": 0.92}
"""Columns right of the plot, and their widths; there is no room for them in a paper's column."""

_GIGA = 10**9
_OURS: dict[str, Any] = {"color": "#2166ac", "marker": "o", "markersize": 5, "linewidth": 1.8}
_PAPER: dict[str, Any] = {
    "color": "#b2182b",
    "marker": "D",
    "markersize": 5,
    "markerfacecolor": "white",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of the figure.

    Attributes:
        row: What is compared.
        base: What it is compared with.
        db: The difference in mean PSNR, in dB.
        low_db: Lower end of its 95 % interval.
        high_db: Upper end.
        paper_db: The difference of the paper's means; None where it prints none.
        params: Parameters more than those of the base.
        multi_adds: Multi-Adds more, at a 1280x720 output.
        seeds: Of how many seeds it is.
        partial: Whether the interval is over images alone.
    """

    row: str
    base: str
    db: float
    low_db: float
    high_db: float
    paper_db: Decimal | None
    params: int
    multi_adds: int | None
    seeds: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Differences:
    """What one figure shows.

    Attributes:
        name: File name without its ending.
        title: What the axis is.
        rows: The differences, ablation by ablation.
        note: How the networks were trained.
    """

    name: str
    title: str
    rows: tuple[Difference, ...]
    note: str


def of_ablations(ablations: Sequence[Ablation], records: Iterable[Record]) -> list[Differences]:
    """Return a figure for each group of trainings that compare, over all of some ablations.

    Raises:
        UsageError: No difference of these ablations has an interval.
    """
    stored = list(records)
    grouped: defaultdict[str, list[tuple[Ablation, Comparison]]] = defaultdict(list)
    for ablation in ablations:
        for comparison in comparisons(ablation, stored):
            grouped[comparison.group].append((ablation, comparison))
    shown = {group: _rows(members) for group, members in grouped.items()}
    enough = [members for group, members in grouped.items() if shown[group]]
    if not enough:
        asked = ", ".join(ablation.name for ablation in ablations)
        raise UsageError(
            f"{asked}: expected rows that were trained alike with two seeds or more, and there "
            "are none: harness run with seeds=0,1,2"
        )
    names = notes.file_names(
        ("differences", members[0][1].records[0], members[0][1].group[:6]) for members in enough
    )
    return [
        _figure(name, members, shown[members[0][1].group])
        for name, members in sorted(zip(names, enough, strict=True), key=lambda one: one[0])
    ]


def _figure(
    name: str, members: Sequence[tuple[Ablation, Comparison]], rows: Sequence[Difference]
) -> Differences:
    records = [record for _, comparison in members for record in comparison.records]
    sets = dict.fromkeys(name for _, comparison in members for name in comparison.sets)
    seeds = notes.distinct(sorted(records, key=lambda one: one.seed or 0), lambda one: one.seed)
    texts = [
        f"Mean over {', '.join(sets)}. Ours: {notes.training_text(records)}; "
        f"seeds {seeds}{_fewer(rows)}.",
        "Intervals: 95 %, over seeds and images"
        + ("; of hollow marks over images alone." if any(row.partial for row in rows) else "."),
        "The paper's are from full trainings and five sets.",
    ]
    title = f"Difference in mean PSNR at x{members[0][1].scale} (dB)"
    return Differences(name, title, tuple(rows), " ".join(texts))


def _fewer(rows: Sequence[Difference]) -> str:
    """Name the differences that are of fewer seeds than others."""
    most = max(row.seeds for row in rows)
    fewer: defaultdict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row.seeds < most:
            fewer[row.seeds].append(f"{row.row} \u2212 {row.base}")
    return "".join(f"; of {number} alone: {', '.join(of)}" for number, of in sorted(fewer.items()))


def _rows(members: Sequence[tuple[Ablation, Comparison]]) -> list[Difference]:
    """Return the differences of all ablations, each pair of rows once."""
    found: dict[tuple[tuple[str, ...], ...], Difference] = {}
    for ablation, comparison in members:
        inferences = estimates.of_entries(
            bases.compared(comparison), comparison.base, comparison.sets, ablation.pairs
        )
        for inference in inferences:
            rows = _compared(comparison, inference)
            one = _difference(ablation, comparison, inference, *rows) if rows else None
            if rows and one:
                found.setdefault(tuple(tuple(map(_id, row.records)) for row in rows), one)
    return list(found.values())


def _id(record: Record) -> str:
    return record.id


def _compared(
    comparison: Comparison, inference: Inference
) -> tuple[ComparedRow, ComparedRow] | None:
    """Return the row and the one it is compared with; None where they do not compare."""
    entries = {entry.label: entry for entry in comparison.entries}
    pair = inference.pair
    row = entries.get(pair.row if pair else inference.label)
    if row is None:
        return None
    base = entries.get(pair.base) if pair else comparison.base_of(row)
    return None if base is None or bases.incomparable(comparison, row) else (row, base)


def _difference(
    ablation: Ablation,
    comparison: Comparison,
    inference: Inference,
    row: ComparedRow,
    base: ComparedRow,
) -> Difference | None:
    estimate = inference.estimate
    if estimate is None:
        return None
    ours, theirs = row.records[0], base.records[0]
    return Difference(
        row.label,
        base.label,
        float(estimate.diff),
        float(estimate.low),
        float(estimate.high),
        _printed(ablation, comparison.scale, row.label, base.label),
        ours.params - theirs.params,
        None
        if ours.multi_adds is None or theirs.multi_adds is None
        else ours.multi_adds - theirs.multi_adds,
        inference.shared or inference.seeds,
        inference.partial,
    )


def _printed(ablation: Ablation, scale: int, row: str, base: str) -> Decimal | None:
    """Return the difference of two means that the paper prints."""
    if ablation.table is None:
        return None
    means = {
        cell.label: cell.value
        for cell in published.load(ablation.table)
        if (cell.metric, cell.scale) == ("mean_psnr_db", scale)
    }
    more, less = means.get(row), means.get(base)
    return None if more is None or less is None else more - less


def draw(shown: Differences, sheet: Sheet | None = None) -> Figure:
    """Return the figure: a line a difference, its cost on the right."""
    sheet = sheet or Sheet()
    width = sheet.width_in or _WIDTH_IN
    note = sheet.note_in(shown.note, width)
    handles = [Line2D([], [], **_OURS), Line2D([], [], linestyle="", **_PAPER)]
    labels = ["ours, with its 95 % interval", "the paper's"]
    costs = {} if sheet.narrow else _COSTS_IN
    above = write_legend(Figure(figsize=(width, 1), dpi=72), handles, labels) + 0.2
    plot = _LINE_IN * (len(shown.rows) + 0.6)
    height = above + plot + _BELOW_IN + note
    across = width - _NAMES_IN - sum(costs.values()) - _MARGIN_IN
    figure = Figure(figsize=(width, height), dpi=72)
    write_legend(figure, handles, labels)
    axes = figure.add_axes(
        (_NAMES_IN / width, (note + _BELOW_IN) / height, across / width, plot / height)
    )
    _fill(axes, shown)
    right = 1.0
    for number, (title, column) in enumerate(costs.items()):
        right += column / across
        _column(axes, right, title, [_cost(row)[number] for row in shown.rows])
    figure.text(0.5, (note + 0.07) / height, shown.title, ha="center", va="bottom")
    sheet.write_note(figure, shown.note)
    return figure


def _fill(axes: Axes, shown: Differences) -> None:
    axes.axvline(0, color="0.4", linewidth=0.8, zorder=1)
    for place, row in enumerate(shown.rows):
        ours = _OURS | ({"markerfacecolor": "white"} if row.partial else {})
        axes.plot([row.low_db, row.high_db], [place, place], **(_OURS | {"marker": ""}))
        axes.plot([row.db], [place], linestyle="", **(ours | {"linewidth": 0}))
        if row.paper_db is not None:
            axes.plot([float(row.paper_db)], [place], linestyle="", **_PAPER)
    axes.set_ylim(len(shown.rows) - 0.4, -0.6)
    axes.set_yticks(range(len(shown.rows)), [f"{row.row} \u2212 {row.base}" for row in shown.rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def _column(axes: Axes, right: float, title: str, texts: Sequence[str]) -> None:
    """Write a column of costs beside the plot; ``right`` is its edge in widths of the plot."""
    for place, text in [(-0.95, title), *enumerate(texts)]:
        axes.text(
            right,
            place,
            text,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            color="0.4" if place < 0 else "black",
        )


def _cost(row: Difference) -> tuple[str, str]:
    params = f"{row.params:+,}" if row.params else "0"
    if not row.multi_adds:
        return params, "" if row.multi_adds is None else "0"
    return params, f"{row.multi_adds / _GIGA:+.2f}"


def write(
    shown: Iterable[Differences], folder: Path, sheet: Sheet | None = None
) -> tuple[Path, ...]:
    """Draw every figure as SVG, PDF and PNG; returns the files.

    Raises:
        HarnessError: A file cannot be written.
    """
    return style.write_each(shown, partial(draw, sheet=sheet), folder)

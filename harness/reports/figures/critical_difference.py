"""The critical-difference picture: mean ranks of rows, joined where they do not differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.config.ablation import Ablation
from harness.errors import UsageError
from harness.records.record import Record
from harness.records.selection import comparisons
from harness.reports import notes
from harness.reports.figures import style
from harness.reports.figures.sheet import Sheet
from harness.statistics import ranks
from harness.statistics.ranks import Ranks

_WIDTH_IN, _LINE_IN = 6.4, 0.17
_LETTERS_PER_INCH = 13  # of a title


@dataclass(frozen=True, slots=True)
class RankedRows:
    """What one picture shows.

    Attributes:
        name: File name without its ending.
        title: What is compared.
        ranks: How the rows rank.
        seeds: The seeds that they were trained with, in words.
    """

    name: str
    title: str
    ranks: Ranks
    seeds: str


def of_ablation(ablation: Ablation, records: Iterable[Record]) -> tuple[RankedRows, ...]:
    """Return a picture for each group of comparable records with five rows or more.

    Raises:
        UsageError: There is no such group.
    """
    groups = comparisons(ablation, records)
    enough = [
        one for one in groups if sum(bool(row.records) for row in one.entries) >= ranks.FEWEST
    ]
    if not enough:
        most = max((sum(bool(row.records) for row in one.entries) for one in groups), default=0)
        raise UsageError(
            f"'{ablation.name}': expected {ranks.FEWEST} rows that were trained alike or more, and "
            f"there are {most}: of fewer, its table says more"
        )
    names = notes.file_names((ablation.name, one.records[0], one.group[:6]) for one in enough)
    return tuple(
        RankedRows(
            f"{name}_ranks",
            f"{ablation.title}, x{one.scale}",
            ranks.of_comparison(one),
            notes.seeds_of({row.label: row.records for row in one.entries}) or "none",
        )
        for name, one in zip(names, enough, strict=True)
    )


def draw(shown: RankedRows, sheet: Sheet | None = None) -> Figure:
    """Return the picture: the best rows on the left, each with its mean rank."""
    sheet = sheet or Sheet()
    found = shown.ranks
    number = len(found.labels)
    width = sheet.width_in or _WIDTH_IN
    text = (
        f"Mean rank by PSNR within {found.images} images ({', '.join(found.sets)}); seeds "
        f"{shown.seeds}. Friedman's test: p {_p(found.p)}. Rows that a bar joins do not differ "
        f"(Nemenyi's test at 5 %, critical difference {found.critical:.2f}); of other seeds it "
        "says nothing."
    )
    note = sheet.note_in(text, width)
    bars, lines = len(found.cliques), ceil(number / 2)
    body = 0.5 + 0.09 * bars + _LINE_IN * (lines + 1)
    title = wrap(shown.title, int(width * _LETTERS_PER_INCH))
    head = 0.17 + 0.15 * len(title)
    height = head + body + note
    figure = Figure(figsize=(width, height), dpi=72)
    axes = figure.add_axes((0, note / height, 1, body / height))
    _draw(axes, found, body, narrow=sheet.narrow)
    figure.suptitle("\n".join(title), fontsize=9, y=1 - 0.06 / height)
    sheet.write_note(figure, text)
    return figure


def _draw(axes: Axes, found: Ranks, body_in: float, *, narrow: bool) -> None:
    """Draw the line of ranks, the bars below it, and the names at both sides; y is in inches."""
    number = len(found.labels)
    left, right = (0.42, 0.58) if narrow else (0.34, 0.66)
    size = 5.0 if narrow else 7.0

    def place(rank: float) -> float:
        return left + (rank - 1) / (number - 1) * (right - left)

    axes.set_xlim(0, 1)
    axes.set_ylim(body_in, 0)
    axes.axis("off")
    line = 0.34
    labelled = range(1, number + 1, 3 if narrow and number > 6 else 1)
    axes.plot([left, right], [line, line], color="0.2", linewidth=0.9)
    for rank in range(1, number + 1):
        axes.plot([place(rank)] * 2, [line - 0.04, line], color="0.2", linewidth=0.9)
        if rank not in labelled:
            continue
        axes.text(place(rank), line - 0.06, str(rank), ha="center", va="bottom", fontsize=size)
    end = place(1 + min(found.critical, number - 1))
    axes.plot([left, end], [0.1, 0.1], color="#b2182b", linewidth=1.6)
    axes.text(end + 0.01, 0.1, "critical difference", va="center", fontsize=min(size, 6.5))
    for index, (first, last) in enumerate(found.cliques):
        low = line + 0.08 + 0.09 * index
        ends = [place(found.means[first]) - 0.004, place(found.means[last]) + 0.004]
        axes.plot(ends, [low, low], color="0.1", linewidth=2.6, solid_capstyle="butt")
    below = line + 0.1 + 0.09 * len(found.cliques)
    half = ceil(number / 2)
    for index, (label, mean) in enumerate(zip(found.labels, found.means, strict=True)):
        best = index < half
        level = index if best else number - 1 - index
        y = below + _LINE_IN * (level + 0.5)
        side = left - 0.02 if best else right + 0.02
        axes.plot([place(mean), place(mean), side], [line, y, y], color="#2166ac", linewidth=0.7)
        said = f"{label}  {mean:.2f}" if best else f"{mean:.2f}  {label}"
        axes.text(
            side - 0.006 if best else side + 0.006,
            y,
            said,
            ha="right" if best else "left",
            va="center",
            fontsize=size,
        )


def _p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def write(
    shown: Iterable[RankedRows], folder: Path, sheet: Sheet | None = None
) -> tuple[Path, ...]:
    """Draw every picture as SVG, PDF and PNG; returns the files.

    Raises:
        HarnessError: A file cannot be written.
    """
    return style.write_each(shown, partial(draw, sheet=sheet), folder)

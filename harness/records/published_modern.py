"""What is printed of networks younger than the paper: results/published/modern.csv.

Values are kept as printed, each with the place where it was read. They come from many papers,
whose training sets and evaluations differ: a column says the former.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from harness.errors import RecordError
from harness.host.paths import bundled
from harness.host.problems import FormatError
from harness.host.reading import from_csv, read_text
from harness.records.counting import Metric
from harness.records.published import Published

FILE_NAME = "modern.csv"

CountStatus = Literal["", "exact", "explained", "open", "printed"]


@dataclass(frozen=True, slots=True)
class ModernCell:
    """One printed value; the fields are the columns of the file.

    Attributes:
        label: Name of the network; that of a registered one, where it is.
        scale: Upscaling factor.
        training: Training set; empty where no source of ours says it.
        set: Benchmark set, empty for counts.
        metric: ``psnr_db``, ``ssim``, ``params_k`` or ``multi_adds_g``.
        value: The number, with the digits printed.
        input: Width and height of the LR image that Multi-Adds belong to, such as ``256x256``;
            empty where it is that of a 1280x720 output.
        source: Where it was read: a paper, or a repository at a commit and its file.
        note: Doubts about the value; one that begins with "suspect:" is of one that others print
            differently.
        status: Of counts: whether ours is ``exact``, the print ``explained`` by a named rule or
            ``open``, or the network is not registered (``printed``). Written by
            ``harness.efficiency.counting.annotate``, never by hand.
    """

    label: str
    scale: int
    training: str
    set: str
    metric: str
    value: Decimal
    input: str
    source: str
    note: str
    status: CountStatus = ""

    @property
    def is_count(self) -> bool:
        """Whether it is a count, of parameters or Multi-Adds."""
        return self.metric in get_args(Metric)

    @property
    def input_px(self) -> tuple[int, int] | None:
        """Width and height of the LR image, None where it is that of a 1280x720 output."""
        if not self.input:
            return None
        width, height = self.input.split("x")
        return int(width), int(height)

    def as_published(self) -> Published:
        """Return it as a cell of the paper's tables is given; its table is 0."""
        status = "" if self.status == "printed" else self.status
        of_row = (self.label, self.scale, self.set, self.metric)
        return Published(0, *of_row, self.value, self.note, status)


@cache
def load(folder: Path | None = None) -> tuple[ModernCell, ...]:
    """Return all printed values, sorted by network.

    Args:
        folder: Where the file lies; by default the one shipped with the harness.

    Raises:
        RecordError: The file is broken; the message names file and line.
    """
    path = (bundled("published") if folder is None else folder) / FILE_NAME
    try:
        rows = from_csv(ModernCell, read_text(path))
    except FormatError as error:
        problem = error.problems[0]
        raise RecordError(f"{path}:{problem.line or 1}: {problem}") from error
    lines: dict[tuple[object, ...], int] = {}
    for line, cell in rows:
        if problem_of_cell := _problem(cell):
            raise RecordError(f"{path}:{line}: {problem_of_cell}")
        key = (cell.label, cell.scale, cell.training, cell.set, cell.metric)
        first = lines.setdefault(key, line)
        if first != line:
            raise RecordError(f"{path}:{line}: the same cell stands in line {first}")
    labels = list(dict.fromkeys(cell.label for _, cell in rows))
    if labels != sorted(labels, key=str.lower):
        raise RecordError(f"{path}: its rows are not sorted by label")
    return tuple(cell for _, cell in rows)


def _problem(cell: ModernCell) -> str:
    """Return what is wrong with a cell by itself, nothing where it is right."""
    if not cell.label or not cell.source:
        return "label and source must not be empty"
    if cell.metric not in (*get_args(Metric), "psnr_db", "ssim"):
        return f"unknown metric '{cell.metric}'"
    if cell.is_count == bool(cell.set):
        return "scores belong to a set, counts to none"
    if cell.input:
        sides = cell.input.split("x")
        if len(sides) != 2 or not all(side.isdecimal() for side in sides):
            return f"input must be WIDTHxHEIGHT, such as 256x256, not '{cell.input}'"
    return ""


def counts_at_720p(cells: Iterable[ModernCell] | None = None) -> tuple[Published, ...]:
    """Return the printed counts for a 1280x720 output, as cells of the paper's tables."""
    chosen = load() if cells is None else cells
    return tuple(cell.as_published() for cell in chosen if cell.is_count and cell.input_px is None)


def rows() -> dict[tuple[str, int, str], tuple[Published, ...]]:
    """Return the printed values by label, scale and training set, counts for 1280x720 alone.

    A network that is printed with several training sets has its name with each, as in
    ``SMFANet (DF2K)``, and its counts in all of these rows.
    """
    cells = [cell for cell in load() if cell.input_px is None]
    trained: dict[str, set[str]] = {}
    for cell in cells:
        trained.setdefault(cell.label, set()).add(cell.training)
    found: dict[tuple[str, int, str], list[Published]] = {}
    for cell in cells:
        named = sorted(images for images in trained[cell.label] if images)
        for images in [cell.training] if cell.training or not named else named:
            label = f"{cell.label} ({images})" if len(named) > 1 else cell.label
            printed = replace(cell.as_published(), label=label)
            found.setdefault((label, cell.scale, images), []).append(printed)
    return {key: tuple(of_row) for key, of_row in found.items()}


def network(label: str) -> str:
    """Return the network's own name of a row's label, which may say its training set, too."""
    return _networks().get(label, label)


@cache
def _networks() -> dict[str, str]:
    return {label: label.removesuffix(f" ({images})") for label, _, images in rows()}

"""Details of images beside or below them, as in Figure 6, at any width."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from harness.config.protocols import DEFAULT
from harness.reports.figures.crops import CropBox, NetworkResult, View
from harness.reports.figures.sheet import Sheet

_COLUMNS = 3
_OF_WHOLE = 2  # columns that the image takes where it stands beside the details
_WIDTH_IN, _EDGE_IN, _GAP_IN = 7.2, 0.07, 0.07
_LABEL_IN, _LINE_IN, _NAME_IN = 0.34, 0.12, 0.2
_TALLEST, _FLAT = 1.5, 0.65  # most height of a detail, and of an image above them, over the width
_LETTERS_PER_INCH = 16  # of those under a detail
_SCORE_LETTERS = 15


class _Block(NamedTuple):
    """The sizes of one image with its details, in inches."""

    whole_width: float
    whole_height: float
    line_tops: tuple[float, ...]
    detail_height: float
    height: float


def draw(views: Sequence[View], *, scale: int, sheet: Sheet | None = None) -> Figure:
    """Return the figure: each image with its box, and beside it the detail of every result.

    In a narrow figure the details stand below the image.
    """
    sheet = sheet or Sheet()
    width = sheet.width_in or _WIDTH_IN
    beside = 0 if sheet.narrow else _OF_WHOLE
    column = (width - 2 * _EDGE_IN + _GAP_IN) / (_COLUMNS + beside) - _GAP_IN
    letters = max(8, int(column * _LETTERS_PER_INCH))
    text = _caption(views, scale)
    note = sheet.note_in(text, width)
    blocks = [_block(view, column, letters, beside=beside) for view in views]
    height = sum(block.height for block in blocks) + note
    figure = Figure(figsize=(width, height), dpi=72)

    def axes(left: float, top: float, across: float, down: float) -> Axes:
        return figure.add_axes(
            (left / width, (height - top - down) / height, across / width, down / height)
        )

    above = 0.0
    for view, block in zip(views, blocks, strict=True):
        _whole(axes(_EDGE_IN, above + _EDGE_IN, block.whole_width, block.whole_height), view)
        best = max(result.psnr_db for result in view.results if result.psnr_db is not None)
        for index, result in enumerate(view.results):
            line, place = divmod(index, _COLUMNS)
            left = _EDGE_IN + (place + beside) * (column + _GAP_IN)
            place_of = axes(left, above + block.line_tops[line], column, block.detail_height)
            _detail(place_of, view.box, result, best=best, letters=letters)
        above += block.height
    sheet.write_note(figure, text)
    return figure


def _block(view: View, column: float, letters: int, *, beside: int) -> _Block:
    """Return the sizes of one image with its details.

    Args:
        view: The image.
        column: Width of a detail, in inches.
        letters: How many letters a line under it has.
        beside: How many columns the image takes beside the details; 0 where it is above them.
    """
    rows, columns = view.results[0].image.shape[:2]
    _, _, across, down = view.box
    detail = column * min(_TALLEST, down / across)
    broken = [fill(result.label, letters).count("\n") for result in view.results]
    lines = [max(broken[at : at + _COLUMNS]) for at in range(0, len(broken), _COLUMNS)]
    wide = (beside or _COLUMNS) * (column + _GAP_IN) - _GAP_IN
    tall = 0.0 if beside else min(wide * rows / columns, _FLAT * wide)
    tops = [_EDGE_IN + (0.0 if beside else tall + _NAME_IN)]
    for more in lines:
        tops.append(tops[-1] + detail + _LABEL_IN + more * _LINE_IN)
    *line_tops, end = tops
    return _Block(wide, tall or end - _EDGE_IN - _NAME_IN, tuple(line_tops), detail, end + _EDGE_IN)


def _caption(views: Sequence[View], scale: int) -> str:
    boxes = "; ".join(f"{view.name} {','.join(map(str, view.box))}" for view in views)
    weights = ", ".join(
        f"{result.label}: {result.weights}" for result in views[0].results if result.weights
    )
    return (
        f"x{scale}. Under each detail PSNR (dB) / SSIM of the whole image, protocol "
        f"{DEFAULT.name}; the best PSNR in bold. Details (x,y,width,height): {boxes}. "
        f"Weights: {weights or 'none'}."
    )


def _whole(axes: Axes, view: View) -> None:
    axes.imshow(view.results[0].image, interpolation="antialiased")
    left, top, width, height = view.box
    for colour, line in (("white", 2.6), ("#b2182b", 1.3)):
        axes.add_patch(
            Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=line)
        )
    axes.set_axis_off()
    axes.annotate(
        view.name,
        (0.5, 0),
        xytext=(0, -2),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=7.5,
        ha="center",
        va="top",
    )


def _detail(axes: Axes, box: CropBox, result: NetworkResult, *, best: float, letters: int) -> None:
    left, top, width, height = box
    axes.imshow(result.image[top : top + height, left : left + width], interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    scores = "" if result.psnr_db is None else f"\n{result.psnr_db:.2f} / {result.ssim:.4f}"
    weight = "bold" if result.psnr_db == best else "normal"
    label = f"{fill(result.label, letters)}{scores}"
    points = 7.0 if letters >= _SCORE_LETTERS else 6.0
    axes.set_xlabel(label, fontsize=points, weight=weight, labelpad=2)

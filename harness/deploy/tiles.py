"""Run a network in overlapping tiles, and join the inner parts of the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from torch import Tensor

from harness.errors import HarnessError
from harness.evaluation.self_ensemble import ForwardPass


@dataclass(frozen=True, slots=True)
class Span:
    """One tile along one axis, in LR pixels.

    Attributes:
        start: First pixel of what is kept.
        stop: The one after its last.
        cut_start: First pixel of what the network is given.
        cut_stop: The one after its last.
    """

    start: int
    stop: int
    cut_start: int
    cut_stop: int


def spans(length: int, *, tile: int, overlap: int) -> list[Span]:
    """Cut an axis into the fewest tiles of at most ``tile`` pixels, all about as long.

    Args:
        length: Pixels of the image.
        tile: Most pixels kept of one tile; 0 for the whole axis.
        overlap: Pixels of the image that the network sees on either side of them, fewer
            only where the image ends.

    Example:
        >>> for span in spans(100, tile=40, overlap=8):
        ...     print(span.start, span.stop, span.cut_start, span.cut_stop)
        0 33 0 41
        33 66 25 74
        66 100 58 100
    """
    count = ceil(length / tile) if tile else 1
    edges = [length * index // count for index in range(count + 1)]
    return [
        Span(start, stop, max(0, start - overlap), min(length, stop + overlap))
        for start, stop in pairwise(edges)
    ]


def count_tiles(height: int, width: int, *, tile: int) -> int:
    """Return how many tiles an image of LR pixels has.

    Example:
        >>> count_tiles(100, 80, tile=40)
        6
    """
    return len(spans(height, tile=tile, overlap=0)) * len(spans(width, tile=tile, overlap=0))


def tiled(
    run: ForwardPass,
    lr: Tensor,
    *,
    scale: int,
    tile: int,
    overlap: int,
    done: Callable[[], object] = lambda: None,
) -> Tensor:
    """Run a network on overlapping tiles of an image, and join the inner parts of the results.

    A tile is cut from the image with its surroundings, so that only the border of the image
    is ever a border to the network. Where ``overlap`` is at least the network's receptive
    field (:func:`harness.deploy.receptive_field.measure`) the result is that of the whole image, up
    to the order in which floats are added.

    Args:
        run: Maps ``(N, C, h, w)`` to ``(N, C', scale h, scale w)`` for any size.
        lr: ``(N, C, H, W)``.
        scale: Upscaling factor.
        tile: Side of what is kept of one tile, in LR pixels; 0 for the whole image.
        overlap: LR pixels that the network sees around it.
        done: Called after each tile.

    Returns:
        SR, ``(N, C', scale H, scale W)``, of the type and on the device that ``run`` returns.

    Raises:
        HarnessError: The network returns another size.
    """
    height, width = (int(side) for side in lr.shape[2:])
    whole: Tensor | None = None
    for rows, columns in _grid(height, width, tile, overlap):
        cut = lr[..., rows.cut_start : rows.cut_stop, columns.cut_start : columns.cut_stop]
        output = run(cut)
        _check(output, cut, scale)
        if whole is None:
            whole = output.new_empty((*output.shape[:2], height * scale, width * scale))
        kept = output[..., _inner(rows, scale), _inner(columns, scale)]
        whole[..., _outer(rows, scale), _outer(columns, scale)] = kept
        done()
    assert whole is not None
    return whole


def _grid(height: int, width: int, tile: int, overlap: int) -> Iterator[tuple[Span, Span]]:
    for rows in spans(height, tile=tile, overlap=overlap):
        for columns in spans(width, tile=tile, overlap=overlap):
            yield rows, columns


def _inner(span: Span, scale: int) -> slice:
    return slice((span.start - span.cut_start) * scale, (span.stop - span.cut_start) * scale)


def _outer(span: Span, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)


def _check(output: Tensor, cut: Tensor, scale: int) -> None:
    height, width = (int(side) * scale for side in cut.shape[2:])
    if output.shape[2:] != (height, width):
        size = "x".join(str(int(side)) for side in reversed(output.shape[2:]))
        raise HarnessError(
            f"the network makes {size} pixels of {cut.shape[3]}x{cut.shape[2]}, "
            f"expected {width}x{height} at x{scale}"
        )

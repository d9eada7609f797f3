"""Pooling to a share of an image's sides, and back by nearest pixels, in a graph for all sizes.

PyTorch's own adaptive maximum takes plain numbers alone, and runtimes round the places of nearest
pixels each in its own way. Here both are gathers at places that the graph computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def max_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return what ``adaptive_max_pool2d`` does.

    Window ``i`` of ``n`` along a side of ``s`` pixels is from ``floor(i s / n)`` to before
    ``ceil((i + 1) s / n)``.

    Args:
        x: ``(N, C, H, W)``.
        size: Height and width of the result, numbers or symbols, at most those of ``x``.
    """
    for axis, count in zip((2, 3), size, strict=True):
        x = _max_along(x, axis, count)
    return x


def _max_along(x: Tensor, axis: int, count: int) -> Tensor:
    side = x.shape[axis]
    window = torch.arange(count, device=x.device)
    first = window * side // count
    last = (window * side + (side + count - 1)) // count - 1
    longest = (side + count - 1) // count + 1
    places = first[:, None] + torch.arange(longest, device=x.device)[None, :]
    taken = x.index_select(axis, places.minimum(last[:, None]).flatten())
    return taken.reshape(*x.shape[:axis], count, longest, *x.shape[axis + 1 :]).amax(axis + 1)


def nearest_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return what ``interpolate`` does in mode "nearest", which is so by its rounding in float32.

    Args:
        x: ``(N, C, H, W)``.
        size: Height and width of the result, numbers or symbols.
    """
    for axis, count in zip((2, 3), size, strict=True):
        side = x.shape[axis]
        share = _number(side, x) / _number(count, x)
        place = (torch.arange(count, device=x.device).float() * share).floor().long()
        x = x.index_select(axis, place.clamp(max=side - 1))
    return x


def _number(side: int, like: Tensor) -> Tensor:
    return torch.full((1,), side, dtype=torch.float32, device=like.device)


@contextmanager
def of_symbols() -> Iterator[None]:
    """Let PyTorch's functions of these two take symbols inside the block."""
    pool: Any = functional.adaptive_max_pool2d
    interpolate: Any = functional.interpolate

    def pooled(x: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        if return_indices or not _has_symbols(output_size):
            return pool(x, output_size, return_indices)
        return max_to(x, output_size)

    def interpolated(x: Tensor, size: Any = None, *more: Any, **options: Any) -> Any:
        nearest = {"mode": "nearest"}  # as it is where nothing is said
        if more or nearest | options != nearest or x.dim() != 4 or not _has_symbols(size):
            return interpolate(x, size, *more, **options)
        return nearest_to(x, size)

    names = vars(functional)
    names.update(adaptive_max_pool2d=pooled, interpolate=interpolated)
    try:
        yield
    finally:
        names.update(adaptive_max_pool2d=pool, interpolate=interpolate)


def _has_symbols(size: Any) -> bool:
    return isinstance(size, tuple | list) and any(isinstance(side, torch.SymInt) for side in size)

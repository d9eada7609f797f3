"""Images smaller than a network can take: filled up inside, and what was added cut off again."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def filled_up(forward: Callable[[Tensor], Tensor], lr: Tensor, *, side: int, scale: int) -> Tensor:
    """Run a network on an image whose sides are at least a number of pixels.

    A shorter side is filled up below or on the right with its last row or column; an image that
    is large enough is passed on as it is.

    Args:
        forward: Maps ``(N, C, H, W)`` to ``(N, C', scale H, scale W)``.
        lr: ``(N, C, H, W)``.
        side: The fewest pixels that both sides must have.
        scale: Upscaling factor, by which the output is cut.
    """
    height, width = lr.shape[-2:]
    down, right = max(0, side - height), max(0, side - width)
    if not (down or right):
        return forward(lr)
    sr = forward(nn.functional.pad(lr, (0, right, 0, down), mode="replicate"))
    return sr[..., : scale * height, : scale * width]

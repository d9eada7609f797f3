"""Run a network on an image whose sides are filled up to what it needs, and cut that off again."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

Forward = Callable[[Tensor], Tensor]
"""Maps ``(N, C, H, W)`` to ``(N, D, scale H, scale W)``."""


def on_multiples(forward: Forward, image: Tensor, multiple: int, scale: int) -> Tensor:
    """Run a network on an image whose sides are filled up to multiples of a number.

    The right and the lower side are continued by reflection; where an image is too small for
    that, by its last pixels.

    Args:
        forward: The network.
        image: ``(N, C, H, W)``, of any size.
        multiple: Height and width are filled up to multiples of this.
        scale: Upscaling factor, by which the output is cut.
    """
    height, width = image.shape[-2:]
    down, right = -height % multiple, -width % multiple
    mode = "reflect" if down < height and right < width else "replicate"
    return _filled_up(forward, image, down, right, mode=mode, scale=scale)


def at_least(forward: Forward, image: Tensor, *, side: int, scale: int) -> Tensor:
    """Run a network on an image whose sides are at least a number of pixels.

    A shorter side is continued below or on the right by its last row or column; an image that is
    large enough is passed on as it is.

    Args:
        forward: The network.
        image: ``(N, C, H, W)``, of any size.
        side: The fewest pixels that both sides must have.
        scale: Upscaling factor, by which the output is cut.
    """
    height, width = image.shape[-2:]
    down, right = max(0, side - height), max(0, side - width)
    return _filled_up(forward, image, down, right, mode="replicate", scale=scale)


def _filled_up(
    forward: Forward, image: Tensor, down: int, right: int, *, mode: str, scale: int
) -> Tensor:
    if not (down or right):
        return forward(image)
    height, width = image.shape[-2:]
    sr = forward(nn.functional.pad(image, (0, right, 0, down), mode=mode))
    return sr[..., : scale * height, : scale * width]

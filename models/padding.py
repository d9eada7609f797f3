"""Run a network on an image whose sides are filled up to what it needs."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def on_multiples(
    forward: Callable[[Tensor], Tensor], image: Tensor, multiple: int, scale: int
) -> Tensor:
    """Run a network on an image whose sides are filled up, and cut that off again.

    The right and the lower side are continued by reflection; where an image is too small for
    that, by its last pixels.

    Args:
        forward: Maps ``(N, C, H, W)`` to ``(N, D, scale H, scale W)``.
        image: ``(N, C, H, W)``, of any size.
        multiple: Height and width are filled up to multiples of this.
        scale: Upscaling factor.
    """
    height, width = image.shape[-2:]
    down, right = -height % multiple, -width % multiple
    if not (down or right):
        return forward(image)
    mode = "reflect" if down < height and right < width else "replicate"
    sr = forward(nn.functional.pad(image, (0, right, 0, down), mode=mode))
    return sr[..., : scale * height, : scale * width]

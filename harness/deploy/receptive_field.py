"""How far a network looks: the receptive field of one output pixel, measured."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_HEIGHT = 8
_WIDTHS = (64, 128, 256, 512)
_SHIFT = 7  # divides no stride
_BEYOND = 24
_TOLERANCE = 0.01  # levels of 255


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What an output pixel depends on.

    Attributes:
        radius: LR pixels in each direction; None where no bound was found.
        shifts: Whether a shifted image gives the shifted output. Networks that pool on a
            coarse grid (ESA of RLFN) do not, however far one looks.
    """

    radius: int | None
    shifts: bool

    @property
    def exact(self) -> bool:
        """Whether tiles that overlap by the radius give what the whole image gives."""
        return self.radius is not None and self.shifts


def measure(network: nn.Module, *, scale: int) -> ReceptiveField:
    """Measure the receptive field of a network on narrow strips, along both axes.

    One column of LR is made NaN, and the field is how far NaN comes: unlike a gradient it
    does not vanish on the way, nor stop at a ReLU. A network with global pooling (RCAN,
    IMDN) spreads it everywhere. Whether it shifts is seen on a random strip and on the same
    strip without its first columns. It runs on a copy on the CPU, where no algorithm that
    mixes far pixels (FFT) is used.

    Args:
        network: Maps ``(N, 3, H, W)`` RGB in 0..255 to SR; in evaluation mode.
        scale: Its upscaling factor.

    Returns:
        The field; without a bound where the network does not run on strips.
    """
    twin = copy.deepcopy(network).cpu()
    try:
        with torch.inference_mode():
            radii = [_radius(twin, scale, upright=upright) for upright in (False, True)]
            if None in radii:
                return ReceptiveField(None, shifts=False)
            radius = max(radius for radius in radii if radius is not None)
            shifts = all(_shifts(twin, scale, radius, upright=upright) for upright in (False, True))
    except Exception:  # a user's network may refuse strips in any way
        return ReceptiveField(None, shifts=False)
    return ReceptiveField(radius, shifts)


def _run(network: nn.Module, strip: Tensor, *, upright: bool) -> Tensor:
    output: Tensor = network(strip.mT.contiguous()).mT if upright else network(strip)
    return output


def _radius(network: nn.Module, scale: int, *, upright: bool) -> int | None:
    for width in _WIDTHS:
        strip = torch.full((1, 3, _HEIGHT, width), 128.0)
        centre = width // 2
        strip[..., centre] = float("nan")
        reached = _run(network, strip, upright=upright).isnan().any(1).any(1)[0].nonzero()
        if not len(reached):
            return None  # NaN was swallowed
        first, last = int(reached.min()) // scale, int(reached.max()) // scale
        if first > 0 and last < width - 1:
            return max(centre - first, last - centre)
    return None


def _shifts(network: nn.Module, scale: int, radius: int, *, upright: bool) -> bool:
    width = 2 * radius + _SHIFT + _BEYOND
    generator = torch.Generator().manual_seed(0)
    strip = 255 * torch.rand(1, 3, _HEIGHT, width, generator=generator)
    whole = _run(network, strip, upright=upright)[..., (_SHIFT + radius) * scale :]
    cut = _run(network, strip[..., _SHIFT:], upright=upright)[..., radius * scale :]
    return bool(((whole - cut).abs() < _TOLERANCE).all())

"""Parts of networks in forms that one graph can state for images of every size.

A graph holds no Python: where a network makes plain numbers of the sides of an image, its graph
would be that of one size. What is here computes the same from sides that are symbols. Pooling to a
share of the sides is in :mod:`harness.deploy.export.pooling`.
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from harness.deploy.export import pooling
from harness.models.bicubic import Bicubic
from harness.models.padding import on_multiples
from harness.models.resampling import contributions

_AROUND = 2
"""LR pixels on either side that an enlarged one is made of, at most."""


class PhasedBicubic(nn.Module):
    """:class:`harness.models.bicubic.Bicubic` as one convolution and a pixel shuffle.

    Each of the ``scale^2`` output pixels of an input pixel is a weighted sum over its 5x5
    surroundings. Sides are at least 2.
    """

    kernel: Tensor

    def __init__(self, *, scale: int) -> None:
        """Make the kernels, one for each place within the enlarged pixel."""
        super().__init__()
        self.scale = scale
        length = 2 * _AROUND + 1
        taps = contributions(length, length * scale, Fraction(scale))
        rows = torch.zeros(scale, length, dtype=torch.float64)
        for phase in range(scale):
            of_centre = _AROUND * scale + phase
            for index, weight in zip(taps.indices[of_centre], taps.weights[of_centre], strict=True):
                rows[phase, index] += weight / taps.denominator
        kernel = torch.einsum("ai,bj->abij", rows, rows).reshape(scale**2, 1, length, length)
        self.register_buffer("kernel", kernel.float())

    def forward(self, lr: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C, scale H, scale W)``."""
        channels = lr.shape[1]
        kernel = self.kernel.repeat(channels, 1, 1, 1)
        wide = nn.functional.conv2d(_mirrored(_mirrored(lr, 2), 3), kernel, groups=channels)
        return nn.functional.pixel_shuffle(wide, self.scale)


def _mirrored(image: Tensor, axis: int) -> Tensor:
    """Continue an image beyond both ends of an axis, the end pixel repeated ("symmetric")."""
    before = image.narrow(axis, 0, _AROUND).flip(axis)
    behind = image.narrow(axis, image.shape[axis] - _AROUND, _AROUND).flip(axis)
    return torch.cat([before, image, behind], axis)


def replace_bicubic(network: nn.Module) -> None:
    """Put :class:`PhasedBicubic` in the place of every interpolation within a network."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, Bicubic) and not child.rounded:
                setattr(module, name, PhasedBicubic(scale=child.scale))


class _Kind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, builtins.int | torch.SymInt)


class _Int(metaclass=_Kind):
    """``int`` that leaves a symbol a symbol."""

    def __new__(cls, value: Any = 0, *more: Any) -> Any:
        return value if isinstance(value, torch.SymInt) else builtins.int(value, *more)


def _filled_up(
    forward: Callable[[Tensor], Tensor], image: Tensor, multiple: int, scale: int
) -> Any:
    """Do what fills sides up to multiples, without asking whether anything is to be filled up."""
    if multiple == 1:
        return forward(image)
    height, width = image.shape[-2:]
    down, right = ((side + multiple - 1) // multiple * multiple - side for side in (height, width))
    filled = nn.functional.pad(image, (0, right, 0, down), mode="reflect")
    return forward(filled)[..., : scale * height, : scale * width]


@contextmanager
def symbolic_sides(network: nn.Module) -> Iterator[None]:
    """Let the code of a network keep the sides of images as symbols inside the block."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for names in _globals_of(network):
            fillers = [name for name, value in names.items() if value is on_multiples]
            changed = {"int": _Int, **dict.fromkeys(fillers, _filled_up)}
            before += [(names, name, names.get(name)) for name in changed]
            names.update(changed)
        with pooling.of_symbols():
            yield
    finally:
        for names, name, value in before:
            if value is None:
                del names[name]
            else:
                names[name] = value


def _globals_of(network: nn.Module) -> list[dict[str, Any]]:
    """Return the global names of the modules that the classes of a network stand in."""
    found: dict[int, dict[str, Any]] = {}
    classes = {kind for module in network.modules() for kind in type(module).__mro__}
    for kind in classes:
        forward = vars(kind).get("forward")
        if inspect.isfunction(forward) and not forward.__module__.startswith("torch."):
            found[id(forward.__globals__)] = forward.__globals__
    return list(found.values())

"""Networks of others as they are: another range, a mean colour, sizes in multiples, luma only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from harness.models.bicubic import Bicubic
from harness.models.luma import LumaNetwork
from harness.models.padding import on_multiples

_MOST_PADDING = 1024


@dataclass(frozen=True, slots=True)
class Expects:
    """What a network's own ``forward`` is given and returns, where it is not RGB in 0..255.

    Attributes:
        range: The value of white: 1 for images in 0..1.
        mean: Mean RGB colour that is taken off before and put back behind, in 0..1.
        pad_to: Height and width of LR are multiples of this; the rest is filled by reflection
            and cut off again.
        luma: Whether it maps BT.601 luma ``(N, 1, H, W)`` alone; chroma is then upscaled by
            bicubic.
    """

    range: float = 255.0
    mean: Sequence[float] = (0.0, 0.0, 0.0)
    pad_to: int = 1
    luma: bool = False

    def __post_init__(self) -> None:
        """Refuse what no network can expect.

        Raises:
            ValueError: A value is so; the message says what was expected.
        """
        if not _is_number(self.range) or not 0 < self.range < math.inf:
            raise ValueError(f"range must be a positive number such as 1, not {self.range!r}")
        if not isinstance(self.pad_to, int) or not 1 <= self.pad_to <= _MOST_PADDING:
            raise ValueError(
                f"pad_to must be a whole number up to {_MOST_PADDING}, not {self.pad_to!r}"
            )
        if not isinstance(self.luma, bool):
            raise ValueError(f"luma must be true or false, not {self.luma!r}")
        listed = isinstance(self.mean, list | tuple) and len(self.mean) == 3
        if not listed or not all(_is_number(one) and 0 <= one <= 1 for one in self.mean):
            raise ValueError(f"mean must be three numbers from 0 to 1, not {self.mean!r}")
        if self.luma and any(self.mean):
            raise ValueError("mean is a colour, and a network of luma has none")

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> Expects:
        """Read what was declared.

        Raises:
            ValueError: It is nothing that a network can expect.
        """
        known = [field.name for field in fields(cls)]
        unknown = [key for key in declared if key not in known]
        if unknown:
            raise ValueError(f"expects: there is no '{unknown[0]}' (known: {', '.join(known)})")
        return cls(**declared)

    def __str__(self) -> str:
        """Return it in words, such as ``RGB in 0..1, sides in multiples of 8``."""
        words = [f"{'luma' if self.luma else 'RGB'} in 0..{self.range:g}"]
        if any(self.mean):
            words.append(f"less the mean colour {', '.join(f'{one:g}' for one in self.mean)}")
        if self.pad_to > 1:
            words.append(f"sides in multiples of {self.pad_to}")
        return ", ".join(words)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def adapt(network: nn.Module, expects: Expects, *, scale: int) -> nn.Module:
    """Let a network map RGB in 0..255 to RGB in 0..255; it is changed in place.

    Its parameters and its class keep their names: the instance is made one of a derived class,
    whose ``forward`` does what is needed around the network's own.

    Args:
        network: The network.
        expects: What its own ``forward`` is given and returns.
        scale: Upscaling factor.
    """
    if expects == Expects():
        return network
    own = type(network)
    bases = (_AdaptedLuma if expects.luma else _Adapted, own)
    namespace = {"__module__": own.__module__, "__qualname__": own.__qualname__}
    network.__class__ = type(own.__name__, bases, namespace)
    vars(network)["harness_expects"] = expects
    vars(network)["harness_scale"] = scale
    if expects.luma:
        network.harness_bicubic = Bicubic(scale=scale)
    return network


@contextmanager
def expecting(network: nn.Module, expects: Expects, *, scale: int) -> Iterator[None]:
    """Let a network expect something else inside the block, whatever it was adapted to.

    Args:
        network: The network, adapted or not.
        expects: What its own ``forward`` is given and returns; luma or not, as before.
        scale: Upscaling factor.
    """
    own, state = type(network), dict(vars(network))
    try:
        if "harness_expects" in state:
            vars(network)["harness_expects"] = expects
        else:
            adapt(network, expects, scale=scale)
        yield
    finally:
        network.__class__ = own
        for name in ("harness_expects", "harness_scale"):
            vars(network).pop(name, None)
            if name in state:
                vars(network)[name] = state[name]


class _Adapted(nn.Module):
    """What stands before a network's class where its images are not RGB in 0..255."""

    harness_expects: Expects
    harness_scale: int

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB in 0..255 to SR ``(N, 3, scale H, scale W)``."""
        white, mean = self.harness_expects.range, self.harness_expects.mean
        colour = torch.tensor(mean, dtype=lr.dtype, device=lr.device).view(1, 3, 1, 1)
        own = white * (lr / 255 - colour) if any(mean) else lr * (white / 255)
        sr = on_multiples(
            super().forward, own, self.harness_expects.pad_to, self.harness_scale
        ).float()
        return 255 * (sr / white + colour) if any(mean) else sr * (255 / white)


class _AdaptedLuma(LumaNetwork):
    """The same for a network of luma."""

    harness_expects: Expects
    harness_scale: int
    harness_bicubic: Bicubic

    def chroma(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` RGB to the chroma of SR, ``(N, 2, scale H, scale W)``."""
        return self.harness_bicubic(self.colour.split(lr)[1])  # type: ignore[no-any-return]

    def forward_luma(self, y: Tensor) -> Tensor:
        """Map LR luma ``(N, 1, H, W)`` in 0..1 to SR luma ``(N, 1, scale H, scale W)``."""
        white, multiple = self.harness_expects.range, self.harness_expects.pad_to
        own_forward = super(LumaNetwork, self).forward
        return on_multiples(own_forward, white * y, multiple, self.harness_scale).float() / white

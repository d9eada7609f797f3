"""What some counters and papers charge on top of Multi-Adds: biases, activations, norms, pools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.meta import shadow

BIAS, POOL = "bias", "pool"
"""Elements that a bias is added to, and those that are averaged."""

_RELUS = {"aten.relu": 1, "aten.leaky_relu": 1}
_NORM = "aten.native_layer_norm"

FVCORE: Mapping[str, int] = {
    "aten.upsample_bilinear2d": 4,
    "aten.upsample_nearest2d": 1,
    _NORM: 5,
}
"""What fvcore charges for an element of the operators that Multi-Adds leave out."""

PRICES: Mapping[str, Mapping[str, int]] = {
    "own_grids_biases_and_activations": {BIAS: 1, **_RELUS},
    "own_grids_biases_and_pools": {BIAS: 1, POOL: 1},
    "own_grids_and_norms": {_NORM: 1},
}
"""Counts of Multi-Adds with surcharges: what each element costs, by the operator that writes it."""


def with_prices(prices: Mapping[str, int]) -> Callable[[CountedNetwork], int]:
    """Return a count: the Multi-Adds on their own grids, and a price for elements by operator."""

    def count(subject: CountedNetwork) -> int:
        written = elements(subject)
        extra = sum(price * written[name] for name, price in prices.items())
        return subject.cost.multi_adds_paper + round(extra)

    return count


def counts() -> dict[str, Callable[[CountedNetwork], int]]:
    """Return the counts by name, as the published rules name them."""
    return {name: with_prices(prices) for name, prices in PRICES.items()}


def elements(subject: CountedNetwork) -> Mapping[str, Fraction]:
    """Return how many elements each operator writes at the subject's image size.

    Where the scale does not divide the output size, they are counted on an LR image rounded up
    and taken in proportion to the area, as all of them grow with it.

    Args:
        subject: A network that runs on the meta device.
    """
    width, height = subject.lr_size
    image = torch.empty(1, 3, height, width, device="meta")
    with torch.no_grad(), _Elements() as written:
        shadow(subject.network)(image)
    share = subject.cost.lr_px / (width * height)
    return Counter({name: number * share for name, number in written.number.items()})


class _Elements(TorchDispatchMode):
    """Adds up the elements that operators write, by name.

    An average of squares is the second half of a deviation, and no pool.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.number: Counter[str] = Counter()
        self._squares: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket)
        first = result[0] if isinstance(result, tuple | list) else result
        if not isinstance(first, Tensor):
            return result
        written = prod(first.shape)
        self.number[name] += written
        if (name == "aten.convolution" and args[2] is not None) or name == "aten.addmm":
            self.number[BIAS] += written
        if name == "aten.pow":
            self._squares.append(first)
        if name == "aten.mean" and not any(args[0] is square for square in self._squares):
            self.number[POOL] += prod(args[0].shape)
        return result

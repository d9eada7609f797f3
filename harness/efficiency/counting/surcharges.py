"""What some counters and papers charge on top of Multi-Adds: biases, norms, pools, upsampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.dataflow import INTERPOLATE
from harness.efficiency.counting.multi_adds import BIAS, COARSE, POOL

_NORM = "aten.native_layer_norm"

_NEAREST: Mapping[str, int] = {f"{INTERPOLATE}nearest": 1}

FVCORE: Mapping[str, int] = {f"{INTERPOLATE}bilinear": 4, **_NEAREST, _NORM: 5}
"""What fvcore charges for an element of the operators that Multi-Adds leave out."""

PRICES: Mapping[str, Mapping[str, int]] = {
    "own_grids_biases_and_activations": {BIAS: 1, "aten.relu": 1, "aten.leaky_relu": 1},
    "own_grids_biases_and_pools": {BIAS: 1, POOL: 1},
    "own_grids_and_norms": {_NORM: 1},
    "own_grids_and_nearest": _NEAREST,
    "own_grids_and_gates_on_lr_grid": {COARSE: 1},
}
"""Counts of Multi-Adds with surcharges: what each element costs, by the operator that writes it."""


def with_prices(prices: Mapping[str, int]) -> Callable[[CountedNetwork], int]:
    """Return a count: the Multi-Adds on their own grids, and a price for elements by operator."""

    def count(subject: CountedNetwork) -> int:
        written = subject.cost.elements
        extra = sum(price * written.get(name, 0) for name, price in prices.items())
        return subject.cost.multi_adds_paper + round(extra)

    return count


def counts() -> dict[str, Callable[[CountedNetwork], int]]:
    """Return the counts by name, as the published rules name them."""
    return {name: with_prices(prices) for name, prices in PRICES.items()}

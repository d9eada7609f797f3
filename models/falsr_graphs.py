"""The searched graphs of FALSR and MoreMNAS, as values: they load no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

F = -1
"""Stands for the features of the first convolution where a cell's number is asked for."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a graph.

    Attributes:
        kind: ``conv`` repeats a convolution and its ReLU. ``inverted`` is a linear 1x1 and
            then repeated residual bottlenecks that are twice as wide inside.
        features: Features it gives out.
        kernel_size: Of its convolutions.
        repeats: How often.
        groups: Of its convolutions, by input channels.
        skip: Whether what the first convolution gave is added at the end; with one repeat
            there is nothing to add.
        inputs: Cells whose outputs it reads, concatenated in this order; None is the cell
            before.
    """

    kind: Literal["conv", "inverted"]
    features: int
    kernel_size: int
    repeats: int
    groups: int = 1
    skip: bool = False
    inputs: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """Cells in order, and which of them the last convolution on the LR grid reads."""

    cells: tuple[Cell, ...]
    last: tuple[int, ...] | None = None

    def inputs(self) -> list[tuple[int, ...]]:
        """Return what every cell reads, and at the end what the last convolution reads."""
        given = [*(cell.inputs for cell in self.cells), self.last]
        return [(index - 1,) if inputs is None else inputs for index, inputs in enumerate(given)]


FALSR_A = Graph(
    (
        Cell("conv", 64, 3, 4, skip=True),
        Cell("conv", 48, 1, 1),
        Cell("conv", 64, 3, 4, skip=True),
        Cell("conv", 64, 3, 4, skip=True, inputs=(1, 2)),
        Cell("conv", 64, 3, 4, skip=True, inputs=(F, 1, 3)),
        Cell("conv", 64, 1, 4),
        Cell("conv", 64, 3, 4, skip=True, inputs=(F, 1, 4, 5)),
    ),
    last=(F, 0, 1, 2, 3, 4, 5, 6),
)
"""The released graph: the printed parameters, 0.13 % more Multi-Adds than printed."""

FALSR_B = Graph(
    (
        Cell("inverted", 16, 3, 1, skip=True),
        Cell("inverted", 48, 1, 2, skip=True, inputs=(F, 0)),
        Cell("conv", 16, 1, 2, skip=True, inputs=(F, 0, 1)),
        Cell("inverted", 32, 3, 4),
        Cell("conv", 64, 3, 2, inputs=(1, 2, 3)),
        Cell("conv", 16, 3, 4, groups=4, inputs=(1, 3, 4)),
        Cell("conv", 16, 3, 1, inputs=(F, 0, 1, 5)),
    ),
    last=(0, 3, 5, 6),
)
"""The released graph; :func:`falsr_b_as_printed` has the printed totals."""

FALSR_C = Graph(
    (
        Cell("conv", 32, 1, 1, groups=2),
        Cell("conv", 64, 1, 4, inputs=(F, 0)),
        Cell("inverted", 48, 3, 4),
        Cell("conv", 32, 1, 1, groups=2, inputs=(0, 2)),
        Cell("conv", 32, 1, 1, groups=4, inputs=(F, 3)),
        Cell("conv", 48, 1, 4, inputs=(F, 4)),
        Cell("conv", 16, 3, 1, inputs=(0, 5)),
    ),
    last=(F, 1, 5, 6),
)
"""The released graph; :func:`falsr_c_as_printed` has the printed totals, 4.5 % less."""

MOREMNAS_C = Graph(
    (
        Cell("inverted", 16, 1, 2),
        Cell("inverted", 16, 1, 2),
        Cell("inverted", 16, 1, 2),
        Cell("conv", 48, 1, 4, groups=2, skip=True),
        Cell("conv", 16, 1, 1, groups=2),
        Cell("inverted", 16, 1, 2),
        Cell("inverted", 16, 1, 2),
    )
)

MOREMNAS_D = Graph(
    (
        Cell("conv", 48, 1, 1),
        Cell("conv", 32, 1, 2, groups=4, skip=True),
        Cell("conv", 48, 1, 1),
        Cell("conv", 48, 1, 1, groups=4),
        Cell("inverted", 48, 1, 4, skip=True),
        Cell("conv", 16, 1, 1, groups=4),
        Cell("inverted", 64, 3, 4),
    )
)

MOREMNAS_A_STAND_IN = Graph(
    (
        Cell("inverted", 48, 3, 4),
        Cell("conv", 64, 1, 4),
        Cell("inverted", 48, 3, 2),
        Cell("conv", 64, 1, 4),
        Cell("inverted", 32, 3, 2),
        Cell("inverted", 48, 3, 4),
        Cell("conv", 64, 3, 2),
    )
)
"""Not the authors' network, of which no layer list is known: cells of the right kinds that add
up to its published totals."""

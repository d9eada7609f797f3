"""The searched graphs of FALSR and MoreMNAS, as values: they load no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

F = -1
"""Stands for the features of the first convolution where a cell's number is asked for."""


@dataclass(frozen=True, slots=True)
class GraphCell:
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

    cells: tuple[GraphCell, ...]
    last: tuple[int, ...] | None = None

    def inputs(self) -> list[tuple[int, ...]]:
        """Return what every cell reads, and at the end what the last convolution reads."""
        given = [*(cell.inputs for cell in self.cells), self.last]
        return [(index - 1,) if inputs is None else inputs for index, inputs in enumerate(given)]


FALSR_A = Graph(
    (
        GraphCell("conv", 64, 3, 4, skip=True),
        GraphCell("conv", 48, 1, 1),
        GraphCell("conv", 64, 3, 4, skip=True),
        GraphCell("conv", 64, 3, 4, skip=True, inputs=(1, 2)),
        GraphCell("conv", 64, 3, 4, skip=True, inputs=(F, 1, 3)),
        GraphCell("conv", 64, 1, 4),
        GraphCell("conv", 64, 3, 4, skip=True, inputs=(F, 1, 4, 5)),
    ),
    last=(F, 0, 1, 2, 3, 4, 5, 6),
)
"""The released graph: the printed parameters, 0.13 % more Multi-Adds than printed."""

FALSR_B = Graph(
    (
        GraphCell("inverted", 16, 3, 1, skip=True),
        GraphCell("inverted", 48, 1, 2, skip=True, inputs=(F, 0)),
        GraphCell("conv", 16, 1, 2, skip=True, inputs=(F, 0, 1)),
        GraphCell("inverted", 32, 3, 4),
        GraphCell("conv", 64, 3, 2, inputs=(1, 2, 3)),
        GraphCell("conv", 16, 3, 4, groups=4, inputs=(1, 3, 4)),
        GraphCell("conv", 16, 3, 1, inputs=(F, 0, 1, 5)),
    ),
    last=(0, 3, 5, 6),
)
"""The released graph; :func:`falsr_b_as_printed` has the printed totals."""

FALSR_C = Graph(
    (
        GraphCell("conv", 32, 1, 1, groups=2),
        GraphCell("conv", 64, 1, 4, inputs=(F, 0)),
        GraphCell("inverted", 48, 3, 4),
        GraphCell("conv", 32, 1, 1, groups=2, inputs=(0, 2)),
        GraphCell("conv", 32, 1, 1, groups=4, inputs=(F, 3)),
        GraphCell("conv", 48, 1, 4, inputs=(F, 4)),
        GraphCell("conv", 16, 3, 1, inputs=(0, 5)),
    ),
    last=(F, 1, 5, 6),
)
"""The released graph; :func:`falsr_c_as_printed` has the printed totals, 4.5 % less."""

MOREMNAS_C = Graph(
    (
        GraphCell("inverted", 16, 1, 2),
        GraphCell("inverted", 16, 1, 2),
        GraphCell("inverted", 16, 1, 2),
        GraphCell("conv", 48, 1, 4, groups=2, skip=True),
        GraphCell("conv", 16, 1, 1, groups=2),
        GraphCell("inverted", 16, 1, 2),
        GraphCell("inverted", 16, 1, 2),
    )
)

MOREMNAS_D = Graph(
    (
        GraphCell("conv", 48, 1, 1),
        GraphCell("conv", 32, 1, 2, groups=4, skip=True),
        GraphCell("conv", 48, 1, 1),
        GraphCell("conv", 48, 1, 1, groups=4),
        GraphCell("inverted", 48, 1, 4, skip=True),
        GraphCell("conv", 16, 1, 1, groups=4),
        GraphCell("inverted", 64, 3, 4),
    )
)

MOREMNAS_A_STAND_IN = Graph(
    (
        GraphCell("inverted", 48, 3, 4),
        GraphCell("conv", 64, 1, 4),
        GraphCell("inverted", 48, 3, 2),
        GraphCell("conv", 64, 1, 4),
        GraphCell("inverted", 32, 3, 2),
        GraphCell("inverted", 48, 3, 4),
        GraphCell("conv", 64, 3, 2),
    )
)
"""Not the authors' network, of which no layer list is known: cells of the right kinds that add
up to its published totals."""

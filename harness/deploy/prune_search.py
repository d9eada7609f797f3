"""What can be removed from a trained network, and the search for what costs the least PSNR."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from harness.host.progress import over
from harness.models.awms import AWMS, drop_branches
from harness.models.awsrn import AWSRN, drop_units, units_left
from harness.models.units import AWRU

log = logging.getLogger(__name__)

What = Literal["branches", "units", "all"]
Kind = Literal["branch", "unit"]


@dataclass(frozen=True, slots=True)
class Removable:
    """A branch or a residual unit that could be removed.

    Attributes:
        kind: A branch of the reconstruction, or a residual unit.
        number: Kernel size of the branch, or number of the unit.
        scalar: The branch's learned alpha, or the unit's lambda_res; None where it has none.
    """

    kind: Kind
    number: int
    scalar: float | None

    @property
    def name(self) -> str:
        """``k9`` or ``unit 3``."""
        return f"k{self.number}" if self.kind == "branch" else f"unit {self.number}"

    def remove(self, network: nn.Module) -> None:
        """Remove it from a network, in place."""
        (drop_branches if self.kind == "branch" else drop_units)(network, [self.number])


@dataclass(frozen=True, slots=True)
class RemovalLoss:
    """A candidate and the dB that its removal loses, against the network at the start."""

    candidate: Removable
    loss_db: float


def candidates(network: nn.Module, what: What) -> tuple[Removable, ...]:
    """Return what can be removed from a network; its last branch always stays."""
    removable: list[Removable] = []
    tail = getattr(network, "tail", None)
    if what != "units" and isinstance(tail, AWMS) and len(tail.alpha) > 1:
        sizes = tail.kernel_sizes
        removable += [Removable("branch", size, tail.alpha[f"k{size}"].item()) for size in sizes]
    if what != "branches" and isinstance(network, AWSRN):
        for index in units_left(network):
            unit = network.units[index]
            scalar = unit.lambda_res.item() if isinstance(unit, AWRU) else None
            removable.append(Removable("unit", index, scalar))
    return tuple(removable)


def greedy(
    network: nn.Module,
    what: What,
    *,
    measure: Callable[[nn.Module], float],
    tolerance_db: float,
    keep: Callable[[nn.Module, tuple[RemovalLoss, ...]], None],
) -> tuple[tuple[RemovalLoss, ...], tuple[RemovalLoss, ...]]:
    """Remove the least harmful candidate, and again, while the tolerance is kept.

    Args:
        network: Left as it is; removal is tried on copies.
        what: What may be removed.
        measure: Returns a network's PSNR in dB.
        tolerance_db: The loss that is allowed in all, against the network at the start.
        keep: Given the network at the start and after each removal, with what was removed.

    Returns:
        Every candidate removed alone, the least loss first; and what was removed.
    """
    start, current = measure(network), network
    ranking: tuple[RemovalLoss, ...] = ()
    removed: list[RemovalLoss] = []
    keep(current, ())
    while removable := candidates(current, what):
        losses = []
        for candidate in over(removable, f"removing {len(removed) + 1}"):
            tried = _without(current, candidate)
            losses.append(RemovalLoss(candidate, start - measure(tried)))
        losses.sort(key=lambda loss: loss.loss_db)
        ranking = ranking or tuple(losses)
        best = losses[0]
        if not best.loss_db <= tolerance_db:
            break
        log.info("%s goes: %+.4f dB in all", best.candidate.name, -best.loss_db)
        removed.append(best)
        current = _without(current, best.candidate)
        keep(current, tuple(removed))
    return ranking, tuple(removed)


def _without(network: nn.Module, candidate: Removable) -> nn.Module:
    smaller = copy.deepcopy(network)
    candidate.remove(smaller)
    return smaller

"""What was read while a network was trained: the points of its curves, as a record keeps them."""

from __future__ import annotations

from dataclasses import dataclass

LOSS_WINDOW = 100
"""Steps over which a loss that is read is averaged."""

MOST = 500
"""Of each kind that a record keeps: of a longer training every second, third and so on."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The points of the curves of a training, in its order; empty where none were kept.

    Attributes:
        steps: Optimiser steps done at each reading of the loss.
        seconds: Training time at that moment, scoring for the curve left out.
        losses: Mean L1 loss of the last :data:`LOSS_WINDOW` steps, in grey levels.
        rates: Learning rate of the step.
        set: The set that was scored for the curve; empty where none was.
        scored_steps: Steps done at each such scoring.
        scored_seconds: Training time at that moment.
        psnr_db: Mean PSNR on the set, by the default protocol, in dB.
    """

    steps: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    set: str = ""
    scored_steps: tuple[int, ...] = ()
    scored_seconds: tuple[float, ...] = ()
    psnr_db: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse readings that lack a value, or go back.

        Raises:
            ValueError: They do.
        """
        of_loss = (self.steps, self.seconds, self.losses, self.rates)
        of_score = (self.scored_steps, self.scored_seconds, self.psnr_db)
        for name, columns in (("steps", of_loss), ("scored_steps", of_score)):
            if len({len(column) for column in columns}) > 1:
                raise ValueError(f"{name}: expected as many as of the other readings")
            if list(columns[0]) != sorted(set(columns[0])):
                raise ValueError(f"{name}: expected them to rise")
        if self.psnr_db and not self.set:
            raise ValueError("set: expected a name, because it was scored")

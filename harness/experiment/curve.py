"""Take the readings of a training, few enough for its record however long it is."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict
from typing import Any

from harness.config.settings import TrainConfig
from harness.records.readings import MOST, Readings

log = logging.getLogger(__name__)


class Curve:
    """The readings of a training so far; those of its earlier sessions are among them.

    Which steps are kept follows from the settings alone, so that a training that was stopped
    keeps the same ones.
    """

    def __init__(self, config: TrainConfig, earlier: Readings | None = None) -> None:
        """Begin with none, or go on.

        Args:
            config: How many steps, and how often what is read.
            earlier: The readings up to the step that training goes on from.
        """
        self._steps = config.steps
        self._every = _kept(config.steps, config.log_every)
        self._scored_every = _kept(config.steps, config.eval_every)
        self._taken: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(earlier or Readings()).items()
        }

    @property
    def readings(self) -> Readings:
        """What has been read so far."""
        columns: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self._taken.items()
        }
        return Readings(**columns)

    def read(self, step: int, *, seconds: float, loss: float, lr: float) -> None:
        """Keep a reading of the loss where it is one to keep; that of the last step always is."""
        if step % self._every == 0 or step == self._steps:
            self._add({"steps": step, "seconds": seconds, "losses": loss, "rates": lr})

    def score(self, step: int, *, seconds: float, set_name: str, psnr_db: float) -> None:
        """Keep a score of the curve's set where it is one to keep; none that is infinite."""
        if step % self._scored_every or not math.isfinite(psnr_db):
            return
        if self._taken["set"] not in ("", set_name):
            log.warning(
                "the curve now is of %s: the readings of %s are given up",
                set_name,
                self._taken["set"],
            )
            self._taken |= {"scored_steps": [], "scored_seconds": [], "psnr_db": []}
        self._taken["set"] = set_name
        self._add({"scored_steps": step, "scored_seconds": seconds, "psnr_db": psnr_db})

    def _add(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._taken[name].append(round(value, 3) if name.endswith("seconds") else value)


def _kept(steps: int, every: int) -> int:
    """Return every how many steps a reading is kept."""
    return max(1, every) * max(1, math.ceil(steps / (max(1, every) * MOST)))

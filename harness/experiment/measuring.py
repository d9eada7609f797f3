"""Measure what a training step of a network takes here, in a few seconds and without images."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from harness.config.settings import Config
from harness.data.patches import Patches
from harness.data.prepare import Entry, Prepared
from harness.experiment import remaining
from harness.experiment.fit import fabric_of, make_deterministic
from harness.experiment.plan import Cell, Plan
from harness.experiment.remaining import Clock, Training
from harness.experiment.session import CellStatus
from harness.experiment.trainer import Step, Trainer
from harness.host.process import keep_memory
from harness.host.progress import over
from harness.models.initialise import initialise
from harness.weights import networks

BUDGET_S = 3.0
"""Seconds that the steps of one network are measured for, the first ones left out."""

_MOST_STEPS = 10
_ENDLESS = 2**31


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a network.

    Attributes:
        step_s: Seconds of a step of the whole batch.
        steps: How many steps were measured, the median of which that is.
        batch: Patches of each; where they are fewer than in training, ``step_s`` is in proportion.
        wanted: Patches of a step of the training, on one device.
    """

    step_s: float
    steps: int
    batch: int
    wanted: int

    @property
    def text(self) -> str:
        """What was measured, in words."""
        by = f"{self.steps} measured"
        if self.batch < self.wanted:
            by = f"in proportion to {self.steps} of {self.batch} that were measured"
        return f"{self.step_s:.3g} s a step of {self.wanted} patches ({by})"


def estimate(
    plan: Plan, statuses: Iterable[CellStatus], *, clock: Clock = time.monotonic
) -> list[str]:
    """Return how long the trainings that are left take here, and what was measured, in lines.

    A network that cannot be measured stops nothing: its time is estimated from that of others,
    and its own cell will tell what is wrong.
    """
    trainings = list(remaining.of_statuses(plan, statuses))
    left = remaining.Remaining([training for training, _ in trainings])
    distinct: dict[str, tuple[Training, Cell]] = {}
    for training, cell in trainings:
        distinct.setdefault(training.network, (training, cell))
    lines = []
    for training, cell in over(distinct.values(), "measure networks"):
        name = f"{cell.row.label} x{cell.scale}"
        try:
            found = measure(cell, plan.config, clock=clock)
        except (Exception, SystemExit) as error:  # a user's network may raise anything
            why = " ".join(f"{type(error).__name__}: {error}".split())[:120]
            lines.append(f"  {name}: not measured ({why})")
            continue
        left.measure(training, found.step_s)
        lines.append(f"  {name}: {found.text}")
    return [f"still to do: {left.text()}", *lines]


def measure(cell: Cell, config: Config, *, clock: Clock = time.monotonic) -> Measured:
    """Measure steps of a cell's training, on patches of noise.

    A step with one patch tells how many fit into the time; with several devices, one has its
    share of the batch. Scoring is not measured.

    Args:
        cell: A cell that is trained.
        config: Settings with every automatic choice made.
        clock: Gives seconds.

    Raises:
        Exception: Whatever the network raises, which may be a user's own.
    """
    make_deterministic(config)
    keep_memory()
    wanted = max(1, config.train.batch // config.devices)
    one = _steps(cell, config, batch=1)
    _timed(one, clock)  # PyTorch prepares itself
    patch_s = _timed(one, clock)
    batch = max(1, min(wanted, int(BUDGET_S / 3 / max(patch_s, 1e-9))))
    steps = _steps(cell, config, batch=batch)
    _timed(steps, clock)
    began, taken = clock(), [_timed(steps, clock)]
    while len(taken) < _MOST_STEPS and clock() - began < BUDGET_S:
        taken.append(_timed(steps, clock))
    return Measured(float(np.median(taken)) * wanted / batch, len(taken), batch, wanted)


def _timed(steps: Iterator[Step], clock: Clock) -> float:
    """Return the seconds of the next step, until its loss is known."""
    began = clock()
    next(steps).loss.item()
    return clock() - began


def _steps(cell: Cell, config: Config, *, batch: int) -> Iterator[Step]:
    """Return an endless training of a network from its start weights."""
    seed = cell.seed or 0
    torch.manual_seed(seed)
    network = networks.build(cell.row.model, scale=cell.scale, overrides=cell.row.overrides)
    initialise(network, seed=seed)
    train = replace(config.train, batch=batch, steps=_ENDLESS, log_every=_ENDLESS)
    trainer = Trainer(network, train, fabric=fabric_of(config, devices=1), fingerprint="")
    images = _noise(train.patch, cell.scale)
    return trainer.steps(Patches(images, patch=train.patch, batch=batch, seed=seed))


def _noise(patch: int, scale: int) -> Prepared:
    """Return an image of noise, twice as large as a patch, as prepared images are."""
    side = 2 * patch
    generator = np.random.default_rng(0)
    lr = generator.integers(0, 256, 3 * side**2, dtype=np.uint8)
    hr = generator.integers(0, 256, 3 * (side * scale) ** 2, dtype=np.uint8)
    return Prepared("noise", scale, "", (Entry("noise", side, side, 0, 0),), (), "", hr, lr)

"""How long trainings would take on this machine, from the trainings that are recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from statistics import median

from harness.config import paper
from harness.experiment.plan import Plan
from harness.host import environment
from harness.records import counts
from harness.records.record import Record


@dataclass(frozen=True, slots=True)
class Hours:
    """How long the trainings of a plan would take.

    Attributes:
        hours: Of all of them, one after another.
        device: On what the recorded trainings were done that they are reckoned from.
        here: Whether that is this machine's.
    """

    hours: float
    device: str
    here: bool


def hours(plan: Plan, records: Iterable[Record]) -> Hours | None:
    """Reckon the hours of a plan's trainings by the Multi-Adds that a second was seen to do.

    Args:
        plan: What would be trained.
        records: Trainings that are stored; those of the plan's precision count, on this machine
            where there are any.

    Returns:
        The hours; None where nothing alike is stored, or a network's Multi-Adds are not known.
    """
    costs = [plan.training_multi_adds(cell) for cell in plan.cells if cell.trained]
    known = [cost for cost in costs if cost is not None]
    alike = [one for one in records if one.config.precision == plan.config.precision]
    rates = {device: speed for device, speed in _rates(alike).items() if speed}
    if len(known) < len(costs) or not rates:
        return None
    mine = environment.device_name(plan.config.device)
    device = mine if mine in rates else sorted(rates)[0]
    return Hours(sum(known) / median(rates[device]) / 3600, device, device == mine)


def _rates(records: Sequence[Record]) -> dict[str, list[float]]:
    """Return the Multi-Adds of training per second of each recorded training, by device."""
    rates: dict[str, list[float]] = {}
    for one in records:
        train = one.config.train
        if not (one.group and train and one.multi_adds and one.wall_time_s > 0) or one.drop:
            continue
        if not counts.OTHER_FORMS.isdisjoint(one.remarks):  # counted as deployed, not as trained
            continue
        pixels = train.patch**2 * train.batch * one.steps * one.scale**2
        done = 3 * one.multi_adds * pixels / prod(paper.OUTPUT_PX)
        rates.setdefault(one.provenance.device, []).append(done / one.wall_time_s)
    return rates

"""How long the trainings of a plan still take here: from steps that were measured, and counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.config.settings import Config
from harness.errors import HarnessError
from harness.experiment.plan import Cell, Plan
from harness.experiment.session import TO_TRAIN, CellStatus, PlannedCell, Session
from harness.records.failure import Failure
from harness.records.record import digest
from harness.weights import parts

WARM_UP = 3
"""First steps of a process, which take longer than those after them: they are not measured."""

_LEAST_S = 5.0
_LEAST_STEPS = 5

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Training:
    """One training that is still to be done, or done to its end.

    Attributes:
        id: Its name; rows that share a training name the same.
        label: Of its row.
        network: What a step costs the same for: the network, whatever its seed.
        steps: How many are left.
        multi_adds: Of one step, forward; None where nobody can tell.
    """

    id: str
    label: str
    network: str
    steps: int
    multi_adds: float | None = None


def training_of(cell: Cell, config: Config, *, name: str, steps: int) -> Training:
    """Return the training of a cell of which some steps are left.

    Args:
        cell: The cell.
        config: Settings with every automatic choice made.
        name: Of the training.
        steps: How many are left.
    """
    of = {"of": cell.row.model, "with": parts.portable(cell.row.overrides), "scale": cell.scale}
    cost = cell.cost.of_lr_pixels(config.train.patch**2 * config.train.batch, cell.scale)
    return Training(name, cell.row.label, digest(of), steps, None if cost is None else float(cost))


def of_cells(session: Session, cells: Iterable[PlannedCell | Failure]) -> Remaining:
    """Return the trainings of cells that are left; one that several rows share counts once."""
    config = session.plan.config
    left: dict[str, Training] = {}
    for planned in cells:
        if isinstance(planned, Failure) or not planned.cell.trained or planned.training_id in left:
            continue
        steps, name = config.train.steps, planned.training_id
        with suppress(HarnessError):  # its own cell will tell
            status = session.read_status(planned)
            steps = steps - status.step if status.to_train else 0
        if steps:
            left[name] = training_of(planned.cell, config, name=name, steps=steps)
    return Remaining(tuple(left.values()))


def of_statuses(plan: Plan, statuses: Iterable[CellStatus]) -> Iterator[tuple[Training, Cell]]:
    """Yield the trainings that are left by what a plan says of its cells, with their cells."""
    config = plan.config
    for number, one in enumerate(statuses):
        if one.cell.trained and not one.shared and one.state in TO_TRAIN:
            steps = config.train.steps - one.step
            yield training_of(one.cell, config, name=str(number), steps=steps), one.cell


class Remaining:
    """The trainings of a plan, and what their steps were seen to take.

    It may be sent to another process; what is measured there stays there.

    Attributes:
        steps_in_all: How many steps were left at the beginning.
    """

    def __init__(self, trainings: Sequence[Training], *, clock: Clock = time.monotonic) -> None:
        """Begin with nothing measured.

        Args:
            trainings: Those with steps left, in their order, each once.
            clock: Gives seconds.
        """
        self._left = {training.id: training for training in trainings}
        self._counts = {one.network: one.multi_adds for one in trainings if one.multi_adds}
        self.steps_in_all = sum(training.steps for training in trainings)
        self._measured: dict[str, float] = {}
        self._labels: dict[str, str] = {}
        self._clock = clock
        self._current: Training | None = None
        self._done = 0
        self._began_at = 0.0

    def begin(self, name: str) -> None:
        """Begin with a training; one that is not among those that are left is not counted."""
        self._current = self._left.get(name)
        self._done = 0

    def advance(self) -> bool:
        """Count one step of it; tell whether its network has just become known.

        Until then its steps say too little: the first are left out, then some seconds are waited
        for. From there on each step makes the mean better.
        """
        if self._current is None:
            return False
        self._done += 1
        if self._done == WARM_UP:
            self._began_at = self._clock()
        steps = self._done - WARM_UP
        if steps < _LEAST_STEPS:
            return False
        seconds = self._clock() - self._began_at
        known = self._current.network in self._measured
        if not known and seconds < _LEAST_S and self._done < self._current.steps:
            return False
        self.measure(self._current, seconds / steps)
        return not known

    def end(self, name: str) -> None:
        """Take a training from those that are left, if it is one: it is done, or failed."""
        if self._left.pop(name, None) is self._current:
            self._current = None

    def trained(self, name: str, step_s: float) -> None:
        """Note what a step of a training took that is at its end, unless its network is known."""
        training = self._left.get(name)
        if training is not None and training.network not in self._measured:
            self.measure(training, step_s)

    def measure(self, training: Training, seconds: float) -> None:
        """Note what a step of a network takes."""
        self._measured[training.network] = seconds
        self._labels.setdefault(training.network, training.label)

    @property
    def seconds(self) -> float | None:
        """Seconds that all trainings still take; None where no step was measured."""
        if not self._measured:
            return None
        return sum(self._steps_left(one) * self._step_s(one) for one in self._left.values())

    @property
    def trainings(self) -> int:
        """How many trainings are left, the one that is running among them."""
        return len(self._left)

    @property
    def steps(self) -> int:
        """How many steps are left."""
        return sum(map(self._steps_left, self._left.values()))

    def _steps_left(self, training: Training) -> int:
        return training.steps - (self._done if training is self._current else 0)

    def _step_s(self, training: Training) -> float:
        """Return the seconds of a step: measured, else after the counts of those that were."""
        if training.network in self._measured:
            return self._measured[training.network]
        counts = self._counts
        both = [(s, counts[name]) for name, s in self._measured.items() if name in counts]
        if training.multi_adds and both:
            return training.multi_adds * sum(s for s, _ in both) / sum(count for _, count in both)
        return sum(self._measured.values()) / len(self._measured)

    def brief(self) -> str:
        """Return what is left in words, without what they are based on."""
        return self.text().partition(" here (")[0]

    def text(self) -> str:
        """Return what is left in words, such as ``9 trainings, about 14 h here``.

        Example:
            >>> left = Remaining([Training("a", "A", "net", 36_000)])
            >>> left.text()
            '1 training'
            >>> left.measure(Training("a", "A", "net", 36_000), 0.2)
            >>> left.text()
            '1 training, about 2 h here (A measured)'
        """
        count = f"{self.trainings} training{'' if self.trainings == 1 else 's'}"
        seconds = self.seconds
        if seconds is None or not self._left:
            return count
        networks = {one.network for one in self._left.values()}
        guessed = len(networks - self._measured.keys())
        left = [label for name, label in self._labels.items() if name in networks]
        names = left or [*self._labels.values()]  # all that were measured are done
        shown = ", ".join([*names[:3], *(["..."] if len(names) > 3 else [])])
        others = "the other" if guessed == 1 else f"the {guessed} others"
        rest = f", {others} estimated from Multi-Adds" if guessed else ""
        return f"{count}, {about(seconds)} here ({shown} measured{rest})"


def about(seconds: float) -> str:
    """Return a time as a person would say it.

    Example:
        >>> [about(s) for s in (50, 600, 9000, 50_000, 1_000_000)]
        ['less than a minute', 'about 10 min', 'about 2.5 h', 'about 14 h', 'about 12 days']
    """
    if seconds < 60:
        return "less than a minute"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    if seconds < 172_800:
        hours = seconds / 3600
        return f"about {hours:.0f} h" if hours >= 9.95 else f"about {round(hours, 1):g} h"
    return f"about {seconds / 86_400:.0f} days"

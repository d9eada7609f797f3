"""What 8-bit convolutions lose, in dB, on each test set."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from harness.config import paper
from harness.data import catalogue
from harness.data.catalogue import SAMPLE, TestSet, find_test
from harness.errors import HarnessError
from harness.evaluation import evaluate

log = logging.getLogger(__name__)

TOLERANCE_DB = 0.10
"""What may be lost on any set."""


@dataclass(frozen=True, slots=True)
class Loss:
    """PSNR before and after, means over the images of a set.

    Attributes:
        set: Name of the set.
        before_db: Of the network in float32.
        after_db: With 8-bit convolutions.
    """

    set: str
    before_db: float
    after_db: float

    @property
    def db(self) -> float:
        """What is lost."""
        return self.before_db - self.after_db

    def __str__(self) -> str:
        """Return ``Set5 31.59 -> 31.56 dB, loses 0.031``."""
        return f"{self.set} {self.before_db:.3f} -> {self.after_db:.3f} dB, loses {self.db:.3f}"


def sets(
    names: Sequence[str], root: Path | None, scale: int, *, lr: str | None
) -> tuple[TestSet, ...]:
    """Return test sets; without names the paper's that are there, or the bundled photographs.

    Raises:
        HarnessError: A set is not there, or cannot be read.
    """
    there = catalogue.names(root, "test") if root is not None and not names else ()
    chosen = names or [name for name in paper.SETS if name in there] or [SAMPLE]
    return tuple(find_test(name, root, scale, lr=lr) for name in dict.fromkeys(chosen))


def measure(
    before: nn.Module, after: nn.Module, tests: Sequence[TestSet], *, scale: int
) -> Iterator[Loss]:
    """Score both networks, by the paper's protocol, set by set."""
    cpu = torch.device("cpu")
    for test in tests:
        log.info("scoring %s before and after", test.name)
        pair = [evaluate.score(one, test, scale=scale, device=cpu) for one in (before, after)]
        yield Loss(test.name, *(score.psnr_db for score in pair))


def check(loss: Loss, *, tolerance_db: float) -> Loss:
    """Return a loss that is allowed.

    Raises:
        HarnessError: It is not.
    """
    if not loss.db <= tolerance_db:
        raise HarnessError(
            f"8-bit convolutions lose too much: {loss} dB, expected at most {tolerance_db:g}; "
            "leave out --int8, name a training set like your images by --calibrate, or allow "
            "more by --tolerance-db; nothing is written"
        )
    return loss

"""The errors a user can meet, and the hints that go with them.

    HarnessError            exit 1   something failed
    ├── UsageError          exit 2   what was asked for does not exist or cannot be
    │   ├── ConfigError              several such problems, reported together
    │   └── PartError                a user's part of a backbone cannot be used
    ├── DataError                    an image, folder or data set cannot be used
    ├── CheckpointError              a checkpoint cannot be written, read or does not fit
    │   └── NoWeightsError  exit 2   a file of weights that was named is not there
    ├── TrainingError                training cannot go on
    └── RecordError                  a stored record cannot be read

No exception here knows about click; the command line turns them into exit codes once.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class HarnessError(Exception):
    """Base of every error whose message is meant for the user."""

    exit_code = 1


class UsageError(HarnessError):
    """What was asked for does not exist, or cannot be combined."""

    exit_code = 2


class ConfigError(UsageError):
    """Every problem of a configuration at once, one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        """Collect the problems, in the order they were found."""
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        super().__init__("\n".join([f"{head} in the configuration:", *self.bullets()]))

    def bullets(self) -> list[str]:
        """Return the problems as list items."""
        return [f"  - {problem}" for problem in self.problems]


class PartError(UsageError):
    """A user's unit, fusion or tail cannot be found, made or run, or does not fit."""


class DataError(HarnessError):
    """An image, folder or data set cannot be used."""


class CheckpointError(HarnessError):
    """A checkpoint cannot be written or read, or belongs to something else."""


class NoWeightsError(CheckpointError, UsageError):
    """A file of weights that was named is not there."""


class TrainingError(HarnessError):
    """Training cannot go on."""


class RecordError(HarnessError):
    """A stored record cannot be read."""


def suggest(word: str, choices: Iterable[str], *, listing: bool = True) -> str:
    """Return a hint in brackets: the nearest of the choices, or all of them.

    Args:
        word: What the user wrote.
        choices: What would have been accepted.
        listing: Whether to name all the choices where none is near.

    Returns:
        ``" (did you mean 'x'?)"``, or ``" (known: a, b)"`` where nothing is near,
        or an empty string where there are no choices.

    Example:
        >>> suggest("awsrm_s", ["awsrn_s", "carn"])
        " (did you mean 'awsrn_s'?)"
        >>> suggest("resnet", ["awsrn_s", "carn"])
        ' (known: awsrn_s, carn)'
    """
    known = sorted(set(choices))
    by_lower = {choice.lower(): choice for choice in known}
    near = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    if near:
        return f" (did you mean '{by_lower[near[0]]}'?)"
    return f" (known: {', '.join(known)})" if known and listing else ""

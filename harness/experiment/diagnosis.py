"""What went wrong with a cell: the error in one line, and the line of the user's code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch.multiprocessing.spawn import ProcessException

from harness.errors import HarnessError
from harness.experiment.batches import LOST_WORKER
from harness.weights import networks, projects, user_code
from harness.weights.projects import Project

_FRAME = re.compile(r'^ *File "(.+)", line (\d+)', re.MULTILINE)
_LONGEST_REASON = 400
_WORKER_DIED = re.compile(r"DataLoader worker \(pid.*?\) (?:is |exited )")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What went wrong.

    Attributes:
        reason: In one line.
        place: File, below the user's project, and line; empty where no code of the user's
            took part.
    """

    reason: str
    place: str = ""


def diagnose(error: BaseException, *, users: Iterable[str], results: Path) -> Diagnosis:
    """Explain an error that came up in the work on a cell.

    Args:
        error: The error, with its trace and its causes.
        users: Names of the network and of its parts; those of ours are passed over.
        results: Results root; it is left out of paths.
    """
    if any(_is_lost_worker(cause) for cause in _causes(error)):
        # PyTorch raises this from a signal, wherever the training happens to be.
        return Diagnosis(LOST_WORKER)
    projects_of = [project for project in map(_project, users) if project]
    places = (
        _place(cause, project) for cause in _causes(error) for project in dict.fromkeys(projects_of)
    )
    reason = _reason(error, projects_of[0] if projects_of else None)
    return Diagnosis(reason.replace(f"{results}/", ""), next(filter(None, places), ""))


def _reason(error: BaseException, project: Project | None) -> str:
    """Return the first line of an error; with its type where the text is not ours."""
    if isinstance(error, HarnessError):
        lines = str(error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
    elif project:
        reason = project.message(error)
    else:
        reason = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
    return reason[:_LONGEST_REASON]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error and those that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def _is_lost_worker(error: BaseException) -> bool:
    """Tell whether a process that loads data has gone: PyTorch has no type for it."""
    return isinstance(error, RuntimeError) and _WORKER_DIED.match(str(error)) is not None


def _project(model: str) -> Project | None:
    """Return the project of a user's network; None for ours and for an installed package's."""
    if not networks.is_users(model):
        return None
    try:
        file = user_code.source_file(model.rpartition(":")[0])
    except HarnessError:  # the file has gone, which may be what went wrong
        return None
    return projects.project_of(file) if file and not projects.is_installed(file) else None


def _place(error: BaseException, project: Project) -> str:
    """Return where in a project an error came up; of another process it is in the text."""
    place = project.place(error)
    if place is None and isinstance(error, ProcessException):
        frames = [(Path(file), int(line)) for file, line in _FRAME.findall(str(error))]
        inside = [frame for frame in frames if frame[0].is_relative_to(project.root)]
        place = inside[-1] if inside else None
    return f"{place[0].relative_to(project.root)}:{place[1]}" if place else ""

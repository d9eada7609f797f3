"""Take over records of another machine, and their weights, each whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import CheckpointError, HarnessError, RecordError, UsageError
from harness.host import locks
from harness.host.files import reason, write_atomic
from harness.host.problems import FormatError
from harness.host.reading import read_text
from harness.records import conditions, failure, record
from harness.records.marks import RECIPE
from harness.records.record import FILE_NAME, Record
from harness.weights.described import WEIGHTS_FILE

_DROPPED = re.compile(r"-drop[\d.]+\Z")


@dataclass(slots=True)
class Imported:
    """What became of the records of other folders.

    Attributes:
        taken: Those that are here now and were not before.
        known: Ids of those that were here already, with the same content.
        with_weights: Ids of those whose weights were taken over.
        without_weights: Why weights that are there were not, by id.
        refused: Why a record was not taken over, by its folder.
    """

    taken: list[Record] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    with_weights: list[str] = field(default_factory=list)
    without_weights: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """How many were taken over, and what was passed over."""
        lines = [
            f"taken over: {len(self.taken)}, passed over as they are here: {len(self.known)}, "
            f"refused: {len(self.refused)}; weights taken over: {len(self.with_weights)}"
        ]
        lines += [
            f"weights not taken over, {name}: {why}" for name, why in self.without_weights.items()
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Found:
    """A record of another machine, checked.

    Attributes:
        record: The record.
        text: Its file.
        weights: The file of its weights; None where there is none, or none to take over.
        why_none: Why there is none to take over though one is there; empty otherwise.
    """

    record: Record
    text: str
    weights: bytes | None = None
    why_none: str = ""


def take(folders: Iterable[Path], results: Path) -> Imported:
    """Take over every record of some folders; what is refused stops no other.

    Args:
        folders: Results roots, their folders ``results/runs``, or folders of one record.
        results: Results root to take them to.

    Raises:
        UsageError: A folder has no records.
        HarnessError: A file cannot be written.
    """
    cells = [cell for folder in folders for cell in _cells(folder)]
    imported = Imported()
    for cell in dict.fromkeys(cells):
        try:
            _take(_checked(cell), results, imported)
        except (RecordError, CheckpointError) as error:
            imported.refused[str(cell)] = str(error)
    return imported


def _cells(folder: Path) -> list[Path]:
    """Return the folders of the records of a folder.

    Raises:
        UsageError: It has none.
    """
    own = [folder / FILE_NAME] if (folder / FILE_NAME).is_file() else []
    files = own or record.files(folder) or sorted(folder.glob(f"*/{FILE_NAME}"))
    if not files:
        what = "there are no records in" if folder.is_dir() else "there is no folder"
        raise UsageError(
            f"{what} '{folder}': expected a results root, its folder results/runs, or a folder "
            f"with a {FILE_NAME}"
        )
    return [path.parent.resolve() for path in files]


def _checked(cell: Path) -> _Found:
    """Read a record and its weights.

    Raises:
        RecordError: It cannot be read, or contradicts itself, its folder or its weights.
        CheckpointError: Its weights are damaged.
    """
    try:
        text = read_text(cell / FILE_NAME)
    except FormatError as error:
        raise RecordError(str(error)) from error
    stored = Record.from_json(text, source=FILE_NAME)
    if problems := "; ".join(_contradictions(stored, cell.name)):
        raise RecordError(problems)
    path = cell / WEIGHTS_FILE
    if not path.is_file():
        return _Found(stored, text)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"its weights cannot be read: {reason(error)}") from error
    why_none = _why_not_these(content, stored, cell)
    return _Found(stored, text, None if why_none else content, why_none)


def _contradictions(stored: Record, name: str) -> Iterator[str]:
    """Return what of a record does not fit the rest of it, or its folder."""
    if stored.id != name:
        yield f"it is the record of '{stored.id}', and lies in a folder of another name"
    if not _DROPPED.sub("", stored.id).endswith(f"-{stored.fingerprint[:12]}"):
        yield "its id does not end with its fingerprint"
    if f"-x{stored.scale}-" not in stored.id:
        yield f"its id does not name its scale, {stored.scale}"
    if bool(stored.group) != (stored.steps > 0):
        yield f"it has {stored.steps} steps, and {'a' if stored.group else 'no'} group of trainings"
    elif stored.group and stored.recipe == RECIPE and not conditions.are_complete(stored):
        yield "its group is not that of its settings"


def _why_not_these(content: bytes, stored: Record, cell: Path) -> str:
    """Return why a file of weights is not taken over; empty where it is that of the record.

    Raises:
        RecordError: They are other weights than the record says.
        CheckpointError: The file is damaged.
    """
    from harness.weights import sealed  # it needs PyTorch

    if not stored.weights_sha256:
        return "the record has no digest to know them by"
    held = sealed.unseal(content, WEIGHTS_FILE)
    if not stored.drop:
        if sealed.digest(held.tensors) != stored.weights_sha256:
            raise RecordError("its weights are others than those that it was made with")
        return ""
    whole_file = cell.with_name(_DROPPED.sub("", cell.name)) / WEIGHTS_FILE
    if not whole_file.is_file():
        return "they are cut from weights that are not there, and not known without"
    whole = sealed.read_sealed(whole_file).tensors
    is_whole = sealed.digest(whole) == stored.weights_sha256
    if not is_whole or not all(
        name in whole and sealed.digest({"": tensor}) == sealed.digest({"": whole[name]})
        for name, tensor in held.tensors.items()
    ):
        raise RecordError("its weights are not cut from those that it was made with")
    return ""


def _take(found: _Found, results: Path, imported: Imported) -> None:
    """Take one record over, or know it again.

    Raises:
        RecordError: There is another record of its id, one that cannot be read, or other weights.
        HarnessError: A file cannot be written.
    """
    stored = found.record
    target = record.folder(results, stored.id)
    earlier = record.read(results, stored.id)
    if earlier is not None and (differing := _differing(stored, earlier)):
        raise RecordError(f"there is one of its id here, with other {', '.join(differing)}")
    has_weights = (target / WEIGHTS_FILE).is_file()
    if earlier is None and has_weights:
        _check_weights_here(stored, target)
    weights = None if has_weights else found.weights
    text = found.text if earlier is None else None
    if not target.exists():
        _place_new(target, text or "", weights)
    elif text is not None or weights is not None:
        with locks.held(target / ".lock", what=f"{stored.id} is being run"):
            _place(target, text, weights)
    if earlier is None:
        failure.remove(results, [stored.id])
        imported.taken.append(stored)
    else:
        imported.known.append(stored.id)
    if weights is not None:
        imported.with_weights.append(stored.id)
    if found.why_none and not has_weights:
        imported.without_weights[stored.id] = found.why_none


def _differing(stored: Record, earlier: Record) -> list[str]:
    """Return in what two records differ, besides the code by which they are known again.

    What needs no training, such as bicubic, is scored on every machine: only results count there.
    """
    if not stored.group:
        return record.differing(earlier, stored, besides=record.CIRCUMSTANCES)
    ours, theirs = (
        replace(one, marks=replace(one.marks, code=()), schema=record.SCHEMA)
        for one in (earlier, stored)
    )
    return record.differing(ours, theirs)


def _check_weights_here(stored: Record, target: Path) -> None:
    """Refuse a record beside whose place other weights lie already.

    Raises:
        RecordError: They do, or nobody can tell.
    """
    path = target / WEIGHTS_FILE
    try:
        unknown = _why_not_these(path.read_bytes(), stored, target)
    except (OSError, HarnessError) as error:
        raise RecordError(f"other weights lie in its place, '{path}'") from error
    if unknown:
        raise RecordError(f"weights lie in its place, '{path}', but {unknown}")


def _place_new(target: Path, text: str, weights: bytes | None) -> None:
    """Make the folder of a record in one step.

    Raises:
        HarnessError: It cannot be written.
    """
    staged = target.parent.with_name(f".import-{target.name}-{os.getpid()}")
    try:
        _place(staged, text, weights)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)
    except OSError as error:
        raise HarnessError(f"cannot write '{target}': {reason(error)}") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _place(target: Path, text: str | None, weights: bytes | None) -> None:
    """Write weights and record, the record last; weights without it are removed again.

    Raises:
        HarnessError: A file cannot be written.
    """
    if weights is not None:
        write_atomic(target / WEIGHTS_FILE, weights)
    if text is None:
        return
    try:
        write_atomic(target / FILE_NAME, text)
    except BaseException:
        if weights is not None:
            (target / WEIGHTS_FILE).unlink(missing_ok=True)
        raise

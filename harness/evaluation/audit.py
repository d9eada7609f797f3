"""Score every public weight by its paper's own protocol and by the default: the proof.

What is recorded is not scored again, so that the whole may be stopped and gone on with.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config import protocols
from harness.config.protocols import Protocol
from harness.data.catalogue import TestSet, find_test
from harness.errors import CheckpointError, UsageError, suggest
from harness.evaluation import scoring
from harness.host.device import DeviceChoice, inference_device
from harness.records import released as weights
from harness.records.released import Weights
from harness.weights import load

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """One file at one scale on one set."""

    weights: Weights
    scale: int
    test: TestSet
    protocols: tuple[Protocol, ...]


def run(
    folder: Path,
    *,
    root: Path | None,
    results: Path,
    files: Sequence[str] = (),
    sets: Sequence[str] = weights.SETS,
    device: DeviceChoice = "auto",
) -> int:
    """Score what is not recorded yet, the small sets first.

    Args:
        folder: Where the files lie; those that are not there are named and left out.
        root: Data root.
        results: Results root below which records are stored.
        files: Names of the files to score; empty for all.
        sets: Sets to score on.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        How many records there are of these weights.

    Raises:
        UsageError: There is no such file or set.
        CheckpointError: A file is not the one that was released.
    """
    present = _present(_chosen(files), folder)
    tests = {
        (name, scale): find_test(name, root, scale)
        for name in sets
        for scale in sorted({scale for each in present for scale in each.scales})
    }
    place = inference_device(device)
    jobs = list(_jobs(present, sets, tests))
    ids = set()
    for number, job in enumerate(jobs, 1):
        each = job.weights
        scorer = scoring.Scorer(
            load.load(each.model, scale=job.scale, checkpoint=folder / each.file),
            device=place,
            results=results,
        )
        missing = scorer.missing(job.test, job.protocols)
        what = f"{each.file} x{job.scale} on {job.test.name}"
        log.info("%d of %d: %s%s", number, len(jobs), what, "" if missing else ": done before")
        if missing:
            for protocol, score in zip(missing, scorer.score(job.test, missing), strict=True):
                log.info("  %-18s %.3f dB / %.4f", protocol.name, score.psnr_db, score.ssim)
        ids |= {record.id for one in job.protocols if (record := scorer.stored(one))}
    return len(ids)


def _chosen(files: Sequence[str]) -> list[Weights]:
    known = {each.file: each for each in weights.load()}
    for name in files:
        if name not in known:
            raise UsageError(f"'{name}' is no file of the proof{suggest(name, known)}")
    return [known[name] for name in files or known]


def _present(chosen: Sequence[Weights], folder: Path) -> list[Weights]:
    """Return the weights whose files are there, and are those that were released."""
    found = []
    for each in chosen:
        path = folder / each.file
        if not path.is_file():
            log.warning("'%s' is not there, so it is left out", path)
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != each.sha256:
            raise CheckpointError(
                f"'{path}' is not the file that was released: its SHA-256 is {digest[:12]}.., "
                f"expected {each.sha256[:12]}.."
            )
        found.append(each)
    if not found:
        raise UsageError(f"there are no public weights in '{folder}' (HARNESS_CHECKPOINTS)")
    return found


def _jobs(
    present: Sequence[Weights], sets: Sequence[str], tests: dict[tuple[str, int], TestSet]
) -> Iterator[_Job]:
    for name in sets:
        for each in present:
            by = tuple(map(protocols.get, each.protocols(name)))
            for scale in each.scales if by else ():
                yield _Job(each, scale, tests[name, scale], by)

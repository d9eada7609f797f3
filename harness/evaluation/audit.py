"""Score all released weights by the protocol of their paper and by the default one.

Scores that are recorded already are not computed again, so the audit may be interrupted.
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
from harness.host import progress
from harness.host.device import DeviceChoice, inference_device
from harness.records import released
from harness.records.released import Weights
from harness.weights import load

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _AuditJob:
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
    sets: Sequence[str] = released.SETS,
    device: DeviceChoice = "auto",
    lr: str | None = None,
) -> int:
    """Score the weights that have no record yet, on the small sets first.

    Args:
        folder: Where the files lie, or its folders; those that are not there are named and
            left out.
        root: Data root.
        results: Results root below which records are stored.
        files: Names of the files to score; empty for all.
        sets: Sets to score on.
        device: ``auto``, ``cpu`` or ``cuda``.
        lr: Folder of the sets' LR files, or ``made``; None where it is clear.

    Returns:
        How many records there are of these weights.

    Raises:
        UsageError: There is no such file or set.
        CheckpointError: A file is not the one that was released.
    """
    present = _present(_chosen(files), folder)
    tests = {
        (name, scale): find_test(name, root, scale, lr=lr)
        for name in sets
        for scale in sorted({scale for weights in present for scale in weights.scales})
    }
    place = inference_device(device)
    jobs = list(_jobs(present, sets, tests))
    ids = set()
    for number, job in enumerate(progress.over(jobs, "all weights and sets"), 1):
        weights = job.weights
        scorer = scoring.Scorer(
            load.load(
                weights.model,
                scale=job.scale,
                checkpoint=_path(weights, folder),
                key=weights.key or None,
            ),
            device=place,
            results=results,
        )
        missing = scorer.missing(job.test, job.protocols)
        what = f"{weights.file} x{job.scale} on {job.test.name}"
        log.info("%d of %d: %s%s", number, len(jobs), what, "" if missing else ": done before")
        if missing:
            for protocol, score in zip(missing, scorer.score(job.test, missing), strict=True):
                log.info("  %-18s %.3f dB / %.4f", protocol.name, score.psnr_db, score.ssim)
        ids |= {record.id for protocol in job.protocols if (record := scorer.stored(protocol))}
    return len(ids)


def _chosen(files: Sequence[str]) -> list[Weights]:
    by_name = released.by_file()
    for name in files:
        if name not in by_name:
            raise UsageError(f"'{name}' is no file of the proof{suggest(name, by_name)}")
    return [by_name[name] for name in files or by_name]


def _present(chosen: Sequence[Weights], folder: Path) -> list[Weights]:
    """Return the weights whose files are there, and are those that were released."""
    present = []
    for weights in chosen:
        path = _path(weights, folder)
        if not path.is_file():
            log.warning("'%s' is not there, so it is left out", path)
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != weights.sha256:
            raise CheckpointError(
                f"'{path}' is not the file that was released: its SHA-256 is {digest[:12]}.., "
                f"expected {weights.sha256[:12]}.."
            )
        present.append(weights)
    if not present:
        raise UsageError(f"there are no public weights in '{folder}' (HARNESS_CHECKPOINTS)")
    return present


def _path(weights: Weights, folder: Path) -> Path:
    """Return where a file lies: in the folder, or in one of the folders in it."""
    inside = sorted(folder.glob(f"*/{weights.file}"))
    path = folder / weights.file
    return inside[0] if inside and not path.is_file() else path


def _jobs(
    present: Sequence[Weights], sets: Sequence[str], tests: dict[tuple[str, int], TestSet]
) -> Iterator[_AuditJob]:
    for name in sets:
        for weights in present:
            by = tuple(map(protocols.get, weights.protocols(name)))
            for scale in weights.scales if by else ():
                yield _AuditJob(weights, scale, tests[name, scale], by)

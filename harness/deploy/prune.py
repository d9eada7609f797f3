"""Remove the branches and units whose removal costs the least measured PSNR: ``harness prune``."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from harness.config import protocols
from harness.config.protocols import Protocol
from harness.data.catalogue import TestSet, find_test
from harness.deploy.prune_search import RemovalLoss, What, candidates, greedy
from harness.efficiency.counting import multi_adds
from harness.errors import UsageError
from harness.evaluation import evaluate, metrics, pixels
from harness.host.device import DeviceChoice, inference_device
from harness.records.record import ImageScore, SetScore
from harness.weights import load, pruned, schemes
from harness.weights.pruned import Pruned

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NetworkState:
    """A network before or after.

    Attributes:
        params: Trainable parameters.
        multi_adds: Multi-Adds for a 1280x720 output; None where the count is in doubt.
        scores: Its score on each set.
        count_doubts: Why the Multi-Adds are not known.
    """

    params: int
    multi_adds: int | None
    scores: tuple[SetScore, ...]
    count_doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PruneResult:
    """What was measured and done.

    Attributes:
        data: The set that was chosen on; losses are on it.
        ranking: Every candidate removed alone, the least loss first.
        removed: What was removed, in order; each loss is of all so far.
        before: The network at the start.
        after: The network that is left.
    """

    data: str
    ranking: tuple[RemovalLoss, ...]
    removed: tuple[RemovalLoss, ...]
    before: NetworkState
    after: NetworkState


def prune(
    model: str,
    *,
    scale: int,
    checkpoint: Path | None,
    output: Path,
    tolerance_db: float,
    what: What = "branches",
    data: str = "Set5",
    report: Sequence[str] = (),
    protocol: str = protocols.DEFAULT.name,
    root: Path | None = None,
    force: bool = False,
    key: str | None = None,
    lr: str | None = None,
    device: DeviceChoice = "auto",
) -> PruneResult:
    """Remove what the tolerance allows and write the smaller checkpoint.

    It is written anew after each removal, so that an interruption loses none.

    Args:
        model: Id, or ``FILE.py:CLASS``.
        scale: Upscaling factor.
        checkpoint: Its weights; may be pruned already. None for those that come with the
            harness.
        output: The smaller checkpoint, ``.safetensors``.
        tolerance_db: How much of the mean PSNR on ``data`` may be lost, in dB.
        what: What may be removed.
        data: The set that the removal is chosen on.
        report: Sets scored before and after; without one, ``data``.
        protocol: How to score.
        root: Data root; None where there is none.
        force: Whether to replace the output.
        key: Which state dict of the file; None for the one that is wanted first.
        lr: Folder of the sets' LR files, or ``made``; None where it is clear.
        device: ``auto``, ``cpu`` or ``cuda``: where it is scored.

    Raises:
        HarnessError: Something of it does not exist, does not fit or cannot be read, or the
            network has nothing of the kind; all of this is checked before anything is run.
    """
    if not (math.isfinite(tolerance_db) and tolerance_db >= 0):
        raise UsageError(f"--tolerance-db must be 0 or more, not {tolerance_db:g}")
    if output.suffix != ".safetensors":
        raise UsageError(f"'{output}': a pruned checkpoint is written as .safetensors")
    if output.exists() and not force:
        raise UsageError(f"'{output}' exists: use --force to replace it")
    if not output.resolve().parent.is_dir():
        raise UsageError(f"there is no folder '{output.parent}' to write '{output.name}' to")
    chosen = protocols.get(protocol)
    chosen.check_scale(scale)
    choosing = find_test(data, root, scale, lr=lr)
    reported = [find_test(name, root, scale, lr=lr) for name in dict.fromkeys(report)]
    reported = reported or [choosing]
    where = inference_device(device)
    loaded = load.load(model, scale=scale, checkpoint=checkpoint, key=key)
    earlier, network = loaded.removed, loaded.network.to(where)
    if not candidates(network, what):
        raise UsageError(_nothing(model, network, what))
    if chosen.needs_luma_network:
        evaluate.luma_part(network)
    if any(test.hr == choosing.hr for test in reported):
        log.warning(
            "%s is both chosen on and reported on, which flatters the result: "
            "--report SET scores another set",
            data,
        )

    def state(network: nn.Module) -> NetworkState:
        cost = multi_adds.count(network, scale=scale)
        scores = tuple(
            evaluate.score(network, test, scale=scale, device=where, protocol=chosen)
            for test in reported
        )
        return NetworkState(cost.params, cost.by("paper"), scores, cost.doubts)

    smallest = network

    def keep(network: nn.Module, removed: tuple[RemovalLoss, ...]) -> None:
        nonlocal smallest
        smallest = network
        lacking = _lacking(model, scale, earlier, removed)
        pruned.write(output, schemes.tensors_of(network), lacking)

    before = state(network)
    measure = scorer(choosing, scale=scale, device=where, protocol=chosen)
    ranking, removed = greedy(network, what, measure=measure, tolerance_db=tolerance_db, keep=keep)
    return PruneResult(choosing.name, ranking, removed, before, state(smallest))


def scorer(
    test: TestSet, *, scale: int, device: torch.device, protocol: Protocol
) -> Callable[[nn.Module], float]:
    """Return a function from a network to its mean PSNR on a set, in dB; files are read once.

    It raises UsageError where SR equals HR in an image: means that leave out other images, being
    infinite there, do not compare.
    """
    pairs = list(pixels.pairs(test, scale=scale, protocol=protocol))

    def measure(network: nn.Module) -> float:
        images = []
        for name, lr, hr in pairs:
            sr = evaluate.upscale(network, lr, device, protocol=protocol)
            scores = metrics.score(sr, hr, scale=scale, name=name, protocol=protocol)
            images.append(ImageScore(name, *scores))
        if equal := [image.name for image in images if math.isinf(image.psnr_db)]:
            raise UsageError(
                f"{test.name} cannot tell what a removal loses: SR equals HR in "
                f"{', '.join(equal)}, where PSNR is infinite; name another set (--data)"
            )
        return SetScore.of(test.name, "files" if test.lr else "made", "", tuple(images)).psnr_db

    return measure


def _lacking(
    model: str, scale: int, earlier: Pruned | None, removed: Sequence[RemovalLoss]
) -> Pruned:
    """Return everything that was removed: now, and before from the file that was read."""
    before = earlier or Pruned(model, scale)
    gone = [loss.candidate for loss in removed]
    branches = {part.number for part in gone if part.kind == "branch"}
    units = {part.number for part in gone if part.kind == "unit"}
    return Pruned(
        model,
        scale,
        tuple(sorted(branches.union(before.branches))),
        tuple(sorted(units.union(before.units))),
    )


_WORDS: dict[What, str] = {
    "branches": "weighted branches",
    "units": "residual units",
    "all": "weighted branches or residual units",
}


def _nothing(model: str, network: nn.Module, what: What) -> str:
    other: What = "units" if what == "branches" else "branches"
    hint = f", but {_WORDS[other]}: use --what {other}" if candidates(network, other) else ""
    return f"{model} has no {_WORDS[what]} that could be removed{hint}"

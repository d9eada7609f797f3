"""Which backends are measured on a network, and how well each of them upscales."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.data.catalogue import find_test
from harness.deploy.backends import Backend, Run, chosen, write
from harness.deploy.export.int8 import calibration
from harness.efficiency.bench import measure
from harness.efficiency.bench.process import Setup
from harness.efficiency.bench.rounds import BenchCandidate
from harness.errors import HarnessError, UsageError
from harness.evaluation import evaluate
from harness.host.device import use_real_float32
from harness.weights import networks, pretrained
from harness.weights.load import load

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What is compared.

    Attributes:
        backends: Names of backends, or ``all``.
        checkpoint: Weights; None for those that come with the harness.
        test: Name or folder of the set that is scored beside.
        root: Data root; None where there is none.
        lr: Folder of the set's LR files, or ``made``; None where it is clear.
        calibrate: Training set that 8-bit ranges are from; None for bundled photographs.
    """

    backends: tuple[str, ...]
    checkpoint: Path | None = None
    test: str = "sample"
    root: Path | None = None
    lr: str | None = None
    calibrate: str | None = None


def candidates(
    plain: Sequence[BenchCandidate], setup: Setup, request: Request, *, folder: Path
) -> list[BenchCandidate]:
    """Return every network with every backend, scored on the set; all is checked before.

    Args:
        plain: The networks.
        setup: Where they are run, and with how many threads.
        request: What is compared.
        folder: For exported files, which are needed until all is measured.

    Raises:
        UsageError: Weights, a backend or the set do not exist, or do not fit.
        HarnessError: A backend cannot run a network.
    """
    backends = chosen(request.backends, device=setup.device)
    if setup != Setup(device=setup.device, threads=setup.threads):
        raise UsageError(
            "--backends says how networks are run: leave out --precision, --channels-last, "
            "--as-built and --fused"
        )
    if setup.device == "cuda":
        use_real_float32()
    return [
        candidate
        for number, network in enumerate(plain)
        for candidate in _of_network(network, backends, setup, request, folder / str(number))
    ]


def _of_network(
    plain: BenchCandidate,
    backends: Sequence[Backend],
    common: Setup,
    request: Request,
    folder: Path,
) -> list[BenchCandidate]:
    target = plain.target
    test = find_test(request.test, request.root, target.scale, lr=request.lr)
    loaded = load(target.model, scale=target.scale, checkpoint=request.checkpoint)
    weights = request.checkpoint or pretrained.find(loaded.model, target.scale)
    if loaded.file:
        target = replace(target, checkpoint=str(weights))
    merged = measure.candidate(
        networks.variant(target.model), target.scale, target.lr_px, fused=True
    )
    write(
        backends,
        loaded.network,
        folder,
        name=target.model,
        scale=target.scale,
        calibration=partial(calibration, request.calibrate, request.root, target.scale),
    )
    found = []
    for backend in backends:
        setup = backend.setup(common, folder)
        try:
            run = backend.make(lambda: loaded.network, setup)
            score = evaluate.score(
                _Running(run), test, scale=target.scale, device=torch.device(setup.device)
            )
        except HarnessError as error:
            raise type(error)(f"{backend.id}: {error}") from error
        log.info("%s by %s: %.3f dB", target, backend.id, score.psnr_db)
        counted = merged if backend.merges else plain
        found.append(
            replace(
                counted,
                target=target,
                backend=backend.label,
                setup=setup,
                quality=(test.name, score.psnr_db),
            )
        )
    return found


class _Running(nn.Module):
    """A function in the place of a network."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def forward(self, lr: Tensor) -> Tensor:
        return self._run(lr)

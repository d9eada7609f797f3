"""Build a network, load weights into it and score it: ``harness eval``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from harness import evaluate, protocols
from harness.data.catalogue import find_test
from harness.errors import UsageError, suggest
from harness.importers import fits
from harness.records import SetScore
from models import registry

log = logging.getLogger(__name__)


def score(
    model: str,
    *,
    scale: int,
    checkpoint: Path | None,
    sets: Sequence[str],
    protocol: str,
    root: Path | None,
    device: str,
) -> list[SetScore]:
    """Score a network with given weights; every argument is checked before anything is run.

    Args:
        model: Id, or ``FILE.py:CLASS``.
        scale: Upscaling factor.
        checkpoint: Weights; None for a network that learns nothing.
        sets: Names or folders of test sets.
        protocol: Name of the protocol.
        root: Data root; None where there is none.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        HarnessError: Something of it does not exist, does not fit or cannot be read.
    """
    chosen = protocols.get(protocol)
    chosen.check_scale(scale)
    if not sets:
        raise UsageError("no test set is named: expected --data SET, for example --data Set5")
    tests = [find_test(name, root, scale) for name in dict.fromkeys(sets)]
    place = _device(device)
    network = build(model, scale=scale, checkpoint=checkpoint).to(place)
    return [
        evaluate.score(network, test, scale=scale, device=place, protocol=chosen) for test in tests
    ]


def build(model: str, *, scale: int, checkpoint: Path | None) -> nn.Module:
    """Build a network and load its weights.

    Raises:
        UsageError: There is no such network or scale, or weights are wanting.
        CheckpointError: The weights are of another network, or cannot be read.
    """
    try:
        network = registry.get(model).build(scale=scale)
    except LookupError as error:
        raise UsageError(f"{error.args[0]}{suggest(model, registry.names())}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error
    learns = bool(network.state_dict())
    if checkpoint is not None:
        if not learns:
            raise UsageError(f"{model} has no weights: leave out --checkpoint")
        scheme = fits.load(network, checkpoint, name=f"{model} x{scale}")
        log.info("'%s' loaded; names: %s", checkpoint, scheme)
    elif learns:
        raise UsageError(f"{model} has weights: expected --checkpoint FILE")
    return network.eval()


def _device(asked: str) -> torch.device:
    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise UsageError("--device cuda: PyTorch finds no CUDA device here (use auto or cpu)")
    return torch.device("cuda" if available and asked != "cpu" else "cpu")

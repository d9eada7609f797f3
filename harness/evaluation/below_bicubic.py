"""Warn of a score below bicubic, and say what is likely to be wrong."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn

from harness.config.paper import BICUBIC
from harness.config.protocols import Protocol
from harness.data.catalogue import TestSet
from harness.errors import HarnessError, UsageError
from harness.evaluation import evaluate
from harness.evaluation.forms import InBf16
from harness.evaluation.kept import Stamp, part, stamps_of
from harness.evaluation.self_ensemble import SelfEnsemble
from harness.models import registry
from harness.models.adapted import Expects, expecting
from harness.models.bicubic import Bicubic
from harness.models.layers import DIV2K_MEAN
from harness.records.record import SetScore

log = logging.getLogger(__name__)

_MOST_IMAGES = 8
"""Images that bicubic is scored on; of larger sets, as many at equal distances."""


class _Changed(nn.Module):
    """A network whose input and output are changed."""

    def __init__(self, network: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network = network
        self.change = change

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` to SR ``(N, 3, scale H, scale W)``."""
        sr: Tensor = self.change(self.network(self.change(lr)))
        return sr


def _same(image: Tensor) -> Tensor:
    return image


def _flip(image: Tensor) -> Tensor:
    return image.flip(1)


@dataclass(frozen=True, slots=True)
class _Remedy:
    """A change of the images that a network is given, and of those that it returns.

    Attributes:
        name: What it says that the network expects.
        expects: The same, in place of what is declared.
        change: What is done with LR before, and with SR behind.
        flag: How a user says so of the own network; empty where that cannot be said.
    """

    name: str
    expects: Expects
    change: Callable[[Tensor], Tensor] = _same
    flag: str = ""


def _remedies(declared: Expects) -> Iterator[_Remedy]:
    """Yield what a network may expect instead of what is declared."""
    white = 1 if declared.range == 255 else 255
    other = replace(declared, range=white)
    yield _Remedy(f"images in 0..{white}", other, flag=f"--range {white}")
    if declared.luma:
        return
    yield _Remedy("BGR", declared, _flip)
    yield _Remedy(f"BGR in 0..{white}", other, _flip)
    mean, name = (0.0, 0.0, 0.0), "no mean colour taken off"
    if not any(declared.mean):
        mean, name = DIV2K_MEAN, "DIV2K's mean colour taken off"
    flag = f"--mean {','.join(f'{one:g}' for one in mean)}"
    yield _Remedy(name, replace(declared, mean=mean), flag=flag)


def bicubic(
    network: nn.Module,
    test: TestSet,
    *,
    scale: int,
    device: torch.device,
    protocols: Sequence[Protocol],
) -> tuple[SetScore, ...]:
    """Return the scores of bicubic on a few images of a set, by each protocol.

    There are none where the network is bicubic. They are measured once, as long as the files do
    not change. Where this is called before a network is scored, the images that both need are
    decoded once, however large the set.
    """
    if isinstance(_whole(network), Bicubic):
        return ()
    few = _few(test)
    stamps = stamps_of(few)
    if stamps is None:
        return _scored(few, scale, device, tuple(protocols))
    return _scored_before(few, scale, device, tuple(protocols), stamps)


def _scored(
    few: TestSet, scale: int, device: torch.device, by: tuple[Protocol, ...]
) -> tuple[SetScore, ...]:
    network = registry.get(BICUBIC).build(scale=scale).to(device)
    return evaluate.score_all(network, few, scale=scale, device=device, protocols=by)


@lru_cache(maxsize=64)
def _scored_before(
    few: TestSet,
    scale: int,
    device: torch.device,
    by: tuple[Protocol, ...],
    _stamps: tuple[Stamp, ...],
) -> tuple[SetScore, ...]:
    return _scored(few, scale, device, by)


def _whole(network: nn.Module) -> nn.Module:
    """Return the network that is scored, out of its self-ensemble and its arithmetic."""
    while isinstance(network, SelfEnsemble | InBf16):
        network = network.network
    return network


def _few(test: TestSet) -> TestSet:
    return part(test, slice(None, None, -(-len(test.hr) // _MOST_IMAGES)))


def check(
    network: nn.Module,
    test: TestSet,
    scores: Sequence[SetScore],
    *,
    scale: int,
    device: torch.device,
    protocols: Sequence[Protocol],
    users: bool = False,
    references: Sequence[SetScore] | None = None,
) -> None:
    """Warn where a network scores below bicubic, naming the likely causes.

    A user's network that scores below it on the images that it is said to expect, and above it on
    others that can be asked for, is refused: its score is not that of its weights.

    Args:
        network: As for :func:`evaluate.score_all`.
        test: The set.
        scores: Of the network, one per protocol.
        scale: Upscaling factor.
        device: Where the network is.
        protocols: How it was scored.
        users: Whether the network is the user's own.
        references: What :func:`bicubic` returned, where it was called before.

    Raises:
        UsageError: It is such a network; the message says how to ask for them.
    """
    whole = _whole(network)
    if isinstance(whole, Bicubic):
        return
    few = _few(test)
    if references is None:
        references = bicubic(network, test, scale=scale, device=device, protocols=protocols)
    declared = getattr(whole, "harness_expects", Expects())
    for protocol, score, reference in zip(protocols, scores, references, strict=True):
        names = {image.name for image in reference.images}
        images = tuple(image for image in score.images if image.name in names)
        own = SetScore.of(score.set, score.lr, "", images).psnr_db
        if own < reference.psnr_db:
            remedy, psnr_db = _best(network, whole, part(few, slice(1)), scale, device, protocol)
            before_db = images[0].psnr_db
            mended = ""
            if remedy and psnr_db >= before_db + 1:
                mended = (
                    f"; with {remedy.name}, '{few.hr[0].stem}' scores {psnr_db:.2f} dB, not "
                    f"{before_db:.2f}"
                )
                if users and remedy.flag and psnr_db > reference.images[0].psnr_db:
                    raise UsageError(
                        f"{test.name}: {own:.2f} dB are below the {reference.psnr_db:.2f} dB of "
                        f"bicubic{mended}: say {remedy.flag}"
                    )
            log.warning(
                "%s: %.2f dB are below the %.2f dB of bicubic (on %d of %d images, protocol %s); "
                "likely causes: a network of images in 0..1 or of BGR (here: %s), a mean "
                "colour that is not taken off, weights of another network%s",
                test.name,
                own,
                reference.psnr_db,
                len(few.hr),
                len(test.hr),
                protocol.name,
                declared,
                mended,
            )


def _best(
    network: nn.Module,
    whole: nn.Module,
    image: TestSet,
    scale: int,
    device: torch.device,
    protocol: Protocol,
) -> tuple[_Remedy | None, float]:
    """Return the remedy by which a network scores one image best, and its PSNR with it, in dB.

    Args:
        network: What is scored.
        whole: The network in it.
        image: A set of one image.
        scale: Upscaling factor.
        device: Where the network is.
        protocol: How it is scored.
    """
    best, best_db = None, -math.inf
    if protocol.needs_luma_network:
        return best, best_db
    for remedy in _remedies(getattr(whole, "harness_expects", Expects())):
        try:
            with expecting(whole, remedy.expects, scale=scale):
                changed = _Changed(network, remedy.change)
                score = evaluate.score(
                    changed, image, scale=scale, device=device, protocol=protocol
                )
        except HarnessError:  # its output is not finite, or it refuses such input
            continue
        if score.psnr_db > best_db:
            best, best_db = remedy, score.psnr_db
    return best, best_db

"""Warn of a score below bicubic, and say what is likely to be wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from harness.config.paper import BICUBIC
from harness.config.protocols import Protocol
from harness.data.catalogue import TestSet
from harness.errors import HarnessError, UsageError
from harness.evaluation import evaluate
from harness.evaluation.self_ensemble import SelfEnsemble
from harness.models import registry
from harness.models.bicubic import Bicubic
from harness.models.layers import DIV2K_MEAN
from harness.records.record import SetScore

log = logging.getLogger(__name__)

_MOST_IMAGES = 8
"""Images that bicubic is scored on; of larger sets, as many at equal distances."""


class _Changed(nn.Module):
    """A network whose input and output are changed."""

    def __init__(
        self,
        network: nn.Module,
        before: Callable[[Tensor], Tensor],
        after: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.network = network
        self.before, self.after = before, after

    def forward(self, lr: Tensor) -> Tensor:
        """Map LR ``(N, 3, H, W)`` to SR ``(N, 3, scale H, scale W)``."""
        return self.after(self.network(self.before(lr)))


def _flip(image: Tensor) -> Tensor:
    return image.flip(1)


def _mean(image: Tensor) -> Tensor:
    return 255 * image.new_tensor(DIV2K_MEAN).view(1, 3, 1, 1)


_FLAGS = {
    "images in 0..1": "--range 1",
    "DIV2K's mean colour taken off": f"--mean {','.join(map(str, DIV2K_MEAN))}",
}
"""How a user says of the own network what mends its score."""

_REMEDIES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "images in 0..1": (lambda lr: lr / 255, lambda sr: sr * 255),
    "BGR": (_flip, _flip),
    "BGR in 0..1": (lambda lr: _flip(lr) / 255, lambda sr: _flip(sr) * 255),
    "DIV2K's mean colour taken off": (lambda lr: lr - _mean(lr), lambda sr: sr + _mean(sr)),
}


def check(
    network: nn.Module,
    test: TestSet,
    scores: Sequence[SetScore],
    *,
    scale: int,
    device: torch.device,
    protocols: Sequence[Protocol],
    users: bool = False,
) -> None:
    """Warn where a network scores below bicubic, naming the likely causes.

    A user's network that scores below it on RGB in 0..255, and above it on other images that can
    be asked for, is refused: its score is not that of its weights.

    Args:
        network: As for :func:`evaluate.score_all`.
        test: The set.
        scores: Of the network, one per protocol.
        scale: Upscaling factor.
        device: Where the network is.
        protocols: How it was scored.
        users: Whether the network is the user's own.

    Raises:
        UsageError: It is such a network; the message says how to ask for them.
    """
    whole = network.network if isinstance(network, SelfEnsemble) else network
    if isinstance(whole, Bicubic):
        return
    step = -(-len(test.hr) // _MOST_IMAGES)
    few = _part(test, slice(None, None, step))
    bicubic = registry.get(BICUBIC).build(scale=scale).to(device)
    references = evaluate.score_all(bicubic, few, scale=scale, device=device, protocols=protocols)
    for protocol, score, reference in zip(protocols, scores, references, strict=True):
        names = {image.name for image in reference.images}
        images = tuple(image for image in score.images if image.name in names)
        own = SetScore.of(score.set, score.lr, "", images).psnr_db
        if own < reference.psnr_db:
            remedy = _remedy(network, _part(few, slice(1)), scale, device, protocol)
            before_db = images[0].psnr_db
            mended = ""
            if remedy and remedy.psnr_db >= before_db + 1:
                mended = (
                    f"; with {remedy.name}, '{few.hr[0].stem}' scores {remedy.psnr_db:.2f} dB, not "
                    f"{before_db:.2f}"
                )
                flag = _FLAGS.get(remedy.name)
                if users and flag and remedy.psnr_db > reference.images[0].psnr_db:
                    raise UsageError(
                        f"{test.name}: {own:.2f} dB are below the {reference.psnr_db:.2f} dB of "
                        f"bicubic{mended}: say {flag}"
                    )
            log.warning(
                "%s: %.2f dB are below the %.2f dB of bicubic (on %d of %d images, protocol %s); "
                "likely causes: a network of images in 0..1 or of BGR (here: RGB in 0..255), a "
                "mean colour that is not taken off, weights of another network%s",
                test.name,
                own,
                reference.psnr_db,
                len(few.hr),
                len(test.hr),
                protocol.name,
                mended,
            )


@dataclass(frozen=True, slots=True)
class _Remedy:
    """A change of a network's input and output, and the PSNR of one image with it, in dB."""

    name: str
    psnr_db: float


def _remedy(
    network: nn.Module, image: TestSet, scale: int, device: torch.device, protocol: Protocol
) -> _Remedy | None:
    """Return the change of a network's input and output that scores one image best."""
    if protocol.needs_luma_network:
        return None
    found = []
    for name, (before, after) in _REMEDIES.items():
        changed = _Changed(network, before, after)
        try:
            score = evaluate.score(changed, image, scale=scale, device=device, protocol=protocol)
        except HarnessError:  # its output is not finite, or it refuses such input
            continue
        found.append(_Remedy(name, score.psnr_db))
    return max(found, key=lambda remedy: remedy.psnr_db, default=None)


def _part(test: TestSet, which: slice) -> TestSet:
    return replace(test, hr=test.hr[which], lr=test.lr[which] if test.lr else None)

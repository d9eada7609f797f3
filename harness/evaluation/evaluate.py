"""Score a network on benchmark sets, by one of the protocols of :mod:`harness.config.protocols`."""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.config.protocols import DEFAULT, Protocol
from harness.data.catalogue import TestSet
from harness.errors import TrainingError, UsageError
from harness.evaluation import metrics, pixels
from harness.evaluation.forms import InBf16, in_bf16
from harness.evaluation.in_order import InOrder
from harness.evaluation.metrics import Image
from harness.evaluation.pixels import LowResolution, View
from harness.evaluation.self_ensemble import SelfEnsemble, ensemble
from harness.host import progress
from harness.models.bicubic import Bicubic
from harness.models.luma import YCBCR, LumaNetwork
from harness.records.record import ImageScore, SetScore

log = logging.getLogger(__name__)


def upscale(
    network: nn.Module, lr: LowResolution, device: torch.device, *, protocol: Protocol = DEFAULT
) -> Image:
    """Run a network on one image, in float32.

    Args:
        network: Maps ``(1, 3, H, W)`` RGB in 0..255 to SR; left in the mode it is in.
        lr: ``(H, W, 3)`` RGB, or ``(H, W)`` luma for a network of luma; 0..255.
        device: Where the network is.
        protocol: How SR is brought to 8 bits.

    Returns:
        SR, clipped and 8-bit, ``(scale H, scale W, 3)`` or ``(scale H, scale W)``.

    Raises:
        TrainingError: The network does not run on LR, or its output is not finite.
        UsageError: LR is luma, and the network is not of luma.
    """
    return metrics.to_uint8(infer(network, lr, device), truncate=protocol.sr == "truncate")


def infer(network: nn.Module, lr: LowResolution, device: torch.device) -> NDArray[np.float32]:
    """Run a network on one image as :func:`upscale` does, but return SR as it comes out."""
    planes = np.array(np.atleast_3d(lr).transpose(2, 0, 1), order="C")  # a copy to write to
    batch = torch.from_numpy(planes).unsqueeze(0).to(device).float()
    run = network if lr.ndim == 3 else luma_part(network)
    with torch.no_grad():
        output = _run(run, batch, type(network).__name__)[0]
    sr: NDArray[np.float32] = output.float().cpu().numpy().transpose(1, 2, 0)
    if not np.isfinite(sr).all():
        raise TrainingError("the network's output is not finite, so it cannot be scored")
    return sr if lr.ndim == 3 else sr[..., 0]


def _run(network: Callable[[Tensor], Tensor], batch: Tensor, name: str) -> Tensor:
    """Run a network; what it cannot take, as of another number of channels, is told in a line."""
    try:
        return network(batch)
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocat" in str(error):
            raise
        height, width = batch.shape[-2:]
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise TrainingError(f"{name} does not run on {width}x{height} pixels: {why}") from error


def luma_part(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return a network as a function of BT.601 luma, ``(N, 1, H, W)`` in 0..255.

    Raises:
        UsageError: The network is not of luma, or of another luma.
    """
    if isinstance(network, Bicubic):
        return network.unrounded()
    if isinstance(network, SelfEnsemble):
        part = luma_part(network.network)
        return lambda luma: ensemble(part, luma)
    if isinstance(network, InBf16):
        inner = luma_part(network.network)
        return lambda luma: in_bf16(inner, luma)
    if isinstance(network, LumaNetwork) and network.colour is YCBCR:
        return lambda luma: 255 * network.forward_luma(luma / 255)
    raise UsageError(
        f"{type(network).__name__} is no network of BT.601 luma, so it cannot be scored on "
        f"its luma: use a protocol on RGB, such as {DEFAULT.name}"
    )


def score(
    network: nn.Module,
    test: TestSet,
    *,
    scale: int,
    device: torch.device,
    protocol: Protocol = DEFAULT,
) -> SetScore:
    """Score a network on every image of a set.

    Args:
        network: As for :func:`upscale`; put into evaluation mode meanwhile.
        test: The set.
        scale: Upscaling factor.
        device: Where the network is.
        protocol: How it is scored.

    Raises:
        DataError: An image cannot be read, does not fit its LR, or is too small.
        TrainingError: The network's output is not finite or not of HR size.
        UsageError: The protocol is not for this network or scale.
    """
    return score_all(network, test, scale=scale, device=device, protocols=(protocol,))[0]


def score_all(
    network: nn.Module,
    test: TestSet,
    *,
    scale: int,
    device: torch.device,
    protocols: Sequence[Protocol],
    workers: int | None = None,
) -> tuple[SetScore, ...]:
    """Score a network by several protocols; those with the same LR and HR share one run.

    The digest of the pixels comes from the same pass over the images. PSNR and SSIM of an image
    are measured in other threads while the network runs on the next one; no number depends on
    how many these are.

    Args and errors are those of :func:`score`; the scores are in the order of ``protocols``.
    ``workers`` is the number of those threads; None for one, and for more beside a GPU.
    """
    for protocol in protocols:
        protocol.check_scale(scale)
        if protocol.needs_luma_network:
            luma_part(network)
    groups = _given_the_same(protocols)
    digests = [hashlib.sha256() for _ in groups]
    training = network.training
    network.eval()
    try:
        measured: InOrder[dict[str, ImageScore]] = InOrder(workers or _workers(device))
        with measured:
            shown = pixels.views(test, scale, [alike[0] for alike in groups])
            for name, views in progress.over(shown, f"score {test.name}", total=len(test.hr)):
                for alike, digest, view in zip(groups, digests, views, strict=True):
                    pixels.add_pair(digest, name, view.lr, view.hr)
                    output = infer(network, view.lr, device)
                    if output.shape != view.hr.shape:
                        raise TrainingError(
                            f"the network makes {output.shape[1]}x{output.shape[0]} pixels of "
                            f"'{name}', expected {view.hr.shape[1]}x{view.hr.shape[0]} at x{scale}"
                        )
                    measured.add(partial(_measure, output, view, alike, scale=scale, name=name))
    finally:
        network.train(training)
    images: dict[str, list[ImageScore]] = {protocol.name: [] for protocol in protocols}
    for scores in measured.results:
        for protocol_name, score in scores.items():
            images[protocol_name].append(score)
    sha256 = {
        protocol.name: digest.hexdigest()
        for alike, digest in zip(groups, digests, strict=True)
        for protocol in alike
    }
    return tuple(
        _set_score(test, protocol, images[protocol.name], sha256[protocol.name])
        for protocol in protocols
    )


def _workers(device: torch.device) -> int:
    """Return how many threads keep up with a network; beside one on the CPU a second pays not."""
    return 1 if device.type == "cpu" else min(4, os.cpu_count() or 1)


def _measure(
    output: NDArray[np.float32],
    view: View,
    alike: Sequence[Protocol],
    *,
    scale: int,
    name: str,
) -> dict[str, ImageScore]:
    """Return the scores of one output by the protocols that give a network the same, by name."""
    scores = {}
    for protocol in alike:
        sr = metrics.to_uint8(output, truncate=protocol.sr == "truncate")
        planes = view.planes(protocol)
        both = metrics.score(
            sr, view.hr, scale=scale, name=name, protocol=protocol, hr_planes=planes
        )
        scores[protocol.name] = ImageScore(name, *both)
    return scores


def _given_the_same(protocols: Iterable[Protocol]) -> list[list[Protocol]]:
    """Return the protocols in groups with the same LR and HR."""
    groups: list[list[Protocol]] = []
    for protocol in protocols:
        alike = next((group for group in groups if protocol.sees_as(group[0])), None)
        if alike is None:
            groups.append([protocol])
        else:
            alike.append(protocol)
    return groups


def _set_score(
    test: TestSet, protocol: Protocol, images: Sequence[ImageScore], sha256: str
) -> SetScore:
    read = test.lr is not None and protocol.reads_files
    if equal := [image.name for image in images if not math.isfinite(image.psnr_db)]:
        log.warning(
            "%s: SR equals HR in %s: infinite PSNR, left out of the mean",
            test.name,
            ", ".join(equal),
        )
    return SetScore.of(
        test.name,
        "files" if read else "made",
        sha256,
        tuple(images),
        lr_from=test.lr_from if read else "",
    )

"""Score a network on benchmark sets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from harness import metrics
from harness.data.catalogue import TestSet
from harness.data.prepare import hash_pair, load_pair
from harness.errors import TrainingError
from harness.metrics import Image
from harness.records import ImageScore, SetScore


def upscale(network: nn.Module, lr: Image, device: torch.device) -> Image:
    """Run a network on one 8-bit image, in float32.

    Args:
        network: Maps ``(1, 3, H, W)`` RGB in 0..255 to SR; left in the mode it is in.
        lr: ``(H, W, 3)``.
        device: Where the network is.

    Returns:
        SR, clipped and rounded, ``(scale H, scale W, 3)``.

    Raises:
        TrainingError: The network's output is not finite.
    """
    batch = torch.from_numpy(np.ascontiguousarray(lr.transpose(2, 0, 1))).unsqueeze(0)
    with torch.no_grad():
        output = network(batch.to(device).float())[0]
    sr = output.float().cpu().numpy().transpose(1, 2, 0)
    if not np.isfinite(sr).all():
        raise TrainingError("the network's output is not finite, so it cannot be scored")
    return metrics.to_uint8(sr)


def score(network: nn.Module, test: TestSet, *, scale: int, device: torch.device) -> SetScore:
    """Score a network on every image of a set, by the protocol of :mod:`harness.metrics`.

    Args:
        network: As for :func:`upscale`; put into evaluation mode meanwhile.
        test: The set.
        scale: Upscaling factor, also the border that is cut.
        device: Where the network is.

    Raises:
        DataError: An image cannot be read, does not fit its LR, or is too small.
        TrainingError: The network's output is not finite or not of HR size.
    """
    images = []
    training = network.training
    network.eval()
    try:
        for name, lr, hr in pairs(test, scale=scale):
            sr = upscale(network, lr, device)
            if sr.shape != hr.shape:
                raise TrainingError(
                    f"the network makes {sr.shape[1]}x{sr.shape[0]} pixels of '{name}', "
                    f"expected {hr.shape[1]}x{hr.shape[0]} at x{scale}"
                )
            images.append(ImageScore(name, *metrics.score(sr, hr, border=scale, name=name)))
    finally:
        network.train(training)
    origin = "files" if test.lr is not None else "made"
    return SetScore.of(test.name, origin, fingerprint(test, scale=scale), tuple(images))


def pairs(test: TestSet, *, scale: int) -> Iterator[tuple[str, Image, Image]]:
    """Yield name, LR and HR of every image of a set, both 8-bit ``(H, W, 3)``."""
    for index, path in enumerate(test.hr):
        lr, hr = load_pair(test, index, scale)
        yield path.stem, lr, hr


def fingerprint(test: TestSet, *, scale: int) -> str:
    """Return the SHA-256 of all LR and HR pixels of a set, in order, with their sizes."""
    total = hashlib.sha256()
    for name, lr, hr in pairs(test, scale=scale):
        total.update(name.encode())
        hash_pair(total, lr, hr)
    return total.hexdigest()

"""The pixels that a protocol compares: LR and HR of every image of a set, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config.protocols import DEFAULT, Protocol
from harness.data.catalogue import TestSet
from harness.data.prepare import hash_pair
from harness.data.resize import downscale
from harness.evaluation import metrics
from harness.evaluation.kept import Decoded, Kept
from harness.evaluation.metrics import Image, Luma
from harness.host.paths import printable

LowResolution = NDArray[np.uint8] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One image as a protocol has it.

    Attributes:
        lr: What a network is given: ``(H, W, 3)`` RGB, or ``(H, W)`` luma; not to be written to.
        hr: 8-bit, likewise.
        decoded: The image that they are of.
    """

    lr: LowResolution
    hr: Image
    decoded: Decoded

    def planes(self, protocol: Protocol) -> list[Luma]:
        """Return the channels of HR that a protocol compares, as :func:`metrics.planes` does."""
        if self.hr.ndim == 2 or protocol.compared == "RGB":
            return metrics.planes(self.hr, protocol)
        return [
            self.decoded.made(protocol.compared, lambda: metrics.planes(self.hr, protocol)[0]),
        ]


_KEPT = Kept()


def pairs(
    test: TestSet, *, scale: int, protocol: Protocol = DEFAULT
) -> Iterator[tuple[str, LowResolution, Image]]:
    """Yield name, LR and HR of every image of a set, as the protocol has them.

    Both are ``(H, W, 3)`` RGB, or ``(H, W)`` luma; HR is 8-bit. Neither may be written to.
    """
    for name, (view,) in views(test, scale, [protocol]):
        yield name, view.lr, view.hr


def views(
    test: TestSet, scale: int, protocols: Sequence[Protocol]
) -> Iterator[tuple[str, list[View]]]:
    """Yield the name of every image of a set, and the image as each of the protocols has it.

    An image is decoded once for all that read the LR files, and once for all that make LR; and
    not again for the next network, where it is still kept.
    """
    made = replace(test, lr=None)
    sources = [test if protocol.reads_files else made for protocol in protocols]
    for index, path in enumerate(test.hr):
        images = {source: _KEPT.get(source, index, scale) for source in dict.fromkeys(sources)}
        yield (
            printable(path.stem),
            [
                _view(images[source], scale, protocol)
                for source, protocol in zip(sources, protocols, strict=True)
            ],
        )


def _view(image: Decoded, scale: int, protocol: Protocol) -> View:
    """Return an image as a protocol has it; a grey file may be its own luma."""
    lr, hr = image.lr, image.hr
    own = protocol.grey == "luma" and image.grey
    if own:
        luma = hr[..., 0]
    elif protocol.on_luma:
        luma = image.made("luma", lambda: metrics.to_uint8(metrics.luma(hr)))
    else:
        return View(_low_resolution(image, hr, scale, protocol, "RGB"), hr, image)
    if protocol.lr == "luma of 8-bit RGB":
        return View(lr[..., 0] if own else metrics.luma(lr), luma, image)
    of = "its own luma" if own else "luma"
    return View(_low_resolution(image, luma, scale, protocol, of), luma, image)


def _low_resolution(
    image: Decoded, hr: Image, scale: int, protocol: Protocol, of: str
) -> LowResolution:
    """Return the set's own LR, or make LR from HR (``of`` says which), quantised or not."""
    if protocol.reads_files:
        return image.lr
    quantised = protocol.lr == "8-bit RGB"

    def make() -> LowResolution:
        source: NDArray[Any] = hr if quantised else hr.astype(np.float64)
        return downscale(source, scale, boundary=protocol.boundary)

    return image.made(("LR", of, quantised, protocol.boundary), make)


def fingerprint(test: TestSet, *, scale: int, protocol: Protocol = DEFAULT) -> str:
    """Return the SHA-256 of all LR and HR pixels of a set, in order, with their sizes."""
    total = hashlib.sha256()
    for name, lr, hr in pairs(test, scale=scale, protocol=protocol):
        add_pair(total, name, lr, hr)
    return total.hexdigest()


def add_pair(digest: hashlib._Hash, name: str, lr: LowResolution, hr: Image) -> None:
    """Take name, LR and HR of an image into the digest of a set."""
    digest.update(name.encode())
    hash_pair(digest, lr, hr)

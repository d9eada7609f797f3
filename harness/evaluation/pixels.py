"""The pixels that a protocol compares: LR and HR of every image of a set, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config.protocols import DEFAULT, Protocol
from harness.data.catalogue import TestSet
from harness.data.images import is_grey
from harness.data.prepare import hash_pair, load_pair
from harness.data.resize import downscale
from harness.evaluation import metrics
from harness.evaluation.metrics import Image
from harness.host.paths import printable

LowResolution = NDArray[np.uint8] | NDArray[np.float64]


def pairs(
    test: TestSet, *, scale: int, protocol: Protocol = DEFAULT
) -> Iterator[tuple[str, LowResolution, Image]]:
    """Yield name, LR and HR of every image of a set, as the protocol has them.

    Both are ``(H, W, 3)`` RGB, or ``(H, W)`` luma; HR is 8-bit.
    """
    for name, (pair,) in views(test, scale, [protocol]):
        yield name, *pair


def views(
    test: TestSet, scale: int, protocols: Sequence[Protocol]
) -> Iterator[tuple[str, list[tuple[LowResolution, Image]]]]:
    """Yield the name of every image of a set, and LR and HR as each of the protocols has them.

    An image is decoded once for all that read the LR files, and once for all that make LR.
    """
    made = replace(test, lr=None)
    sources = [test if protocol.reads_files else made for protocol in protocols]
    for index, path in enumerate(test.hr):
        loaded = {source: load_pair(source, index, scale) for source in dict.fromkeys(sources)}
        seen = []
        for protocol, source in zip(protocols, sources, strict=True):
            grey = protocol.grey == "luma" and is_grey(path)
            seen.append(_as_protocol_has_it(*loaded[source], scale, protocol, grey=grey))
        yield printable(path.stem), seen


def _as_protocol_has_it(
    lr: Image, hr: Image, scale: int, protocol: Protocol, *, grey: bool
) -> tuple[LowResolution, Image]:
    """Return LR and HR of one image, from its 8-bit RGB; ``grey`` is its own luma."""
    if grey:
        luma = hr[..., 0]
    elif protocol.on_luma:
        luma = metrics.to_uint8(metrics.luma(hr))
    else:
        return _low_resolution(lr, hr, scale, protocol), hr
    if protocol.lr == "luma of 8-bit RGB":
        return lr[..., 0] if grey else metrics.luma(lr), luma
    return _low_resolution(luma, luma, scale, protocol), luma


def _low_resolution(lr: Image, hr: Image, scale: int, protocol: Protocol) -> LowResolution:
    """Return the set's own LR, or make LR from HR, quantised or not."""
    if protocol.reads_files:
        return lr
    source: NDArray[Any] = hr if protocol.lr == "8-bit RGB" else hr.astype(np.float64)
    return downscale(source, scale, boundary=protocol.boundary)


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

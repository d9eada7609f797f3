"""How training batches reach the device: cut there, or on the CPU and sent ahead."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from harness.data.patches import Patches
from harness.data.resident import ResidentPatches
from harness.errors import TrainingError
from harness.host.device import out_of_memory
from harness.host.free_memory import free_bytes, gib

log = logging.getLogger(__name__)

LOST_WORKER = (
    "a process that cuts training patches died (killed, or out of memory); "
    "data.workers=0 does without them"
)
_SHARE = 0.5  # of the free memory; the rest is for the network's maps

Pair = tuple[Tensor, Tensor]


def source(
    patches: Patches, *, asked: bool | None, device: torch.device
) -> Patches | ResidentPatches:
    """Return what batches are cut from: the set in the device's memory, or on the CPU's.

    The batches are the same, byte for byte. Which way is taken is said in one line, except the
    usual one of a CPU.

    Args:
        patches: The patches.
        asked: Whether to hold the set on the device; None: on a GPU, where it takes no more
            than half of the memory that is free.
        device: Where the network is trained.

    Raises:
        TrainingError: It is asked for and does not fit.
    """
    if asked is False or (asked is None and device.type == "cpu"):
        if device.type != "cpu":
            log.info("patches: cut on the CPU, sent through pinned memory, as asked")
        return patches
    needed, free = patches.nbytes, free_bytes(device)
    sizes = f"{gib(needed)} of pixels, {gib(free)} free on {device}"
    if asked is None and (free is None or needed > free * _SHARE):
        log.info("patches: cut on the CPU, sent through pinned memory (%s)", sizes)
        return patches
    if free is not None and needed > free:
        raise TrainingError(_too_large(sizes))
    try:
        resident = ResidentPatches(patches, device)
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error):
            raise TrainingError(_too_large(sizes)) from error
        raise
    log.info("patches: cut on %s, where the set is held (%s)", device, sizes)
    return resident


def _too_large(sizes: str) -> str:
    return f"data.resident=true: the set does not fit ({sizes}); data.resident=false cuts it here"


def batches(
    patches: Patches | ResidentPatches,
    steps: range,
    *,
    share: slice,
    workers: int,
    device: torch.device,
) -> Iterator[Pair]:
    """Yield LR and HR of steps, uint8 on the device.

    Args:
        patches: What they are cut from.
        steps: The steps.
        share: This process's samples of a batch.
        workers: Processes that cut patches ahead, where the set is not on the device.
        device: Where they are wanted.

    Raises:
        TrainingError: A process that cuts patches has gone.
    """
    if isinstance(patches, ResidentPatches):
        for step in steps:
            yield patches.cut(step, share)
        return
    loader: DataLoader[Pair] = DataLoader(
        _Steps(patches, steps.stop, share),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        pin_memory=device.type == "cuda",
    )
    try:
        if device.type == "cuda":
            yield from sent_ahead(loader, device)
        else:
            for lr, hr in loader:
                yield lr.to(device), hr.to(device)
    except (ConnectionError, EOFError) as error:  # in the middle of sending a batch
        raise TrainingError(LOST_WORKER) from error


def sent_ahead(pairs: Iterable[Pair], device: torch.device) -> Iterator[Pair]:
    """Yield pairs on the device, each sent while the one before it is in use.

    On CUDA they are copied from pinned memory on a stream of its own, which the stream that
    computes waits for. Elsewhere there is one stream, and the order is the same.
    """
    stream: torch.cuda.Stream | None = None
    if device.type == "cuda":
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: Pair | None = None
    for lr, hr in pairs:
        with torch.cuda.stream(stream):
            sent = lr.to(device, non_blocking=True), hr.to(device, non_blocking=True)
        if waiting is not None:
            yield _arrived(waiting, stream)
        waiting = sent
    if waiting is not None:
        yield _arrived(waiting, stream)


def _arrived(pair: Pair, stream: torch.cuda.Stream | None) -> Pair:
    """Let the present stream wait for a pair, and its memory be kept until it has used it."""
    if stream is not None:
        present = torch.cuda.current_stream(stream.device)
        present.wait_stream(stream)
        for part in pair:
            part.record_stream(present)
    return pair


class _Steps(Dataset[Pair]):
    """The patches of each step as tensors, for a loader."""

    def __init__(self, patches: Patches, steps: int, share: slice) -> None:
        self.patches, self.length, self.share = patches, steps, share

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, step: int) -> Pair:
        lr, hr = self.patches[step]
        return _tensor(lr[self.share]), _tensor(hr[self.share])


def _tensor(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels))

"""The best rate of the machine: Multi-Adds per second of large convolutions and products."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from torch import nn

from harness.efficiency.bench.latency import Clock, Effort, repeat, warm_up

_LEAST_RUNS = 3


@dataclass(frozen=True, slots=True)
class Peak:
    """The best rate found.

    Attributes:
        gmacs_per_s: Multi-Adds per second, in units of 1e9.
        by: What reached it.
    """

    gmacs_per_s: float
    by: str


@dataclass(frozen=True, slots=True)
class Work:
    """Something large to compute.

    Attributes:
        name: What it is.
        multi_adds: Its Multi-Adds.
        run: Computes it; may return before the device is done.
    """

    name: str
    multi_adds: int
    run: Callable[[], object]


def measure(
    device: str,
    dtype: torch.dtype,
    *,
    seconds: float = 0.6,
    synchronise: Callable[[], None],
    clock: Clock = time.perf_counter,
) -> Peak:
    """Return the best rate of matrix products and convolutions, with the threads set now.

    Square products and "same" convolutions of sizes that suit caches and large images,
    the latter in both memory formats. Each is timed as a network is, by its median run,
    and the fastest of them is the peak. It is a rate that this machine keeps up with this
    build of PyTorch and under the load of the moment, not one from a data sheet, so a
    network may come above it.

    Args:
        device: ``cpu`` or ``cuda``.
        dtype: Type of all numbers.
        seconds: For how long each is repeated at most.
        synchronise: Waits for the device.
        clock: Seconds.
    """
    peaks = []
    effort = Effort(repeats=_LEAST_RUNS, min_s=0, max_s=seconds, warmup_s=0)
    with torch.no_grad():
        for work in large_works(device, dtype):
            step = partial(_finish, work, synchronise)
            warm_up(step, effort, clock=clock)
            typical = median(repeat(step, effort, clock=clock))
            peaks.append(Peak(work.multi_adds / typical / 1e9, work.name))
    return max(peaks, key=lambda peak: peak.gmacs_per_s)


def _finish(work: Work, synchronise: Callable[[], None]) -> None:
    work.run()
    synchronise()


def large_works(device: str, dtype: torch.dtype) -> Iterator[Work]:
    """Yield what is tried, one after the other, so that only one is held in memory."""
    grown = 4 if device == "cuda" else 1  # a GPU needs more work to be busy
    for side in (1024 * grown, 2048 * grown):
        yield _product(side, device, dtype)
    for channels, size in ((64, 256 * grown), (256, 64 * grown)):
        for memory_format in (torch.contiguous_format, torch.channels_last):
            yield _convolution(channels, size, device, dtype, memory_format)


def _product(side: int, device: str, dtype: torch.dtype) -> Work:
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return Work(f"{side}x{side} matrix product", side**3, lambda: left @ right)


def _convolution(
    channels: int, size: int, device: str, dtype: torch.dtype, memory_format: torch.memory_format
) -> Work:
    conv = nn.Conv2d(channels, channels, 3, padding=1).to(device, dtype)
    image = torch.randn(1, channels, size, size, device=device, dtype=dtype)
    conv = conv.to(memory_format=memory_format)  # type: ignore[call-overload]
    image = image.to(memory_format=memory_format)
    last = ", channels last" if memory_format == torch.channels_last else ""
    return Work(
        f"3x3 convolution of {channels} channels, {size}x{size} px{last}",
        9 * channels**2 * size**2,
        lambda: conv(image),
    )

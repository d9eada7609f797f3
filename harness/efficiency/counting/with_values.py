"""Forward passes on small images with values, for networks that cannot run without."""

from __future__ import annotations

import copy
import sys
from contextlib import redirect_stdout

import torch
from torch import Tensor, nn

from harness.efficiency.counting.trace import ForwardFailed, Trace, trace

_SIDE = 32
"""Sides of the images are at least this, and differ from the real ones by multiples of it: so
windows and pooling, whose sides divide it, have the same rest at the border."""


def small_traces(
    network: nn.Module, *, scale: int, lr_px: tuple[int, int]
) -> tuple[tuple[Trace, Trace], bool]:
    """Run a network with its own weights on the CPU on two small images.

    Neither the network nor the random numbers of the caller change.

    Args:
        network: Has values.
        scale: Its upscaling factor.
        lr_px: Width and height of the LR image that the count is for.

    Returns:
        Two forward passes, and whether a third, on another picture, executed something else.

    Raises:
        ForwardFailed: The network cannot be copied, or its forward fails.
        HarnessError: It does not return an SR image.
    """
    width, height = (_SIDE + side % _SIDE for side in lr_px)
    with (
        torch.inference_mode(False),
        torch.random.fork_rng(devices=[]),
        redirect_stdout(sys.stderr),  # what a forward prints is no part of a command's result
    ):
        try:
            twin = copy.deepcopy(network).cpu().eval()
        except Exception as error:  # a user's network may hold anything at all
            raise ForwardFailed(f"{type(network).__name__} cannot be copied: {error}") from error
        small, larger, flat = (
            _traced(twin, scale, image)
            for image in (
                _noise(width, height),
                _noise(width + _SIDE, height),
                torch.full((1, 3, height, width), 0.5),
            )
        )
    return (small, larger), small.products != flat.products


def _noise(width: int, height: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def _traced(network: nn.Module, scale: int, image: Tensor) -> Trace:
    torch.manual_seed(0)
    height, width = image.shape[2:]
    return trace(network, scale=scale, lr_px=(width, height), image=image)

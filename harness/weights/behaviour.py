"""What a network is, apart from its code: its structure, and what it computes.

Two marks by which a record is found again after the code has changed. They tell a renamed local
variable, which leaves every number as it was, from another activation, which does not.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn

from harness.models.initialise import initialise

SIZES = ((24, 40), (32, 32))
"""Height and width of the LR images that a network is run on."""

TOLERANCE = 1e-6
"""Relative difference up to which two projections are equal: they are float64 sums."""

_BATCH = 2
_LARGER = (1, 2, 4)
_OF_AN_IMAGE = 8
_OF_GRADIENTS = 12
_OF_BUFFERS = 4
_MOVE = 0.1

Projections = tuple[float, ...]
"""Some 64 numbers, in groups of one kind: see :func:`project`."""


def structure(network: nn.Module) -> str:
    """Return a digest of parameters and buffers (name, shape, type) and of module classes.

    Classes count by their own names, not by the modules that they come from, so that a network
    that was moved to another folder keeps its structure.
    """
    tensors = [
        (kind, name, list(tensor.shape), str(tensor.dtype), tensor.requires_grad)
        for kind, named in (("p", network.named_parameters()), ("b", network.named_buffers()))
        for name, tensor in named
    ]
    classes = [(name, type(module).__qualname__) for name, module in network.named_modules()]
    text = json.dumps([sorted(tensors), classes], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def behaviour(build: Callable[[], nn.Module]) -> Projections | None:
    """Return what a network computes, or None where that is not the same twice.

    The network is built with a fixed seed and started as for a training; parameters and
    buffers are then moved off their start, by values that depend on their names, so that nothing
    hides behind a zero (the gate of wRU, ReZero, ``lambda_init: [0, 1]``). It is run in float64
    on one CPU thread, once as for scoring and once as for training, with gradients.

    Args:
        build: Makes the network anew, on the CPU.

    Returns:
        Some 64 projections; None where two runs differ, or where the network does not run in
        float64: its code alone tells then what it is.
    """
    with _reproducible():
        for factor in _LARGER:
            sizes = [(height * factor, width * factor) for height, width in SIZES]
            try:
                projections = project(build, sizes)
                again = project(build, sizes[:1])
            except Exception:  # a user's network may raise anything at all, as at small images
                continue
            break
        else:
            return None
    repeatable = projections[: len(again)] == again
    return projections if repeatable and np.isfinite(projections).all() else None


def same_behaviour(one: Projections | None, other: Projections | None) -> bool:
    """Whether two networks compute the same, up to the order in which floats are added.

    Args:
        one: Projections of a network; None where it has none, and is like no other.
        other: Those of another.
    """
    if one is None or other is None or len(one) != len(other):
        return False
    first, second = np.asarray(one), np.asarray(other)
    for group in _groups(len(first)):
        size = np.sqrt(np.mean(np.square(first[group])))
        if not np.allclose(first[group], second[group], rtol=TOLERANCE, atol=TOLERANCE * size):
            return False
    return True


def project(build: Callable[[], nn.Module], sizes: Sequence[tuple[int, int]]) -> Projections:
    """Return projections of output, gradients and buffers onto fixed random directions.

    Args:
        build: Makes the network anew, on the CPU.
        sizes: Height and width of the LR images.

    Returns:
        For each size 8 of the output in evaluation, 8 in training, 12 of the gradients of the
        parameters, each over other parameters, and 4 of the buffers after the training run.
    """
    projections: list[float] = []
    for height, width in sizes:
        network = _moved(build)
        lr = 255 * torch.rand(
            (_BATCH, 3, height, width), generator=_generator("lr"), dtype=torch.float64
        )
        with torch.no_grad():
            projections += _image_projections(network.eval()(lr))
        network.train()
        _seed(1)
        output = network(lr)
        projections += _image_projections(output)
        if output.requires_grad:
            direction = torch.randn(output.shape, generator=_generator("loss"), dtype=torch.float64)
            (output.double() * direction).mean().backward()
        gradients = {
            name: parameter.grad
            for name, parameter in network.named_parameters()
            if parameter.grad is not None
        }
        projections += _sums(gradients, _OF_GRADIENTS)
        projections += _sums(dict(network.named_buffers()), _OF_BUFFERS)
    return tuple(projections)


def _groups(total: int) -> Iterator[slice]:
    start = 0
    kinds = (_OF_AN_IMAGE, _OF_AN_IMAGE, _OF_GRADIENTS, _OF_BUFFERS)
    while start < total:
        for number in kinds:
            yield slice(start, start + number)
            start += number


def _moved(build: Callable[[], nn.Module]) -> nn.Module:
    """Return the network in float64, its parameters and buffers off their start."""
    _seed(0)
    network = build()
    initialise(network, seed=0)
    network = network.double()
    with torch.no_grad():
        for name, tensor in chain(network.named_parameters(), network.named_buffers()):
            if tensor.is_floating_point() or tensor.is_complex():
                noise = torch.randn(tensor.shape, generator=_generator(name), dtype=tensor.dtype)
                if "var" in name.rpartition(".")[2]:
                    tensor.copy_(tensor.abs() + _MOVE * (1 + noise.abs()))
                else:
                    spread = tensor.abs().mean().clamp(max=1) or 1
                    tensor.add_(_MOVE * spread * noise)
    return network


def _image_projections(output: Tensor) -> list[float]:
    flat = output.detach().double().flatten()
    directions = torch.randn(
        (_OF_AN_IMAGE, len(flat)), generator=_generator("image"), dtype=torch.float64
    )
    return (directions @ flat / len(flat) ** 0.5).tolist()  # type: ignore[no-any-return]


def _sums(tensors: dict[str, Tensor], number: int) -> list[float]:
    """Return that many sums of projections, each tensor in the one that its name says."""
    totals = [0.0] * number
    for name, tensor in tensors.items():
        values = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        flat = values.detach().double().flatten()
        direction = torch.randn(flat.shape, generator=_generator(name), dtype=torch.float64)
        totals[_number(name) % number] += float(direction @ flat) / max(1, len(flat)) ** 0.5
    return totals


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")


def _generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(_number(name))


def _seed(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@contextmanager
def _reproducible() -> Iterator[None]:
    """Run on one thread, and leave threads and random states as they were."""
    threads = torch.get_num_threads()
    drawn, legacy = random.getstate(), np.random.get_state()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        random.setstate(drawn)
        np.random.set_state(legacy)

"""Which registered networks a file's tensors fit, and loading them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import nn

from harness.errors import CheckpointError
from harness.models import registry
from harness.models.layers import Normalise
from harness.weights import files, keymaps, pruned
from harness.weights.files import MEAN, Tensors
from harness.weights.keymaps.scheme import Scheme

Shapes = dict[str, tuple[int, ...]]


SCHEMES = (Scheme("this harness", dict), *keymaps.SCHEMES)


@dataclass(frozen=True, slots=True)
class Fit:
    """A registered network that a file's tensors fit by name and shape.

    Attributes:
        model: Its id.
        scales: The scales at which they fit; where weights do not depend on the scale,
            they fit at scales they were not trained for.
        scheme: Whose names the file has.
        tensors: The file's tensors in our names, maybe with :data:`.files.MEAN`.
    """

    model: str
    scales: tuple[int, ...]
    scheme: str
    tensors: Tensors


def shapes_of(network: nn.Module) -> Shapes:
    """Return the shape of everything in a network's state dict."""
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


@cache
def _registered() -> dict[tuple[str, int], Shapes]:
    """Return the shapes of every registered network at every scale."""
    shapes_by_network = {}
    for variant in registry.VARIANTS:
        for scale in variant.scales:
            with torch.device("meta"):
                shapes = shapes_of(variant.build(scale=scale))
            if shapes:
                shapes_by_network[variant.id, scale] = shapes
    return shapes_by_network


def readings(tensors: Tensors) -> list[tuple[str, Tensors]]:
    """Return the schemes that apply to a state dict, and it in our names."""
    converted = ((scheme.name, scheme.convert(tensors)) for scheme in SCHEMES)
    return [(name, ours) for name, ours in converted if ours]


def find(tensors: Tensors) -> list[Fit]:
    """Return every registered network that a state dict fits, in the order of the registry."""
    fits = []
    for scheme, ours in readings(tensors):
        shapes = _shapes(ours)
        scales: dict[str, list[int]] = {}
        for (model, scale), expected in _registered().items():
            if shapes == expected:
                scales.setdefault(model, []).append(scale)
        fits += [Fit(model, tuple(at), scheme, ours) for model, at in scales.items()]
    return fits


def read(path: Path) -> Tensors:
    """Read a file as :func:`.files.read` does; of one that is not finite, say what it fits."""
    try:
        return files.read(path)
    except files.NotFiniteError as error:
        raise CheckpointError(f"{error}; by their shapes {hint(error.tensors)}") from error


def load(network: nn.Module, path: Path, *, name: str) -> str:
    """Load a file of any form and scheme into a network, strictly.

    Where the file says that it was pruned, the same is removed from the network first.

    Args:
        network: Any network, whole; its names are ours.
        path: The file.
        name: What the network is, for the error message.

    Returns:
        Whose names the file has.

    Raises:
        CheckpointError: The file cannot be read, or is of another network; the message
            says which it fits, or which is nearest.
    """
    tensors, removed = read(path), pruned.read(path)
    if removed is not None:
        try:
            removed.remove(network)
        except ValueError as error:
            raise CheckpointError(f"'{path}' is no pruned {name}, but {removed}") from error
    expected = shapes_of(network)
    for scheme, ours in readings(tensors):
        if _shapes(ours) == expected and _set_mean(network, ours.get(MEAN)):
            network.load_state_dict({key: ours[key] for key in expected})
            return scheme
    instead = hint(tensors) if removed is None else f"it is {removed}"
    raise CheckpointError(f"'{path}' does not hold the weights of {name}: {instead}")


def tensors_of(network: nn.Module) -> Tensors:
    """Return what must be stored of a network: its state dict, and a mean colour not ours."""
    tensors: Tensors = dict(network.state_dict())
    normalise = getattr(network, "normalise", None)
    if isinstance(normalise, Normalise) and not torch.equal(normalise.mean.cpu(), Normalise().mean):
        tensors[MEAN] = normalise.mean
    return tensors


def _shapes(tensors: Tensors) -> Shapes:
    return {name: tuple(value.shape) for name, value in tensors.items() if name != MEAN}


def _set_mean(network: nn.Module, mean: torch.Tensor | None) -> bool:
    """Give a network the mean colour of its weights; False where it takes none."""
    if mean is None:
        return True
    normalise = getattr(network, "normalise", None)
    if not isinstance(normalise, Normalise) or normalise.mean.shape != mean.shape:
        return False
    normalise.mean.copy_(mean)
    return True


def hint(tensors: Tensors) -> str:
    """Say what a state dict fits instead, or the nearest registered network."""
    if fits := find(tensors):
        return "they fit " + ", ".join(f"{fit.model} at {scales_text(fit.scales)}" for fit in fits)
    given = Counter(tuple(value.shape) for value in tensors.values())
    nearest, share = "", -1.0
    for (model, scale), expected in _registered().items():
        shapes = Counter(expected.values())
        common = (given & shapes).total()
        likeness = 2 * common / (given.total() + shapes.total())
        if likeness > share:
            nearest, share = f"{model} at x{scale}", likeness
            detail = f"{common} of its {shapes.total()} tensors have a partner of their shape"
    return f"they fit no registered network; nearest is {nearest} ({detail})"


def scales_text(scales: tuple[int, ...]) -> str:
    """Return ``x2, x3``."""
    return ", ".join(f"x{scale}" for scale in scales)

"""Which registered networks a file's tensors fit, and loading them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import nn

from harness.errors import CheckpointError
from harness.models import registry
from harness.models.layers import Normalise
from harness.weights import contents, keymaps, prefixes
from harness.weights.contents import Role, StateDict, Tensors
from harness.weights.files import MEAN, WeightsFile
from harness.weights.keymaps.scheme import Scheme
from harness.weights.taken import Candidate, Taken, wanted

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


def _candidates(state: StateDict, fits: Callable[[Tensors], bool]) -> list[Candidate]:
    """Return what fits of a state dict, with as little of it left out as possible."""
    for stage in prefixes.stages(state.tensors):
        fitting = [
            Candidate(state, part, name, ours)
            for part in stage
            for name, ours in readings(part.tensors)
            if fits(ours)
        ]
        if fitting:
            return fitting
    return []


def find(tensors: Tensors) -> list[Fit]:
    """Return every registered network that a state dict fits, in the order of the registry."""
    state = StateDict("", tensors, Role.TRAINED)
    return [fit for candidate in _candidates(state, _is_known) for fit in fits_of(candidate)]


def _is_known(ours: Tensors) -> bool:
    return _shapes(ours) in _registered().values()


def fits_of(candidate: Candidate) -> list[Fit]:
    """Return the registered networks that what was taken of a file fits."""
    shapes = _shapes(candidate.tensors)
    scales: dict[str, list[int]] = {}
    for (model, scale), expected in _registered().items():
        if shapes == expected:
            scales.setdefault(model, []).append(scale)
    return [
        Fit(model, tuple(at), candidate.names, candidate.tensors) for model, at in scales.items()
    ]


def choose(
    held: WeightsFile, key: str | None, fits: Callable[[Tensors], bool] = _is_known
) -> tuple[Candidate, Taken] | None:
    """Return what is meant of a file, by the one rule for all readers: :func:`.taken.wanted`.

    Args:
        held: The file.
        key: Which of its state dicts; None for the one that is wanted first.
        fits: Tells whether tensors in our names will do; by default those of any registered
            network will.

    Returns:
        What is meant; None where nothing fits.

    Raises:
        UsageError: The file has nothing of that key.
        CheckpointError: Several fit and nothing says which is meant, or there are values that
            are not finite.
    """
    states = contents.choose(held.states, key)
    candidates = [candidate for state in states for candidate in _candidates(state, fits)]
    if not candidates:
        return None
    # Names of two schemes for the same tensors are no second choice.
    first_of = {candidate.key: candidate for candidate in reversed(candidates)}
    chosen, taken = wanted(
        [candidate for candidate in candidates if candidate is first_of[candidate.key]],
        held.states,
        held.path,
        asked=key is not None,
    )
    check_finite(chosen.part.tensors, held.path)
    return chosen, taken


def load(network: nn.Module, held: WeightsFile, *, name: str, key: str | None = None) -> Taken:
    """Load a file of any form and scheme into a network, strictly.

    Where the file says that it was pruned, the same is removed from the network first.

    Args:
        network: Any network, whole; its names are ours.
        held: The file.
        name: What the network is, for the error message.
        key: Which of the file's state dicts; None for the one that :func:`choose` returns.

    Returns:
        Whose names the file has, and which of its state dicts was loaded.

    Raises:
        UsageError: The file has nothing of that key.
        CheckpointError: The file is of another network, or holds several that fit; the message
            says which it fits, or which is nearest.
    """
    path, removed = held.path, held.removed
    if removed is not None:
        try:
            removed.remove(network)
        except ValueError as error:
            raise CheckpointError(f"'{path}' is no pruned {name}, but {removed}") from error
    expected = shapes_of(network)

    def fits(ours: Tensors) -> bool:
        return _shapes(ours) == expected and _takes_mean(network, ours.get(MEAN))

    choice = choose(held, key, fits)
    if choice is None:
        tensors = contents.choose(held.states, key)[0].tensors
        check_finite(tensors, path)
        instead = hint(tensors, expected) if removed is None else f"it is {removed}"
        raise CheckpointError(f"'{path}' does not hold the weights of {name}: {instead}")
    chosen, taken = choice
    network.load_state_dict({name: chosen.tensors[name] for name in expected})
    _set_mean(network, chosen.tensors.get(MEAN))
    return taken


def check_finite(tensors: Tensors, path: Path) -> None:
    """Refuse tensors of a file with values that are not finite.

    Raises:
        CheckpointError: There are some; the message says what they fit by their shapes.
    """
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise CheckpointError(
                f"'{path}' holds values that are not finite, in '{name}'; by their shapes "
                f"{hint(tensors)}"
            )


def tensors_of(network: nn.Module) -> Tensors:
    """Return what must be stored of a network: its state dict, and a mean colour not ours."""
    tensors: Tensors = dict(network.state_dict())
    normalise = getattr(network, "normalise", None)
    if isinstance(normalise, Normalise) and not torch.equal(normalise.mean.cpu(), Normalise().mean):
        tensors[MEAN] = normalise.mean
    return tensors


def _shapes(tensors: Tensors) -> Shapes:
    return {name: tuple(value.shape) for name, value in tensors.items() if name != MEAN}


def _takes_mean(network: nn.Module, mean: torch.Tensor | None) -> bool:
    """Tell whether a network takes the mean colour of its weights, if they have one."""
    normalise = getattr(network, "normalise", None)
    return mean is None or (isinstance(normalise, Normalise) and normalise.mean.shape == mean.shape)


def _set_mean(network: nn.Module, mean: torch.Tensor | None) -> None:
    """Give a network the mean colour of its weights, which it takes."""
    normalise = getattr(network, "normalise", None)
    if mean is not None and isinstance(normalise, Normalise):
        normalise.mean.copy_(mean)


def hint(tensors: Tensors, asked: Shapes | None = None) -> str:
    """Say what a state dict fits instead, or the nearest registered network and what differs.

    Args:
        tensors: The state dict.
        asked: What the network has that it is to fit; where no registered one is nearer, what
            differs is said of this.
    """
    if fits := find(tensors):
        return "they fit " + ", ".join(f"{fit.model} at {scales_text(fit.scales)}" for fit in fits)
    shape_counts = Counter(tuple(value.shape) for value in tensors.values())

    def likeness(expected: Shapes) -> float:
        shapes = Counter(expected.values())
        return 2 * (shape_counts & shapes).total() / (shape_counts.total() + shapes.total())

    model, scale = max(_registered(), key=lambda key: likeness(_registered()[key]))
    nearest = _registered()[model, scale]
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    if asked and asked not in _registered().values() and likeness(asked) >= likeness(nearest):
        return _difference(shapes, asked)
    detail = _difference(shapes, nearest)
    return f"they fit no registered network; nearest is {model} at x{scale} ({detail})"


def _difference(shapes: Shapes, expected: Shapes) -> str:
    """Say what keeps tensors from being those of a network."""
    missing = Counter(expected.values()) - Counter(shapes.values())
    more = Counter(shapes.values()) - Counter(expected.values())
    strange = [name for name in shapes if name not in expected]
    if not missing and not more:
        first = next(name for name in expected if name not in shapes)
        return (
            f"all {len(expected)} shapes are there, but under names of no known scheme: "
            f"'{strange[0]}' and others, where '{first}' and others are expected"
        )
    common = len(expected) - missing.total()
    text = f"{common} of its {len(expected)} tensors have a partner of their shape"
    if missing:
        name = next(
            (
                name
                for name in expected
                if shapes.get(name) != expected[name] and expected[name] in missing
            ),
            "",
        )
        text += f"; without one, among others: '{name}' {expected[name]}"
    if more:
        name = next((name for name in strange if shapes[name] in more), "")
        name = name or next(name for name in shapes if shapes[name] in more)
        text += f"; {more.total()} more than it has, such as '{name}' {shapes[name]}"
    return text


def scales_text(scales: tuple[int, ...]) -> str:
    """Return ``x2, x3``."""
    return ", ".join(f"x{scale}" for scale in scales)

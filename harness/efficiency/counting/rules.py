"""How published counts came about: named counts here, who goes by them in results/published.

Table 5 mixes several habits of counting. A rule says what is counted (all parameters or
kernels alone, each layer on its own grid or all on the LR grid) and of which network.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name

from torch import nn

from harness.efficiency.counting import params, surcharges
from harness.efficiency.counting.counted import CountedNetwork
from harness.errors import RecordError, suggest
from harness.models import registry
from harness.records import counting
from harness.records.counting import CountOf, PublishedRule

Count = Callable[[CountedNetwork], int]


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to count.

    Attributes:
        name: Short name.
        params: Parameters by it.
        multi_adds: Multi-Adds by it, at the subject's image size.
        why: What it does that the plain rule does not, for the reader of a table.
        found: Whether it is known to be how the figures came about; False where it is
            only the nearest of all that were tried.
    """

    name: str
    params: Count
    multi_adds: Count
    why: str = ""
    found: bool = True


def _trainable(subject: CountedNetwork) -> int:
    return params.trainable(subject.network)


def _conv_weights(subject: CountedNetwork) -> int:
    return params.conv_weights(subject.network)


def _own_grids(subject: CountedNetwork) -> int:
    return subject.cost.multi_adds_paper


def _lr_grid(subject: CountedNetwork) -> int:
    return round(_conv_weights(subject) * subject.cost.lr_px)


def _slopes_twice(subject: CountedNetwork) -> int:
    return _trainable(subject) + params.slopes(subject.network)


def _slopes_twice_on_lr_grid(subject: CountedNetwork) -> int:
    return round(_slopes_twice(subject) * subject.cost.lr_px)


def _rounded_up(subject: CountedNetwork) -> int:
    return subject.cost.multi_adds_rounded_up


PARAMS: Mapping[str, Count] = {
    "trainable": _trainable,
    "conv_weights": _conv_weights,
    "slopes_twice": _slopes_twice,
}
"""Counts of parameters: every trainable scalar, weight-norm gains and biases included, also with
the slopes of PReLUs once more; or the elements of convolution kernels alone."""

MULTI_ADDS: Mapping[str, Count] = {
    "own_grids": _own_grids,
    "own_grids_rounded_up": _rounded_up,
    "lr_grid": _lr_grid,
    "slopes_twice_on_lr_grid": _slopes_twice_on_lr_grid,
    **surcharges.counts(),
}
"""Counts of Multi-Adds: kernel elements times pixels, every layer on its own grid (transposed
convolutions on their output grid), of the exact area or of an LR image with sides rounded up; or
every layer on the LR grid, or every parameter; and the first with what others charge for biases,
activations, norms, pools, interpolation and coarse gates."""

PLAIN = Rule("everything trainable", _trainable, _own_grids)
"""The rule of the paper's own networks, and of all that are published with no other."""


def rule_of(id: str, scale: int) -> Rule | None:
    """Return the rule of a network's published counts, or None where its layers are unknown.

    A network without published counts goes by the plain rule, the paper's for its own.

    Raises:
        RecordError: The published rules cannot be read, or name what does not exist.
    """
    use = published().use(id, scale)
    if use is None:
        return PLAIN
    return None if use.rule is None else rules()[use.rule]


@cache
def published() -> counting.Counting:
    """Return how the published counts came about, every network in it a registered one.

    Raises:
        RecordError: It cannot be read, or a network in it does not exist.
    """
    content = counting.load()
    named = [model for use in content.networks for model in use.models]
    for model in [*named, *(slip.model for slip in content.slips)]:
        _check("network", model, registry.names())
    return content


@cache
def rules() -> Mapping[str, Rule]:
    """Return the published rules by name, ready to count.

    Raises:
        RecordError: One names a count or a network that does not exist.
    """
    return {rule.name: resolve(rule) for rule in published().rules}


def resolve(rule: PublishedRule) -> Rule:
    """Return a published rule ready to count.

    Raises:
        RecordError: It names a count or a network that does not exist.
    """
    return Rule(
        rule.name,
        _resolve(rule.params, PARAMS),
        _resolve(rule.multi_adds, MULTI_ADDS),
        rule.why,
        rule.found,
    )


def _resolve(what: CountOf, counts: Mapping[str, Count]) -> Count:
    _check("count", what.count, counts)
    count = counts[what.count]
    if what == CountOf(what.count):
        return count  # of the subject itself, whose cost is counted once
    build = _constructor(what.network) if what.network else None
    counted: dict[object, int] = {}  # of the network that the rule names, whoever goes by it

    def of_another(subject: CountedNetwork) -> int:
        other = subject.replace(build=build, scale=what.scale, input_px=what.input_px)
        if build is None:
            return count(other)
        if other.place not in counted:
            counted[other.place] = count(other)
        return counted[other.place]

    return of_another


def _constructor(network: str) -> Callable[..., nn.Module]:
    if ":" not in network:
        _check("network", network, registry.names())
        return registry.get(network).build
    try:
        constructor = resolve_name(network)
    except (ImportError, AttributeError, ValueError) as error:
        raise RecordError(f"published counts: there is no '{network}': {error}") from error
    return constructor  # type: ignore[no-any-return]


def _check(kind: str, name: str, choices: Collection[str]) -> None:
    if name not in choices:
        raise RecordError(f"published counts: unknown {kind} '{name}'{suggest(name, choices)}")

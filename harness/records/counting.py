"""By which rule each network's published counts came about: results/published/counting.yaml."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from harness.errors import RecordError, suggest
from harness.host.paths import bundled

Metric = Literal["params_k", "multi_adds_g"]
"""The printed counts: parameters in thousands, Multi-Adds in units of 1e9."""

Rounding = Literal["once", "truncated", "twice"]

FILE_NAME = "counting.yaml"


@dataclass(frozen=True, slots=True)
class CountOf:
    """What is counted, and of which network.

    Attributes:
        count: Name of the count, such as ``conv_weights`` or ``own_grids``.
        network: An id, or ``module:function`` that builds a network for a ``scale``; empty
            for the network itself.
        scale: Upscaling factor of that network; None for the row's own.
        input_px: Width and height of the LR image; None for the row's own.
    """

    count: str
    network: str = ""
    scale: int | None = None
    input_px: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PublishedRule:
    """A way in which published counts came about.

    Attributes:
        name: Short name.
        params: What its parameters are.
        multi_adds: What its Multi-Adds are.
        why: What it does that plain counting does not, for the reader of a table.
        found: Whether it is known to be how the figures came about; False where it is
            only the nearest of all that were tried.
    """

    name: str
    params: CountOf
    multi_adds: CountOf
    why: str
    found: bool = True


@dataclass(frozen=True, slots=True)
class RuleUse:
    """Networks whose published counts go by one rule.

    Attributes:
        models: Their ids.
        rule: Name of the rule; None where their layers are unknown.
        scales: Upscaling factors; empty for all that they have.
    """

    models: tuple[str, ...]
    rule: str | None
    scales: tuple[int, ...] = ()

    def covers(self, model: str, scale: int) -> bool:
        """Tell whether a network goes by this rule at a scale."""
        return model in self.models and (not self.scales or scale in self.scales)


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake by which a count became the printed one.

    Attributes:
        model: Id of the network.
        scales: Upscaling factors.
        metric: Which of the two counts.
        why: What happened, for the reader of a table.
        rounding: How the printed digits came from the count.
        of_scale: The scale whose count is printed instead; None for the row's own.
    """

    model: str
    scales: tuple[int, ...]
    metric: Metric
    why: str
    rounding: Rounding = "once"
    of_scale: int | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """The whole file.

    Attributes:
        rules: Every rule, by names that differ.
        networks: Which networks go by them; no network at no scale by two.
        slips: What went wrong on top of them.
    """

    rules: tuple[PublishedRule, ...]
    networks: tuple[RuleUse, ...]
    slips: tuple[Slip, ...]

    def use(self, model: str, scale: int) -> RuleUse | None:
        """Return by which rule a network goes at a scale; None where it is counted plainly."""
        return next((use for use in self.networks if use.covers(model, scale)), None)

    def slip(self, model: str, scale: int, metric: Metric) -> Slip | None:
        """Return what went wrong with a count of a network, None where nothing did."""
        for slip in self.slips:
            if (slip.model, slip.metric) == (model, metric) and scale in slip.scales:
                return slip
        return None


def load(folder: Path | None = None) -> Counting:
    """Return how the published counts came about.

    Args:
        folder: Where the file lies; by default the one shipped with the harness.

    Raises:
        RecordError: The file cannot be read, or contradicts itself.
    """
    from pydantic import TypeAdapter, ValidationError

    path = (bundled("published") if folder is None else folder) / FILE_NAME
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        # By way of JSON, whose lists may be tuples and whose words are never numbers.
        text = json.dumps(raw, default=str)
        counting = TypeAdapter(Counting).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise RecordError(f"'{path}': {problems}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecordError(f"'{path}' cannot be read: {error}") from error
    if problems := "; ".join(_contradictions(counting)):
        raise RecordError(f"'{path}': {problems}")
    return counting


def _contradictions(counting: Counting) -> list[str]:
    names = [rule.name for rule in counting.rules]
    problems = [f"two rules are named '{name}'" for name in names if names.count(name) > 1]
    for use in counting.networks:
        if use.rule is not None and use.rule not in names:
            problems.append(f"unknown rule '{use.rule}'{suggest(use.rule, names)}")
    for index, use in enumerate(counting.networks):
        for other in counting.networks[:index]:
            scales_overlap = not use.scales or not other.scales or {*use.scales} & {*other.scales}
            if scales_overlap:
                shared = [model for model in use.models if model in other.models]
                problems += [f"'{model}' goes by two rules at one scale" for model in shared]
    return problems

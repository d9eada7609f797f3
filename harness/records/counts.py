"""The stored counts of every registered network: results/efficiency/counts.json.

They stand in a file so that tables need no torch; a test holds them to what
``harness flops`` counts now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from harness.config import paper
from harness.config.paper import Convention
from harness.errors import RecordError
from harness.host.paths import bundled
from harness.host.problems import FormatError, Problem
from harness.host.reading import from_json, read_text

FILE_NAME = "counts.json"
RECOUNT = (
    "harness flops --all --convention executed --format json "
    f"-o {Path('results', 'efficiency', FILE_NAME)}"
)
"""The command that writes the file."""

MERGES = (
    "kernels put together in each pass from more weights than they have: Multi-Adds and Deployed "
    "are those of the form that is deployed, Params those of the form that is trained"
)
"""The remark on a network that puts its kernels together whenever it runs."""

DEPLOYS = "counted and timed in the merged form that its deploy() returns"
"""The remark on a network that declares its merged form."""

OTHER_FORMS = frozenset({MERGES, DEPLOYS})
"""The remarks on networks that are counted in another form than they are trained in."""


def merged_remarks(params_trained: int | None) -> tuple[str, ...]:
    """Return the remarks on a network that declares its merged form; none on any other.

    Args:
        params_trained: Learned scalars of the form that is trained; None where that is the one
            that is counted.
    """
    if params_trained is None:
        return ()
    return DEPLOYS, f"in training with {params_trained:,} parameters"


@dataclass(frozen=True, slots=True)
class Counted:
    """What one network costs at one scale, for a 1280x720 output; the fields are the keys.

    Attributes:
        model: Id of the network.
        label: Its name in tables.
        scale: Upscaling factor.
        params: Trainable scalars; of a network that declares its merged form, of that one.
        params_trained: Those of the form that is trained, where that is another one.
        params_deployed: Those left with weight norm and batch norm folded, kernels merged.
        multi_adds: Multi-Adds by the convention; None where the count is in doubt, as are the
            others that follow from the same forward pass.
        convention: How ``multi_adds`` are counted; the stored ones are as executed.
        activations: Elements that convolutions write.
        convs: Convolutions executed.
        rule: Name of the rule of the published counts; None where its layers are unknown.
        rule_params: Parameters by that rule.
        rule_multi_adds: Multi-Adds by that rule.
        published_params_k: Parameters as printed, in thousands; None where nothing is.
        published_multi_adds_g: Multi-Adds as printed, in units of 1e9.
        status: The worse one of the two printed counts'; None where none are printed.
        note: Why the published counts differ, and what is unusual about the count; empty where
            there is nothing to say.
    """

    model: str
    label: str
    scale: int
    params: int
    params_trained: int | None = field(default=None, kw_only=True)
    params_deployed: int
    multi_adds: int | None
    convention: Convention
    activations: int | None
    convs: int | None
    rule: str | None
    rule_params: int | None
    rule_multi_adds: int | None
    published_params_k: Decimal | None = field(default=None, kw_only=True)
    published_multi_adds_g: Decimal | None = field(default=None, kw_only=True)
    status: Literal["exact", "explained", "open"] | None = field(default=None, kw_only=True)
    note: str

    @property
    def lr_px(self) -> Fraction:
        """Pixels of the LR image; a fraction where the scale does not divide the output."""
        return Fraction(prod(paper.OUTPUT_PX), self.scale**2)


@dataclass(frozen=True, slots=True)
class Count(Counted):
    """A stored count: of a registered network, whose Multi-Adds are in no doubt."""

    multi_adds: int
    activations: int
    convs: int


def in_doubt(reasons: Iterable[str]) -> str:
    """Return what stands for a count that may have missed something, with the reasons."""
    return f"n/a, because the count is in doubt: {'; '.join(reasons)}"


@cache
def load(folder: Path | None = None) -> Mapping[tuple[str, int], Count]:
    """Return the counts by label and scale, in the order of the registry.

    Args:
        folder: Where the file lies; by default the one shipped with the harness.

    Raises:
        RecordError: The file is missing or broken; the message says how to write it anew.
    """
    path = (bundled("efficiency") if folder is None else folder) / FILE_NAME
    try:
        counts = from_json(tuple[Count, ...], read_text(path))
        return MappingProxyType(_by_label(counts))
    except FormatError as error:
        raise RecordError(f"{path}: {error} (`{RECOUNT}` writes it)") from error


def of(stored: Mapping[tuple[str, int], Count], label: str, scale: int) -> Count:
    """Return the count of a published system.

    Raises:
        RecordError: There is none; the message says how to write them anew.
    """
    count = stored.get((label, scale))
    if count is None:
        raise RecordError(f"the stored counts lack {label} x{scale} (`{RECOUNT}` writes them)")
    return count


def of_model(model: str, scale: int) -> Count:
    """Return the stored count of a registered network by its id.

    Raises:
        RecordError: There is none; the message says how to write them anew.
    """
    count = _shipped().get((model, scale))
    if count is None:
        raise RecordError(f"the stored counts lack {model} x{scale} (`{RECOUNT}` writes them)")
    return count


@cache
def _shipped() -> dict[tuple[str, int], Count]:
    """Return the counts shipped with the harness, by id and scale."""
    return {(count.model, count.scale): count for count in load().values()}


def _by_label(counts: tuple[Count, ...]) -> dict[tuple[str, int], Count]:
    by_label: dict[tuple[str, int], Count] = {}
    for number, count in enumerate(counts):
        if count.convention != "executed":
            place = (number, "convention")
            raise FormatError(Problem(place, f"expected executed, not '{count.convention}'"))
        if by_label.setdefault((count.label, count.scale), count) is not count:
            text = f"{count.label} x{count.scale} stands there already"
            raise FormatError(Problem((number,), text))
    return by_label

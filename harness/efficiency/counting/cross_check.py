"""Cross-checks of a count by two other tools, fvcore and ptflops.

Neither is a source of counts here. fvcore cannot run without values, so both see the
network at two small LR sizes, and what they count is extended to the full area. Only
convolutions, linear layers and matrix products are compared; ptflops' work on biases is
taken off first.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from fractions import Fraction

import torch
from torch import nn

from harness.efficiency.counting.doubts import is_declared_unused, listed, unreviewed
from harness.efficiency.counting.meta import shadow
from harness.efficiency.counting.trace import Trace, trace
from harness.errors import HarnessError

TOLERANCE = Fraction(5, 1000)
"""Largest relative disagreement between counters."""

_PRODUCTS = frozenset({"conv", "linear", "addmm", "mm", "bmm", "matmul", "einsum"})


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Multi-Adds executed, as two other tools count them.

    Attributes:
        fvcore: By fvcore, on small images and extended; None where not all of it grows with
            the image as it does from one small image to the other.
        ptflops: By ptflops, likewise.
        note: On which images.
    """

    fvcore: int | None
    ptflops: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What another tool counted on one LR image.

    Attributes:
        tool: Its name.
        multi_adds: All convolutions, linear layers and matrix products, without biases.
        by_module: The same per module, where the tool tells.
        blind: What the tool says it did not see, one clause each.
    """

    tool: str
    multi_adds: int
    by_module: Mapping[str, int] = field(default_factory=dict)
    blind: tuple[str, ...] = ()


def cross_check(
    network: nn.Module, *, scale: int, lr_px: Fraction | int, ours: int | None = None
) -> CrossCheck:
    """Count a network by fvcore and ptflops, and compare both with our count.

    Args:
        network: Maps LR ``(N, 3, H, W)`` to SR.
        scale: Its upscaling factor.
        lr_px: Pixels of the LR image to extend the counts to.
        ours: Our count there, which must be what our counts on the small images extend to;
            None where that is known.

    Raises:
        HarnessError: A tool fails, did not see all of the network, or differs from our
            count by more than 0.5 %; the message names modules and operators.
    """
    sizes = small_sizes(scale)
    twin = shadow(network)
    totals: dict[str, list[int]] = {}
    for size in sizes:
        traced = trace(twin, scale=scale, lr_px=size)
        totals.setdefault("ours", []).append(traced.multi_adds)
        for counted in (by_fvcore(network, traced), by_ptflops(network, traced)):
            compare(network, traced, counted)
            totals.setdefault(counted.tool, []).append(counted.multi_adds - traced.merging)
    areas = [width * height for width, height in sizes]
    extended = {tool: _extended(counts, areas, Fraction(lr_px)) for tool, counts in totals.items()}
    images = " and ".join(f"{width}x{height}" for width, height in sizes)
    if ours is not None and extended["ours"] != ours:
        return CrossCheck(
            fvcore=None,
            ptflops=None,
            note=f"fvcore and ptflops agree on LR images of {images} px, and are n/a for a larger "
            "one, because what is executed does not grow with the area alone",
        )
    return CrossCheck(
        fvcore=extended["fvcore"],
        ptflops=extended["ptflops"],
        note=f"fvcore and ptflops counted LR images of {images} px, extended to the size asked for",
    )


def small_sizes(scale: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return two LR sizes that are cheap to compute, about 48 px at the output."""
    side = max(8, 48 // scale)
    return (side, side), (side + 4, side)


def by_fvcore(network: nn.Module, traced: Trace) -> Counted:
    """Count by fvcore, on zeros on the CPU.

    Raises:
        HarnessError: It fails.
    """
    from fvcore.nn import FlopCountAnalysis

    width, height = traced.lr_px
    analysis = FlopCountAnalysis(shadow(network, device="cpu"), torch.zeros(1, 3, height, width))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit, which it needs, is deprecated
            table = analysis.by_module_and_operator()
            operators, silent = analysis.unsupported_ops(), analysis.uncalled_modules()
    except Exception as error:  # whatever torch.jit finds to dislike
        raise _failed("fvcore", network, str(error)) from error
    by_module = {
        name: int(sum(work for operator, work in counts.items() if operator in _PRODUCTS))
        for name, counts in table.items()
    }
    return Counted("fvcore", by_module[""], by_module, _blind(network, traced, operators, silent))


def by_ptflops(network: nn.Module, traced: Trace) -> Counted:
    """Count by ptflops' ``aten`` backend; its default one misses parametrized layers.

    It prints, leaves hooks behind, and hides failures in its return value: it gets a copy
    of the network, and its words are kept for the error message.

    Raises:
        HarnessError: It fails.
    """
    from ptflops import get_model_complexity_info

    width, height = traced.lr_px
    printed = io.StringIO()
    with torch.no_grad(), redirect_stdout(printed), redirect_stderr(printed):
        multi_adds, _ = get_model_complexity_info(
            shadow(network),
            (3, height, width),
            as_strings=False,
            print_per_layer_stat=False,
            input_constructor=lambda size: torch.empty(1, *size, device="meta"),
            backend="aten",
        )
    if multi_adds is None:
        raise _failed("ptflops", network, printed.getvalue())
    return Counted("ptflops", int(multi_adds) - traced.biases)


def compare(network: nn.Module, traced: Trace, counted: Counted) -> None:
    """Hold another tool's count against ours.

    Raises:
        HarnessError: They differ by more than 0.5 %, or the tool did not see everything.
    """
    ours, theirs = traced.multi_adds + traced.merging, counted.multi_adds
    complaints = list(counted.blind)
    if abs(theirs - ours) > TOLERANCE * max(theirs, ours):
        width, height = traced.lr_px
        disagreement = (
            f"{counted.tool} counts {theirs:,} Multi-Adds on an LR image of {width}x{height} px, "
            f"FlopCounterMode {ours:,}"
        )
        if counted.by_module:
            disagreement += f" (in {listed(_differing(traced.by_module, counted.by_module))})"
        complaints.insert(0, disagreement)
    if complaints:
        raise HarnessError(f"{type(network).__name__}: {'; '.join(complaints)}")


def _extended(counts: Sequence[int], areas: Sequence[int], area: Fraction) -> int:
    """Return the count at an area, on the line through two counts."""
    slope = Fraction(counts[1] - counts[0], areas[1] - areas[0])
    return round(counts[0] + slope * (area - areas[0]))


def _blind(
    network: nn.Module, traced: Trace, operators: Iterable[str], silent: Iterable[str]
) -> tuple[str, ...]:
    """Return what fvcore missed of what ran."""
    clauses = []
    strange = unreviewed(operator.replace("::", ".") for operator in operators)
    if strange:
        clauses.append(f"fvcore does not know {listed(strange)}")
    unseen = sorted(
        name
        for name in silent
        if traced.by_module.get(name) and not is_declared_unused(network, name)
    )
    if unseen:
        clauses.append(f"fvcore never saw {listed(unseen)}")
    return tuple(clauses)


def _differing(ours: Mapping[str, int], theirs: Mapping[str, int]) -> list[str]:
    """Return the modules whose counts differ, without those that only contain others."""
    names = {name for name in {*ours, *theirs} if ours.get(name, 0) != theirs.get(name, 0)}
    parents = {name.rpartition(".")[0] for name in names if name}
    return sorted(names - parents) or ["the network's own forward"]


def _failed(tool: str, network: nn.Module, printed: str) -> HarnessError:
    lines = [line for line in printed.strip().splitlines() if line.strip()]
    return HarnessError(
        f"{tool} cannot count {type(network).__name__}: {lines[-1] if lines else 'no reason given'}"
    )

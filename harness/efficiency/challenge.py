"""Cost of networks in relation to a challenge's base: counted, and measured in turns with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.efficiency import targets
from harness.errors import HarnessError, UsageError
from harness.host.progress import over
from harness.records.challenge import LR_PX, SCALE, Challenge, Triple, score
from harness.records.counts import in_doubt
from harness.weights import naming

if TYPE_CHECKING:
    from harness.efficiency.bench.latency import Effort
    from harness.efficiency.bench.process import Job, Setup
    from harness.efficiency.bench.rows import BenchRow
    from harness.models.variant import Variant

Run = Callable[["Job"], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Counted:
    """A network, counted at the challenge's image size.

    Attributes:
        variant: The network.
        params: Trainable scalars, of a merged form where it declares one.
        multi_adds: Executed on an LR image of 256x256 pixels: the challenge's FLOPs.
    """

    variant: Variant
    params: int
    multi_adds: int


@dataclass(frozen=True, slots=True)
class Scored:
    """A network with its score.

    Attributes:
        counted: What it costs.
        measured: How long it takes here.
        ratios: Runtime here, FLOPs and parameters, each divided by those of the base.
        score: The challenge's formula on these ratios.
        low: The score where the runtime ratio is as low as the ranges of both medians allow.
        high: The same, as high as they allow.
    """

    counted: Counted
    measured: BenchRow
    ratios: Triple
    score: float
    low: float
    high: float


def count(names: Sequence[str], challenge: Challenge) -> list[Counted]:
    """Return the base and the networks that are named, counted; no weights are needed.

    Args:
        names: Ids, or classes as ``pkg.module:Class`` or ``file.py:Class``.
        challenge: Its rules.

    Raises:
        UsageError: Nothing is named, or a name means no network that is for x4.
        HarnessError: A count is in doubt.
    """
    if not names:
        raise UsageError(f"name networks to score against '{challenge.base}', such as: imdn")
    for name in names:
        plain, file = naming.split_file(name)
        if file:
            raise UsageError(
                f"'{name}': --ntire counts and measures networks and takes no weights: "
                f"expected '{plain}'"
            )
    chosen = targets.choose([challenge.base, *names], everything=False, scales=(SCALE,))
    return [_counted(variant) for variant, _ in over(chosen, "count networks")]


def _counted(variant: Variant) -> Counted:
    from harness.efficiency.counting.counted import CountedNetwork

    cost = CountedNetwork(variant.id, variant.build, scale=SCALE, input_px=LR_PX).cost
    multi_adds = cost.sure_multi_adds
    if multi_adds is None:
        raise HarnessError(
            f"'{variant.id}' has no score without its FLOPs: {in_doubt(cost.doubts)}"
        )
    return Counted(variant, cost.params, multi_adds)


def measure(
    counted: Sequence[Counted],
    challenge: Challenge,
    setup: Setup,
    effort: Effort,
    *,
    processes: int,
    run: Run | None = None,
) -> tuple[list[Scored], tuple[str, ...]]:
    """Measure networks in turns with the base, and return their scores.

    Args:
        counted: The networks, the first of them the base.
        challenge: Its rules.
        setup: How they are run.
        effort: How long each process measures.
        processes: Processes for each network.
        run: Runs a job in a process of its own; None for the usual way.

    Returns:
        The networks, the base first, and one line for each that could not be measured.

    Raises:
        HarnessError: The base, or the machine's peak, cannot be measured.
    """
    from harness.efficiency.bench import process, rounds
    from harness.efficiency.bench.process import Target

    candidates = [
        rounds.BenchCandidate(
            Target(one.variant.id, SCALE, LR_PX), one.variant.label, one.multi_adds
        )
        for one in counted
    ]
    outcome = rounds.measure(candidates, setup, effort, processes=processes, run=run or process.run)
    by_model = {row.model: row for row in outcome.rows}
    base = counted[0]
    if base.variant.id not in by_model:
        raise HarnessError("\n".join(outcome.failures))
    rows = ((one, by_model.get(one.variant.id)) for one in counted)
    measured = [(one, row) for one, row in rows if row is not None]
    return list(_scored(measured, challenge)), outcome.failures


def _scored(measured: Sequence[tuple[Counted, BenchRow]], challenge: Challenge) -> Iterable[Scored]:
    base, base_row = measured[0]
    for one, row in measured:
        flops = one.multi_adds / base.multi_adds
        params = one.params / base.params
        is_base = one is base
        runtimes = (
            row.p50_ms / base_row.p50_ms,
            1.0 if is_base else row.p50_low_ms / base_row.p50_high_ms,
            1.0 if is_base else row.p50_high_ms / base_row.p50_low_ms,
        )
        ratios = [Triple(runtime, flops, params) for runtime in runtimes]
        scores = [score(triple, challenge.weights) for triple in ratios]
        yield Scored(one, row, ratios[0], *scores)

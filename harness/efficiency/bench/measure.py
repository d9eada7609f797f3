"""Which networks ``harness bench`` measures, on which image, and where the rows go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from harness.efficiency import targets
from harness.errors import HarnessError, UsageError
from harness.records.counts import DEPLOYS

if TYPE_CHECKING:
    from torch import nn

    from harness.efficiency.bench.latency import Effort
    from harness.efficiency.bench.process import Setup
    from harness.efficiency.bench.rounds import BenchCandidate
    from harness.efficiency.bench.rows import BenchRow, Written
    from harness.efficiency.targets import ImageSize
    from harness.models.variant import Variant

log = logging.getLogger(__name__)

_MERGES = (
    "it puts kernels together in every pass, and the latency has that in it; the Multi-Adds are "
    "those of the form that is deployed"
)


def candidates(
    models: Sequence[str],
    *,
    scales: Sequence[int],
    output_size: str | None,
    input_size: str | None,
    fused: bool = False,
    as_built: bool = False,
) -> list[BenchCandidate]:
    """Return the networks to measure, counted.

    Where the scale does not divide the output size, the LR image is rounded up: what is
    measured is a whole image, and counted is what it costs.

    Args:
        models: Ids, or classes as ``pkg.module:Class`` or ``file.py:Class``.
        scales: Upscaling factors; none for all that a network has.
        output_size: Size of the SR image as an option.
        input_size: Size of the LR image, instead.
        fused: Whether their fused form is counted.
        as_built: Whether they are measured as built, in the form that is trained.

    Raises:
        UsageError: Nothing is named, or something that does not exist or cannot be built.
    """
    if not models:
        raise UsageError("name networks to measure, for example: harness bench awsrn_s --scale 4")
    size = targets.image_size(output_size, input_size)
    chosen = targets.choose(models, everything=False, scales=scales)
    return [
        candidate(variant, scale, _lr_px(size, scale), fused=fused, as_built=as_built)
        for variant, scale in chosen
    ]


def _lr_px(size: ImageSize, scale: int) -> tuple[int, int]:
    if size.of == "input":
        return size.px
    return ceil(size.width / scale), ceil(size.height / scale)


def candidate(
    variant: Variant,
    scale: int,
    lr_px: tuple[int, int],
    *,
    fused: bool = False,
    as_built: bool = False,
) -> BenchCandidate:
    """Return a network with what it, or its fused form, executes on an image of LR pixels."""
    from harness.efficiency.bench.process import Target
    from harness.efficiency.bench.rounds import BenchCandidate
    from harness.efficiency.counting.counted import CountedNetwork

    build = partial(_fused, variant) if fused else variant.build
    subject = CountedNetwork(variant.id, build, scale=scale, input_px=lr_px, as_trained=as_built)
    multi_adds, note = None, ""
    try:
        multi_adds = subject.cost.sure_multi_adds
        merges = (_MERGES,) if subject.cost.merges else ()
        deploys = (DEPLOYS,) if subject.cost.params_trained is not None else ()
        note = "; ".join((*subject.cost.doubts, *merges, *deploys))
    except UsageError:
        raise
    except HarnessError as error:  # it may run all the same
        note = f"not counted: {error}"
    return BenchCandidate(Target(variant.id, scale, lr_px), variant.label, multi_adds, note)


def _fused(variant: Variant, *, scale: int) -> nn.Module:
    from harness.models import fusing

    return fusing.fused(variant.build(scale=scale).eval())


def measure(
    candidates: Sequence[BenchCandidate],
    setup: Setup,
    effort: Effort,
    *,
    processes: int,
    folder: Path,
    show: Callable[[Sequence[BenchRow]], None],
) -> None:
    """Measure networks, show the rows and keep them.

    Args:
        candidates: The networks.
        setup: How they are run.
        effort: How long each process measures.
        processes: Processes per network.
        folder: Where the rows are kept.
        show: Called with the rows, if there are any.

    Raises:
        HarnessError: Some could not be measured; the others are shown and kept all the same.
    """
    from harness.efficiency.bench import rounds, rows

    outcome = rounds.measure(candidates, setup, effort, processes=processes)
    if outcome.rows:
        show(outcome.rows)
        written = rows.write(outcome.rows, folder)
        for one in written:
            _compare(one)
        for path in dict.fromkeys(one.path for one in written):
            log.info("wrote %s", path)
    if outcome.failures:
        raise HarnessError("\n".join(outcome.failures))


def _compare(written: Written) -> None:
    """Log whether a row agrees with the one that it replaced."""
    row, old = written.row, written.replaced
    if old is None:
        return
    agrees = written.agrees()
    log.log(
        logging.INFO if agrees else logging.WARNING,
        "%s x%d: median %g ms [%g, %g] %s with that of %s: %s ms [%s, %s]",
        row.model,
        row.scale,
        row.p50_ms,
        row.p50_low_ms,
        row.p50_high_ms,
        "agrees" if agrees else "does not agree",
        old.date,
        old.p50_ms,
        old.p50_low_ms,
        old.p50_high_ms,
    )

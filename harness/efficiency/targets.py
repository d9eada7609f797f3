"""Which networks ``harness flops`` counts, at which scales and sizes, and their rows."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.config import paper
from harness.config.paper import Convention
from harness.errors import HarnessError, UsageError
from harness.host import progress
from harness.models import registry
from harness.records import published, published_modern
from harness.weights import networks

if TYPE_CHECKING:
    from harness.efficiency.counting.report import CountedRow
    from harness.models.variant import Variant


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Width and height of an image in pixels, and which of the two images it is."""

    width: int
    height: int
    of: Literal["output", "input"] = "output"

    @property
    def px(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    @property
    def in_paper(self) -> bool:
        """Whether the paper's counts belong to it."""
        return self == ImageSize(*paper.OUTPUT_PX)


def image_size(output_size: str | None, input_size: str | None) -> ImageSize:
    """Return the size that one of the two options gives, by default 1280x720 at the output.

    Raises:
        UsageError: Both are given, or one is no size.
    """
    if output_size and input_size:
        raise UsageError("give --output-size or --input-size, not both")
    if input_size:
        return ImageSize(*_parse_size("--input-size", input_size), "input")
    return ImageSize(*_parse_size("--output-size", output_size or paper.OUTPUT_SIZE))


def _parse_size(option: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text)
    if not match:
        raise UsageError(
            f"{option} must be WIDTHxHEIGHT in pixels, such as {paper.OUTPUT_SIZE}, not '{text}'"
        )
    return int(match[1]), int(match[2])


def choose(
    models: Sequence[str], *, everything: bool, scales: Sequence[int]
) -> list[tuple[Variant, int]]:
    """Return the networks to count, each with one scale.

    Args:
        models: Ids, or classes as ``pkg.module:Class`` or ``file.py:Class``.
        everything: All registered networks, with those of the scales that they have.
        scales: Upscaling factors; none for all that a network has.

    Raises:
        UsageError: Nothing is named, a network does not exist or has no such scale, or
            the scale of a user's own class is not given.
    """
    if everything == bool(models):
        raise UsageError("name networks to count, or --all for every registered one")
    if not everything:
        return [
            (variant, scale)
            for variant in map(networks.variant, dict.fromkeys(models))
            for scale in _scales(variant, scales)
        ]
    chosen = [
        (variant, scale)
        for variant in registry.VARIANTS
        for scale in variant.scales
        if not scales or scale in scales
    ]
    if not chosen:
        raise UsageError(f"no registered network is for {_listed(scales)}")
    return chosen


def _scales(variant: Variant, scales: Sequence[int]) -> Sequence[int]:
    if networks.is_users(variant.id):
        if not scales:
            raise UsageError(f"say by --scale which upscaling factor '{variant.id}' has")
        return scales
    for scale in scales:
        if scale not in variant.scales:
            raise UsageError(
                f"'{variant.id}' is defined for {_listed(variant.scales)}, not x{scale}"
            )
    return scales or variant.scales


def _listed(scales: Iterable[int]) -> str:
    return ", ".join(f"x{scale}" for scale in scales)


def count(
    chosen: Iterable[tuple[Variant, int]],
    size: ImageSize,
    *,
    convention: Convention,
    counters: bool,
    fused: bool = False,
) -> list[CountedRow]:
    """Count networks; the published figures stand beside those at the paper's size.

    Raises:
        HarnessError: A network cannot be built or counted, or the other counters disagree
            with its count.
    """
    from harness.efficiency.counting.counted import CountedNetwork
    from harness.efficiency.counting.report import row

    printed = (*published.load(paper.SYSTEMS_TABLE), *published_modern.counts_at_720p())
    rows = []
    with _rare_collection():
        for variant, scale in progress.over(chosen, "count networks"):
            own = networks.is_users(variant.id)
            of_input = size.of == "input"
            subject = CountedNetwork(
                variant.id,
                variant.build,
                scale=scale,
                output_px=paper.OUTPUT_PX if of_input else size.px,
                input_px=size.px if of_input else None,
            )
            rows.append(
                row(
                    subject,
                    label=variant.label,
                    convention=convention,
                    published=() if own or not size.in_paper else printed,
                    counters=counters,
                    fused=fused,
                )
            )
    return rows


def refuse_doubtful(rows: Iterable[CountedRow]) -> None:
    """Fail where a count is in doubt, once all rows are shown.

    Raises:
        HarnessError: A count is; the message has the first such rows with their reasons, and how
            many more there are. All stand in the notes of their rows.
    """
    doubtful = [
        f"the count of '{row.model}' at x{row.scale} is in doubt: {'; '.join(row.doubts)}"
        for row in rows
        if row.doubts
    ]
    if doubtful:
        more = f"; and {len(doubtful) - 3} more counts" if len(doubtful) > 3 else ""
        raise HarnessError("; ".join(doubtful[:3]) + more)


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Look for unreachable cycles less often: a network is many objects, and goes without.

    At Python's own thresholds a fifth of the time goes into looking.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)

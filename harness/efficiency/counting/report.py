"""One row per network and scale: what it costs, and how that compares with the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.config.paper import Convention
from harness.efficiency.counting.agreement import Status, Verdict, judge
from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.cross_check import cross_check
from harness.efficiency.counting.multi_adds import Cost
from harness.efficiency.counting.rules import rule_of
from harness.models.fusing import CannotMerge
from harness.records.counting import Metric
from harness.records.counts import Counted, in_doubt
from harness.records.published import Published, find

_WORST_FIRST: tuple[Status, ...] = ("open", "explained", "exact")
_NAMES: dict[Metric, str] = {"params_k": "params", "multi_adds_g": "Multi-Adds"}
_COUNTERS = ("fvcore", "ptflops")
_FUSED = ("fused_params", "fused_multi_adds")


@dataclass(frozen=True, slots=True)
class CountedRow(Counted):
    """One network at one scale as ``harness flops`` shows it; the fields are the keys of JSON.

    Attributes:
        fvcore: Multi-Adds executed, as fvcore counts them, if asked for and if they can be
            extended from the small images that it sees.
        ptflops: The same by ptflops.
        fused_params: Parameters of the fused form, if asked for and if there is one.
        fused_multi_adds: Its Multi-Adds, charged as ``multi_adds`` are.
        doubts: Why the count is in doubt; in the JSON form the note says it.
    """

    fvcore: int | None = None
    ptflops: int | None = None
    fused_params: int | None = None
    fused_multi_adds: int | None = None
    doubts: tuple[str, ...] = ()


def row(
    subject: CountedNetwork,
    *,
    label: str,
    convention: Convention = "paper",
    published: Sequence[Published] = (),
    counters: bool = False,
    fused: bool = False,
) -> CountedRow:
    """Count a network and compare it with what is published of it.

    Args:
        subject: The network, its scale and the image size.
        label: Its name in tables.
        convention: How ``multi_adds`` charges transposed convolutions.
        published: Cells that may hold its counts, for a 1280x720 output; none for
            another size.
        counters: Whether to count by fvcore and ptflops too, where ours is not in doubt.
        fused: Whether to count the fused form, too, likewise.

    Raises:
        HarnessError: The network cannot be counted, or the other counters disagree.
    """
    cost = subject.cost
    sure = not cost.doubts
    cells: dict[Metric, Decimal | None] = {
        metric: _printed(published, label, subject.scale, metric) for metric in _NAMES
    }
    verdicts = {
        metric: judge(subject, metric, value)
        for metric, value in cells.items()
        if value is not None and (sure or metric == "params_k")
    }
    reached = {verdict.status for verdict in verdicts.values()}
    notes = [*_reasons(verdicts), cost.note]
    if not sure:
        notes.append(f"Multi-Adds: {in_doubt(cost.doubts)}")
    merged, unmerged = _fused(subject) if fused and sure else (None, "")
    rule = rule_of(subject.id, subject.scale)
    checked = (
        cross_check(subject.network, scale=subject.scale, lr_px=cost.lr_px, ours=cost.multi_adds)
        if counters and sure
        else None
    )
    return CountedRow(
        model=subject.id,
        label=label,
        scale=subject.scale,
        params=cost.params,
        params_trained=cost.params_trained,
        params_deployed=cost.params_deployed,
        multi_adds=cost.by(convention),
        convention=convention,
        activations=cost.activations if sure else None,
        convs=cost.convs if sure else None,
        rule=rule.name if rule else None,
        rule_params=rule.params(subject) if rule else None,
        rule_multi_adds=rule.multi_adds(subject) if rule and sure else None,
        published_params_k=cells["params_k"],
        published_multi_adds_g=cells["multi_adds_g"],
        status=next((status for status in _WORST_FIRST if status in reached), None),
        note="; ".join(filter(None, [*notes, checked.note if checked else "", unmerged])),
        fvcore=checked.fvcore if checked else None,
        ptflops=checked.ptflops if checked else None,
        fused_params=merged.params if merged else None,
        fused_multi_adds=merged.by(convention) if merged else None,
        doubts=cost.doubts,
    )


def _fused(subject: CountedNetwork) -> tuple[Cost | None, str]:
    """Return the cost of the fused form, or why there is none."""
    try:
        return subject.fused_cost(), ""
    except CannotMerge as error:
        return None, f"no fused form: {error}"


def _reasons(verdicts: Mapping[Metric, Verdict]) -> list[str]:
    """Return the explanations, one that holds for both cells only once."""
    concerned: dict[str, list[str]] = {}
    for metric, verdict in verdicts.items():
        if verdict.why:
            concerned.setdefault(verdict.why, []).append(_NAMES[metric])
    return [f"{' and '.join(names)}: {why}" for why, names in concerned.items()]


def as_dict(row: CountedRow, *, counters: bool, fused: bool = False) -> dict[str, Any]:
    """Return a row's fields by name, those of other counters and of the fused form if asked for."""
    left_out = ("doubts", *(() if counters else _COUNTERS), *(() if fused else _FUSED))
    names = [name for name in CountedRow.__dataclass_fields__ if name not in left_out]
    return {name: getattr(row, name) for name in names}


def _printed(
    published: Sequence[Published], label: str, scale: int, metric: Metric
) -> Decimal | None:
    cell = find(published, label=label, scale=scale, metric=metric)
    return cell.value if cell else None

"""One row per network and scale: what it costs, and how that compares with the paper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.config.paper import Convention
from harness.efficiency.counting.agreement import Status, Verdict, judge
from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.cross_check import cross_check
from harness.efficiency.counting.rules import rule_of
from harness.records.counting import Metric
from harness.records.counts import in_doubt
from harness.records.published import Published, find

_WORST_FIRST: tuple[Status, ...] = ("open", "explained", "exact")
_NAMES: dict[Metric, str] = {"params_k": "params", "multi_adds_g": "Multi-Adds"}
_OPTIONAL = ("fvcore", "ptflops")


@dataclass(frozen=True, slots=True)
class Row:
    """One network at one scale; the fields are the keys of the JSON form.

    Attributes:
        model: Id of the network.
        label: Its name in tables.
        scale: Upscaling factor.
        params: Trainable scalars.
        params_deployed: Those left with weight norm and batch norm folded, kernels merged.
        multi_adds: Multi-Adds by the convention; None where the count is in doubt, as are the
            three that follow from the same forward pass.
        convention: ``paper`` or ``executed``.
        activations: Elements that convolutions write.
        convs: Convolutions executed.
        rule: Name of the rule of the published counts.
        rule_params: Parameters by it.
        rule_multi_adds: Multi-Adds by it, at a 1280x720 output.
        published_params_k: Parameters as printed, in thousands.
        published_multi_adds_g: Multi-Adds as printed, in units of 1e9.
        status: The worse one of the two printed cells'; None where there are none.
        note: Why they differ, and what is unusual about the count.
        fvcore: Multi-Adds executed, as fvcore counts them, if asked for and if they can be
            extended from the small images that it sees.
        ptflops: The same by ptflops.
        doubts: Why the count is in doubt; in the JSON form the note says it.
    """

    model: str
    label: str
    scale: int
    params: int
    params_deployed: int
    multi_adds: int | None
    convention: Convention
    activations: int | None
    convs: int | None
    rule: str | None
    rule_params: int | None
    rule_multi_adds: int | None
    published_params_k: Decimal | None
    published_multi_adds_g: Decimal | None
    status: Status | None
    note: str
    fvcore: int | None = None
    ptflops: int | None = None
    doubts: tuple[str, ...] = ()


def row(
    subject: CountedNetwork,
    *,
    label: str,
    convention: Convention = "paper",
    published: Sequence[Published] = (),
    counters: bool = False,
) -> Row:
    """Count a network and compare it with what is published of it.

    Args:
        subject: The network, its scale and the image size.
        label: Its name in tables.
        convention: How ``multi_adds`` charges transposed convolutions.
        published: Cells that may hold its counts, for a 1280x720 output; none for
            another size.
        counters: Whether to count by fvcore and ptflops too, where ours is not in doubt.

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
    rule = rule_of(subject.id, subject.scale)
    checked = (
        cross_check(subject.network, scale=subject.scale, lr_px=cost.lr_px, ours=cost.multi_adds)
        if counters and sure
        else None
    )
    return Row(
        model=subject.id,
        label=label,
        scale=subject.scale,
        params=cost.params,
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
        note="; ".join(filter(None, [*notes, checked.note if checked else ""])),
        fvcore=checked.fvcore if checked else None,
        ptflops=checked.ptflops if checked else None,
        doubts=cost.doubts,
    )


def _reasons(verdicts: Mapping[Metric, Verdict]) -> list[str]:
    """Return the explanations, one that holds for both cells only once."""
    concerned: dict[str, list[str]] = {}
    for metric, verdict in verdicts.items():
        if verdict.why:
            concerned.setdefault(verdict.why, []).append(_NAMES[metric])
    return [f"{' and '.join(names)}: {why}" for why, names in concerned.items()]


def as_dict(row: Row, *, counters: bool) -> dict[str, Any]:
    """Return a row's fields by name, those of the other counters only if asked for."""
    left_out = ("doubts",) if counters else ("doubts", *_OPTIONAL)
    names = [name for name in Row.__dataclass_fields__ if name not in left_out]
    return {name: getattr(row, name) for name in names}


def to_json(rows: Sequence[Row], *, counters: bool) -> str:
    """Return rows as a JSON array."""
    return (
        json.dumps([as_dict(row, counters=counters) for row in rows], indent=1, default=_number)
        + "\n"
    )


def _number(value: object) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _printed(
    published: Sequence[Published], label: str, scale: int, metric: Metric
) -> Decimal | None:
    cell = find(published, label=label, scale=scale, metric=metric)
    return cell.value if cell else None

"""Whether a printed count agrees with ours, digit by digit, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from harness.efficiency.counting.counted import CountedNetwork
from harness.efficiency.counting.rules import Rule, published, rule_of
from harness.records.counting import Metric, Rounding

Status = Literal["exact", "explained", "open"]

UNITS: dict[Metric, int] = {"params_k": 10**3, "multi_adds_g": 10**9}
"""What the printed counts are multiples of."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a printed count compares with ours.

    Attributes:
        status: ``exact`` where the network as built, counted plainly, has the printed
            digits; ``explained`` where another named rule or a misprint gives them;
            ``open`` where nothing does.
        why: The explanation, or how far off the nearest count is; empty if exact.
    """

    status: Status
    why: str = ""


def judge(subject: CountedNetwork, metric: Metric, printed: Decimal) -> Verdict:
    """Compare a printed count with the network as built, and with its rule."""
    rule = rule_of(subject.id, subject.scale)
    if rule is None:
        return Verdict("open", "its layers are unknown: this is a stand-in with its totals")
    step = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    cost = subject.cost
    plain = _in_unit(cost.params if metric == "params_k" else cost.multi_adds_paper, metric)
    if _round(plain, step) == printed:
        return Verdict("exact")
    ours = by_rule(subject, rule, metric)
    if rule.found and _round(ours, step) == printed:
        return Verdict("explained", rule.why)
    slip = published().slip(subject.id, subject.scale, metric)
    if slip is not None:
        repeated = subject if slip.of_scale is None else subject.replace(scale=slip.of_scale)
        if ROUNDINGS[slip.rounding](by_rule(repeated, rule, metric), step) == printed:
            return Verdict("explained", slip.why)
    off = float((ours / printed - 1) * 100)
    return Verdict("open", f"{rule.why or 'the released network'}: {off:+.2f} %")


def by_rule(subject: CountedNetwork, rule: Rule, metric: Metric) -> Decimal:
    """Return a count by a rule, in the unit of the printed one."""
    count = rule.params if metric == "params_k" else rule.multi_adds
    return _in_unit(count(subject), metric)


def _in_unit(count: int, metric: Metric) -> Decimal:
    return Decimal(count) / UNITS[metric]


def _round(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_UP)


def _truncate(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_DOWN)


def _round_twice(value: Decimal, step: Decimal) -> Decimal:
    return _round(_round(value, step / 10), step)


ROUNDINGS: Mapping[Rounding, Callable[[Decimal, Decimal], Decimal]] = {
    "once": _round,
    "truncated": _truncate,
    "twice": _round_twice,
}
"""What makes printed digits of a count, given the step of the last one."""

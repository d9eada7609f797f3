"""Whether a printed count agrees with ours, digit by digit, and if not, why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from harness.efficiency.counting.counted import Subject
from harness.efficiency.counting.rules import Rule, rule_of

Status = Literal["exact", "explained", "open"]
Metric = Literal["params_k", "multi_adds_g"]

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


@dataclass(frozen=True, slots=True)
class Misprint:
    """A slip by which a count became the printed one.

    Attributes:
        why: What happened.
        printed: The digits it leads to, for the network, the right count in the
            table's unit, and the step of the last printed digit.
    """

    why: str
    printed: Callable[[Subject, Decimal, Decimal], Decimal]


def judge(subject: Subject, metric: Metric, printed: Decimal) -> Verdict:
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
    misprint = _MISPRINTS.get((subject.id, subject.scale, metric))
    if misprint is not None and misprint.printed(subject, ours, step) == printed:
        return Verdict("explained", misprint.why)
    off = float((ours / printed - 1) * 100)
    return Verdict("open", f"{rule.why or 'the released network'}: {off:+.2f} %")


def by_rule(subject: Subject, rule: Rule, metric: Metric) -> Decimal:
    """Return a count by a rule, in the unit of the printed one."""
    count = rule.params if metric == "params_k" else rule.multi_adds
    return _in_unit(count(subject), metric)


def _in_unit(count: int, metric: Metric) -> Decimal:
    return Decimal(count) / UNITS[metric]


def _round(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_UP)


def _truncate(_subject: Subject, value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_DOWN)


def _round_twice(_subject: Subject, value: Decimal, step: Decimal) -> Decimal:
    return _round(_round(value, step / 10), step)


def _repeat_x4(subject: Subject, _value: Decimal, step: Decimal) -> Decimal:
    cost = subject.at(4).cost
    return _round(_in_unit(cost.multi_adds_paper, "multi_adds_g"), step)


_TRUNCATED = Misprint("printed truncated, where the table rounds", _truncate)
_ROUNDED_TWICE = Misprint(
    "one of the six passes of the output layer is counted, and the result rounded twice",
    _round_twice,
)
_MISPRINTS: dict[tuple[str, int, Metric], Misprint] = {
    ("awsrn_m", 2, "params_k"): _TRUNCATED,
    ("msrn", 3, "params_k"): _TRUNCATED,
    **{("memnet", scale, "multi_adds_g"): _ROUNDED_TWICE for scale in (2, 3, 4)},
    ("fsrcnn", 8, "multi_adds_g"): Misprint("the x4 figure is printed again", _repeat_x4),
}

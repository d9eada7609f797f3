"""What the page draws as lines: the curves of trainings, and what networks have learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harness.config.ablation import Ablation
from harness.records.belonging import belongs
from harness.records.record import Record
from harness.reports import notes
from harness.reports.figures import curves, learned_weights
from harness.reports.figures.curves import Curves, Points

_DIGITS = 5


def curves_of(ablation: Ablation, stored: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the curves of an ablation, one a group of comparable trainings, for JSON.

    Each row has the mean over its trainings with their range, over steps and over seconds.

    Args:
        ablation: Whose trainings.
        stored: Any records; none without readings is drawn.
    """
    with_readings = [one for one in stored if one.readings.steps]
    if not any(belongs(one, row) for one in with_readings for row in ablation.rows):
        return []
    return [_curve(one) for one in curves.of_ablation(ablation, with_readings)]


def _curve(drawn: Curves) -> dict[str, Any]:
    panels = [{"of": "Loss (grey levels)", "log": True, "rows": _rows(drawn, "")}]
    if drawn.set:
        panels.append(
            {"of": f"PSNR on {drawn.set} (dB)", "log": False, "rows": _rows(drawn, drawn.set)}
        )
    ids = [record.id for row in drawn.rows for record in row.records]
    return {
        "name": drawn.name,
        "panels": panels,
        "caption": curves.caption(drawn),
        "records": ids,
    }


def _rows(drawn: Curves, set_name: str) -> list[dict[str, Any]]:
    rows = []
    for row in drawn.rows:
        read = [
            curves.scores(record, set_name) if set_name else curves.losses(record)
            for record in row.records
        ]
        if points := [one for one in read if one.steps.size]:
            rows.append({"label": row.label, **_line(points)})
    return rows


def _line(points: Sequence[Points]) -> dict[str, Any]:
    over_steps = curves.line(points, over_time=False)
    over_time = curves.line(points, over_time=True)
    return {
        "steps": _numbers(over_steps.x),
        "seconds": _numbers(over_time.x),
        "mean": _numbers(over_steps.mean),
        "low": _numbers(over_steps.low),
        "high": _numbers(over_steps.high),
    }


def _numbers(values: Iterable[float]) -> list[float]:
    """Return numbers in a few digits: the last bits differ between processors."""
    return [float(f"{value:.{_DIGITS}g}") for value in values]


def learned(stored: Iterable[Record]) -> list[dict[str, Any]]:
    """Return the learned weights of every trained network, by depth and by branch, for JSON.

    Raises:
        RecordError: Records of one group were scored by different protocols.
    """
    return [_learned(one.name, one.records) for one in learned_weights.networks(stored)]


def _learned(name: str, records: Sequence[Record]) -> dict[str, Any]:
    first = records[0]
    scalars = [record.learned for record in records]
    panels = [
        {"of": of, "res": [_numbers(res) for res, _ in lines], "x": [_numbers(x) for _, x in lines]}
        for of, lines in (
            ("residual unit", [(one.lambda_res, one.lambda_x) for one in scalars]),
            ("fusion unit", [(one.lfb_lambda_res, one.lfb_lambda_x) for one in scalars]),
        )
        if lines[0][0]
    ]
    sizes = list(scalars[0].alpha)
    return {
        "name": name,
        "title": f"{first.label}, x{first.scale}, {first.steps:,} steps on "
        f"{notes.train_name(first)}",
        "panels": panels,
        "branches": [f"{size}x{size}" for size in sizes],
        "alpha": [_numbers(one.alpha[size] for size in sizes) for one in scalars],
        "seeds": [record.seed for record in records],
        "records": [record.id for record in records],
    }

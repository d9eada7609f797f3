"""Texts that list things: networks, settings, the cells of a plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness.config import settings as config

if TYPE_CHECKING:
    from harness.experiment.plan import Plan
    from harness.experiment.run import Status


def models() -> list[dict[str, Any]]:
    """Return every network: id, label, scales, source, and parameters by scale."""
    import torch

    from harness.models import registry

    rows = []
    for variant in registry.VARIANTS:
        with torch.device("meta"):
            params = {
                f"x{scale}": sum(
                    weight.numel() for weight in variant.build(scale=scale).parameters()
                )
                for scale in variant.scales
            }
        rows.append(
            {
                "id": variant.id,
                "label": variant.label,
                "scales": list(variant.scales),
                "source": variant.source,
                "params": params,
            }
        )
    return rows


def render(form: str) -> str:
    """Return the networks as a ``table`` or as ``json``."""
    rows = models()
    if form == "json":
        return json.dumps(rows, indent=1)
    scales = sorted({scale for row in rows for scale in row["scales"]})
    head = ["id", "label", "scales", "source", *(f"params x{scale}" for scale in scales)]
    body = [
        [
            row["id"],
            row["label"],
            ",".join(map(str, row["scales"])),
            row["source"],
            *(_thousands(row["params"].get(f"x{scale}")) for scale in scales),
        ]
        for row in rows
    ]
    return columns([head, *body], right=range(4, len(head)))


def settings_text() -> str:
    """Return every setting with its default and meaning, then what each profile sets."""
    known = config.settings()
    rows = [[setting.key, _value(setting.default), _meaning(setting)] for setting in known.values()]
    parts = [columns([["key", "default", "meaning"], *rows])]
    for name, values in config.PROFILES.items():
        chosen = " ".join(f"{key}={_value(value)}" for key, value in values.items())
        parts.append(f"profile={name}: {chosen}")
    return "\n\n".join(parts)


def plan_text(plan: Plan, statuses: Sequence[Status]) -> str:
    """Return what a run would do: its cells, their cost, what is done already."""
    from harness.data.catalogue import lr_text

    settings = plan.config
    train = settings.train
    head = ["row", "model", "scale", "seed", "steps", "params", "training Multi-Adds", "state"]
    body = []
    left = 0
    for status in statuses:
        cell = status.cell
        trains = cell.trained and not status.shared
        cost = plan.training_multi_adds(cell) if trains else 0
        left += cost if status.to_train else 0
        body.append(
            [
                cell.row.label,
                cell.row.model,
                f"x{cell.scale}",
                str(cell.seed) if cell.trained else "-",
                f"{train.steps:,}" if trains else "-",
                f"{cell.cost.params:,}",
                f"{cost / 1e12:,.1f} T" if trains else "-",
                status.state,
            ]
        )
    shared = any(status.shared for status in statuses)
    note = ["rows without steps take the weights of an earlier row of their seed"] if shared else []
    scale = settings.scale[0]
    tests = ", ".join(f"{test.name} ({test.lr_text})" for test in plan.tests[scale])
    source = f" ({lr_text(plan.train[scale])})" if scale in plan.train else ""
    lines = [
        columns([head, *body], right=(2, 3, 4, 5, 6)),
        "",
        f"profile {settings.profile} ({plan.why})",
        f"train on {settings.data.train}{source}: batch {train.batch}, LR patch {train.patch}, "
        f"{train.schedule} schedule, lr {train.lr:g}, {settings.precision}, {settings.device}, "
        f"{settings.threads} threads",
        *note,
        f"score on {tests}",
        f"training Multi-Adds still to do: at most {left / 1e12:,.1f} T "
        "(forward, and twice that backward)",
    ]
    return "\n".join(lines)


def columns(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return rows of text as aligned columns."""
    to_right = set(right)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if index in to_right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _thousands(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(setting: config.Setting) -> str:
    choices = ", ".join(map(str, setting.choices))
    return f"{setting.doc} ({choices})" if choices else setting.doc

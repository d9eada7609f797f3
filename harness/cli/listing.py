"""``harness list``: the networks; and the columns of whatever else is listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from harness.host.writing import json_text


@click.command("list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def list_models(*, form: str) -> None:
    """List the networks: id, label, scales, source, parameters.

    The parameters are those at each scale.

    Example: harness list --format json
    """
    click.echo(render(form))


def models() -> list[dict[str, Any]]:
    """Return every network: id, label, scales, source, and parameters by scale.

    Of those of installed packages, which are not imported for this, id and package alone.

    The numbers are the stored counts: building every network to count it takes seconds.

    Raises:
        RecordError: A network is not among the stored counts.
        UsageError: Two networks have one id.
    """
    from harness.models import registry
    from harness.records import counts
    from harness.weights import installed

    own = [
        {
            "id": variant.id,
            "label": variant.label,
            "scales": list(variant.scales),
            "source": variant.source,
            "params": {
                f"x{scale}": counts.of_model(variant.id, scale).params for scale in variant.scales
            },
        }
        for variant in registry.VARIANTS
    ]
    return own + [
        {"id": name, "label": "", "scales": [], "source": f"package {of.origin}", "params": {}}
        for name, of in installed.networks().items()
    ]


def render(form: str) -> str:
    """Return the networks as a ``table`` or as ``json``."""
    rows = models()
    if form == "json":
        return json_text(rows)
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

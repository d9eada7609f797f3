"""``harness list``: the networks, and all that is known of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli import network_card
from harness.cli.output import Output, say, table_options
from harness.errors import UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reports.tables.table import Table

_SCALES = (2, 3, 4, 8)


@click.command("list")
@click.argument("query", required=False, metavar="[ID or TEXT]")
@table_options
def list_models(*, query: str | None, out: Output) -> None:
    """List the networks: id, label, scales, source, parameters.

    Parameters are those at each scale. With TEXT, networks with it in id, label, family or source.
    With an ID, or FILE.py:CLASS, all that is known of one: options and defaults, counts, weights.

    Example: harness list wdsr

    Example: harness list awsrn_s
    """
    if query is not None and _is_name(query):
        network_card.show(query, out)
        if out.for_people and (others := [one["id"] for one in _matching(query)]):
            others = [name for name in others if name != query]
            say(f"\nAlso with '{query}': {', '.join(others)}", lines=len(others))
        return
    rows = models() if query is None else _matching(query)
    if not rows:
        known = [text for one in models() for text in (one["id"], one["label"], _family(one["id"]))]
        hint = suggest(query or "", filter(None, known), listing=False)
        raise UsageError(f"no network has '{query}' in its id, label, family or source{hint}")
    out.show(_table(rows), json=lambda: rows)


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


def _is_name(query: str) -> bool:
    from harness.models import registry
    from harness.weights import installed

    return ":" in query or query in registry.names() or query in installed.networks()


def _family(model: str) -> str:
    from harness.models import registry

    return network_card.family(registry.get(model)) if model in registry.names() else ""


def _matching(text: str) -> list[dict[str, Any]]:
    """Return the networks with a text in id, label, family or source, in any case of letters."""
    wanted = text.lower()
    return [
        one
        for one in models()
        if any(
            wanted in part.lower()
            for part in (one["id"], one["label"], one["source"], _family(one["id"]))
        )
    ]


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    from harness.reports.tables.table import Column, simple

    scales = [scale for scale in _SCALES if any(scale in row["scales"] for row in rows)]
    numbers = [
        Column(f"params_x{scale}", f"params x{scale}", "count", drop=drop)
        for scale, drop in zip(scales, _drops(scales), strict=True)
    ]
    columns = (
        Column("id", "id"),
        Column("label", "label", drop=0),
        Column("scales", "scales", drop=1),
        Column("source", "source", drop=3),
        *numbers,
    )
    body = (
        (
            row["id"],
            row["label"],
            ",".join(map(str, row["scales"])),
            row["source"],
            *(row["params"].get(f"x{scale}") for scale in scales),
        )
        for row in rows
    )
    return simple("networks", "", columns, body)


def _drops(scales: Sequence[int]) -> list[int]:
    return [{2: 1, 4: 2, 3: 4, 8: 5}[scale] for scale in scales]

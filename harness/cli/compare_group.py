"""``harness compare --group``: one's own rows beside those that the paper compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.evaluation.contenders import Request
    from harness.reports.tables.table import Table


def table(name: str, rows: Sequence[str], request: Request) -> Table:
    """Return the table of a group of published networks, and of the rows that are named.

    Args:
        name: Of the group.
        rows: As :func:`harness.evaluation.compare.collect` reads them; none for the group alone.
        request: How to score, and where records lie.

    Raises:
        UsageError: There is no such group, or no scale, or a row cannot be read so.
        HarnessError: A row cannot be read or scored.
    """
    from harness.evaluation.compare import collect
    from harness.records import published_groups
    from harness.reports.tables.peers import build

    group = published_groups.find(name)
    ours, sets = collect(rows, request, fewest=1) if rows else ([], request.sets)
    scale = ours[0].scale if ours else request.scale
    if scale is None:
        raise UsageError("say by --scale at which upscaling factor, or name rows of yours")
    return build(group, scale, ours, sets)

"""Collect the networks that are to be compared, and refuse those that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from harness.errors import UsageError
from harness.evaluation import contenders
from harness.evaluation.contenders import Contender, Request
from harness.records.means import same_images, shared_sets
from harness.weights import pretrained


def collect(
    names: Sequence[str], request: Request, *, fewest: int = 2
) -> tuple[list[Contender], tuple[str, ...]]:
    """Return the networks that are named, and the sets that all of them were scored on.

    Args:
        names: Records as :func:`harness.evaluation.contenders.stored` reads them; or
            ``ID=FILE``, weights to be scored now, or the id of a network without weights.
        request: How to score, and where records lie.
        fewest: Rows that there must be.

    Returns:
        The rows in the order of their names, the first of them the base, and the sets.

    Raises:
        UsageError: There are too few rows, a name means nothing, or rows differ in
            scale, protocol or images.
        HarnessError: A record or weights cannot be read, or cannot be scored.
    """
    if len(names) < fewest:
        raise UsageError("expected two rows to compare or more, such as imdn=A.pth carn=B.pth")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"'{twice}' is named twice")
    recorded: dict[str, Contender] = {}
    to_score = []
    now = bool(request.scale and request.sets)
    for name in names:
        if "=" in name or (now and contenders.needs_no_weights(name, request.scale or 0)):
            to_score.append(name)
        elif contender := contenders.stored(name, request):
            recorded[name] = contender
        elif now and pretrained.find(name, request.scale or 0):
            to_score.append(name)
        else:
            raise contenders.unknown(name, request.results)
    if not to_score and (request.fused or request.precision != "fp32"):
        raise UsageError(
            "--fused and --precision are for weights that are scored now, and all rows are records"
        )
    _check(list(recorded.values()), request, scores_now=to_score)
    scored = contenders.weights(to_score, request) if to_score else {}
    rows = _told_apart([(recorded | scored)[name] for name in names])
    return rows, _common_sets(rows, request)


def _check(recorded: Sequence[Contender], request: Request, *, scores_now: Sequence[str]) -> None:
    """Refuse rows of different scales or protocols, before anything is scored.

    Raises:
        UsageError: There are such.
    """
    scales = [(row.name, row.scale) for row in recorded]
    protocols = [(row.name, protocol) for row in recorded for protocol in row.protocols]
    if request.scale is not None:
        scales += [("--scale", request.scale)]
    protocols += [(name, request.protocol) for name in scores_now]
    for (name, scale), (other, other_scale) in pairwise(scales):
        if scale != other_scale:
            raise UsageError(f"'{name}' is x{scale}, '{other}' x{other_scale}: expected one scale")
    for (name, protocol), (other, other_protocol) in pairwise(protocols):
        if protocol != other_protocol:
            raise UsageError(
                f"'{name}' is scored by protocol {protocol}, '{other}' by {other_protocol}: "
                "scores of two protocols are not comparable"
            )
    for row in recorded:
        for set_name in request.sets if not scores_now else ():
            if set_name not in row.scores:
                raise UsageError(f"'{row.name}' has no score on {set_name}")


def _common_sets(rows: Sequence[Contender], request: Request) -> tuple[str, ...]:
    """Return the sets that all rows were scored on; those asked for, where all have them.

    Raises:
        UsageError: There is none, or a set has other pixels in another row.
    """
    shared = shared_sets([scores.values() for row in rows for scores in row.runs.scores])
    asked = tuple(dict.fromkeys(request.sets))
    common = asked if asked and all(name in shared for name in asked) else tuple(shared)
    if not common:
        listed = "; ".join(f"'{row.name}' {', '.join(row.scores) or 'none'}" for row in rows)
        raise UsageError(f"the rows have no test set in common: {listed}")
    for name in common:
        if not shared[name]:
            first, other = rows[0], _on_other_images(rows, name)
            raise UsageError(
                f"'{first.name}' and '{other.name}' were scored on different images of {name} "
                "(the digests of their pixels differ)"
            )
    return common


def _on_other_images(rows: Sequence[Contender], name: str) -> Contender:
    """Return the first row whose images of a set differ from those of the base row."""
    first = rows[0].runs.scores[0][name]
    return next(
        row
        for row in rows
        if not all(same_images(scores[name], first) for scores in row.runs.scores)
    )


def _told_apart(rows: Sequence[Contender]) -> list[Contender]:
    """Return the rows; rows that share a label are labelled with the names that the user gave."""
    labels = [row.runs.label for row in rows]
    return [
        replace(row, runs=replace(row.runs, label=row.name))
        if labels.count(row.runs.label) > 1
        else row
        for row in rows
    ]

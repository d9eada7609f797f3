"""Any networks beside each other: what each costs, how well it does, and whether they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean

from harness.errors import UsageError
from harness.evaluation import contenders
from harness.evaluation.contenders import Request, Rival
from harness.reports.notes import lr_text
from harness.reports.tables import intervals
from harness.reports.tables.table import Cell, Column, Table, TableRow
from harness.statistics import estimates
from harness.statistics.estimates import Runs
from harness.weights import pretrained

_Field = tuple[Column, Callable[[Rival], Cell]]


def compare(names: Sequence[str], request: Request) -> Table:
    """Return the table of the rows that are named, the first of them the base.

    Args:
        names: Records as :func:`harness.evaluation.contenders.stored` reads them; or
            ``ID=FILE``, weights to be scored now, or the id of a network without weights.
        request: How to score, and where records lie.

    Raises:
        UsageError: There are fewer than two rows, a name means nothing, or rows differ in
            scale, protocol or images.
        HarnessError: A record or weights cannot be read, or cannot be scored.
    """
    if len(names) < 2:
        raise UsageError("expected two rows to compare or more, such as imdn=A.pth carn=B.pth")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"'{twice}' is named twice")
    known: dict[str, Rival] = {}
    to_score = []
    now = bool(request.scale and request.sets)
    for name in names:
        if "=" in name or (now and contenders.needs_no_weights(name, request.scale or 0)):
            to_score.append(name)
        elif found := contenders.stored(name, request):
            known[name] = found
        elif now and pretrained.find(name, request.scale or 0):
            to_score.append(name)
        else:
            raise contenders.unknown(name, request.results)
    _check(list(known.values()), request, scores_now=to_score)
    known |= contenders.weights(to_score, request) if to_score else {}
    rows = _told_apart([known[name] for name in names])
    return _table(rows, _common_sets(rows, request))


def _check(known: Sequence[Rival], request: Request, *, scores_now: Sequence[str]) -> None:
    """Refuse rows of different scales or protocols, before anything is scored.

    Raises:
        UsageError: There are such.
    """
    scales = [(each.name, each.scale) for each in known]
    protocols = [(each.name, protocol) for each in known for protocol in each.protocols]
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
    for each in known:
        for wanted in request.sets if not scores_now else ():
            if any(wanted not in scores for scores in each.runs.scores):
                raise UsageError(f"'{each.name}' has no score on {wanted}")


def _common_sets(rows: Sequence[Rival], request: Request) -> tuple[str, ...]:
    """Return the sets that all rows were scored on.

    Raises:
        UsageError: There is none, or a set has other pixels in another row.
    """
    runs = [(row.name, scores) for row in rows for scores in row.runs.scores]
    first_name, first = runs[0]
    common = [name for name in first if all(name in scores for _, scores in runs)]
    if request.sets and all(name in common for name in request.sets):
        common = list(dict.fromkeys(request.sets))
    if not common:
        found = "; ".join(f"'{name}' {', '.join(scores) or 'none'}" for name, scores in runs)
        raise UsageError(f"the rows have no test set in common: {found}")
    for name in common:
        for other, scores in runs:
            if scores[name].sha256 != first[name].sha256:
                raise UsageError(
                    f"'{first_name}' and '{other}' were scored on different images of {name} "
                    "(the digests of their pixels differ)"
                )
    return tuple(common)


def _told_apart(rows: Sequence[Rival]) -> list[Rival]:
    """Return the rows, those that share a label called what the user calls them."""
    labels = [row.runs.label for row in rows]
    return [
        replace(row, runs=replace(row.runs, label=row.name))
        if labels.count(row.runs.label) > 1
        else row
        for row in rows
    ]


def _table(rows: Sequence[Rival], sets: Sequence[str]) -> Table:
    base = rows[0]
    known = estimates.of_runs([row.runs for row in rows], base.runs.label, sets)
    fields = _fields(rows, sets, known)
    protocol = base.protocols[0]
    lr = lr_text(scores[name] for row in rows for scores in row.runs.scores for name in sets)
    return Table(
        name="compare",
        title=f"Comparison with {base.runs.label}, x{base.scale}",
        columns=tuple(column for column, _ in fields),
        rows=tuple(TableRow(tuple(value(row) for _, value in fields)) for row in rows),
        notes=(
            *(f"{row.runs.label}: {row.origin}." for row in rows),
            f"Scores: protocol {protocol}; {lr}; mean = plain mean of the set means over "
            f"{', '.join(sets)}.",
            *_warnings(rows, sets),
            *intervals.notes(known),
        ),
    )


def _fields(
    rows: Sequence[Rival], sets: Sequence[str], known: Sequence[estimates.Inference]
) -> list[_Field]:
    base = _mean(rows[0].runs, sets)
    fields: list[_Field] = [
        (Column("label", "Network"), lambda row: row.runs.label),
        (Column("params", "Params", "count"), lambda row: row.params),
        (Column("multi_adds", "Multi-Adds\n(G)", "giga"), lambda row: row.multi_adds),
    ]
    if any(row.activations is not None for row in rows):
        column = Column("activations", "Activations\n(M)", "mega")
        fields.append((column, lambda row: row.activations))
    for name in sets:
        fields += _set_fields(name)
    spread, interval, hidden = map(_by_label, intervals.fields(known, prefix=""))
    several = any(len(row.runs.seeds) > 1 for row in rows)
    difference = intervals.difference(known, prefix="")
    return [
        *fields,
        (Column("mean_psnr_db", "Mean\nPSNR", "psnr"), lambda row: _mean(row.runs, sets)),
        *(spread if several else ()),
        (difference, lambda row: _mean(row.runs, sets) - base),
        *interval,
        *hidden,
        (
            Column("seeds", printed=False),
            lambda row: ", ".join(str(seed) for seed in row.runs.seeds if seed is not None),
        ),
        (Column("origin", printed=False), lambda row: row.origin),
    ]


def _set_fields(name: str) -> list[_Field]:
    """Return PSNR and SSIM of one set, the mean over the trainings."""
    psnr = Column(f"{name}_psnr_db", f"{name}\nPSNR/SSIM", "psnr")
    ssim = Column(f"{name}_ssim", kind="ssim", joined=True)
    return [
        (psnr, lambda row: fmean(scores[name].psnr_db for scores in row.runs.scores)),
        (ssim, lambda row: fmean(scores[name].ssim for scores in row.runs.scores)),
    ]


def _by_label(fields: Sequence[intervals.Field]) -> list[_Field]:
    def cell(value: Callable[[str], Cell]) -> Callable[[Rival], Cell]:
        return lambda row: value(row.runs.label)

    return [(column, cell(value)) for column, value in fields]


def _mean(runs: Runs, sets: Sequence[str]) -> float:
    """Return the plain mean of the set means, over the trainings."""
    return fmean(fmean(scores[name].psnr_db for scores in runs.scores) for name in sets)


def _warnings(rows: Sequence[Rival], sets: Sequence[str]) -> list[str]:
    """Return what speaks against reading the difference as that of the networks alone."""
    trained = [row for row in rows if row.runs.learned]
    scored = dict.fromkeys(name for row in rows for one in row.runs.scores for name in one)
    left_out = [name for name in scored if name not in sets]
    found = []
    if len({row.group for row in trained}) > 1 or any(not row.group for row in trained):
        found.append(
            "The rows were not all trained alike: a difference is that of the trained weights, "
            "not of the networks alone."
        )
    if left_out:
        found.append(
            f"Left out, as not every row has them or was asked for: {', '.join(left_out)}."
        )
    return found

"""``harness status``: how far the runs of an ablation are, wherever they run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.ablation_options import ablations_argument
from harness.cli.options import results_root_only
from harness.cli.output import Output, table_options
from harness.errors import UsageError, suggest

if TYPE_CHECKING:
    from harness.records.plans import Standing, StoredPlan
    from harness.reports.tables.table import Table

_SHORTEST_S, _LONGEST_S = 0.1, 86_400.0
_STATES = ("done", "running", "failed", "lost", "missing")


@click.command()
@ablations_argument(metavar="[ABLATION]")
@results_root_only
@click.option("--watch", is_flag=True, help="Print it again every few seconds, until all is done.")
@click.option("--every", default=5.0, show_default=True, help="Seconds between two, with --watch.")
@table_options
def status(
    *, ablations: Sequence[str], results: Path, watch: bool, every: float, out: Output
) -> None:
    """Say how far the runs of an ablation are.

    Each is done, running, failed, lost or missing. Of the latest run of an ablation, or of every
    ablation that was run. Works on any machine that sees the results root, and needs neither
    PyTorch nor the images. A run is lost where the process that ran it has stopped: the same
    `harness run` goes on with it.

    Example: harness status awru
    """
    name = _name(ablations)
    if not _SHORTEST_S <= every <= _LONGEST_S:  # NaN is in no range either
        raise UsageError(
            f"--every {every:g}: expected {_SHORTEST_S:g} to {_LONGEST_S:,.0f} seconds"
        )
    while True:
        plans = _plans(results, name)
        if not _report(results, plans, out) or not watch:
            return
        time.sleep(every)


def _name(ablations: Sequence[str]) -> str | None:
    """Return the name of the ablation that is asked for; None for all."""
    if not ablations:
        return None
    if len(ablations) > 1:
        raise UsageError(f"expected one ablation, not '{' '.join(ablations)}'")
    (name,) = ablations
    return Path(name).stem if name.endswith((".yaml", ".yml")) else name


def _plans(results: Path, name: str | None) -> list[StoredPlan]:
    """Return the latest plan of the ablation, or of each."""
    from harness.records import plans

    latest: dict[str, StoredPlan] = {}
    for plan in plans.load_all(results):
        latest.setdefault(plan.ablation, plan)
    if not latest:
        raise UsageError(f"nothing was run below '{plans.folder(results)}'")
    if name is None:
        return list(latest.values())
    if name not in latest:
        raise UsageError(f"'{name}' was not run here{suggest(name, latest)}")
    return [latest[name]]


def _report(results: Path, found: Iterable[StoredPlan], out: Output) -> bool:
    """Print how far plans are, and return whether anything is left to do."""
    from harness.records import plans

    standings = {plan.ablation: list(plans.standings(results, plan)) for plan in found}
    out.show(
        *(_table(name, all_) for name, all_ in standings.items()),
        json=lambda: {name: [_plain(one) for one in all_] for name, all_ in standings.items()},
    )
    return any(one.state in ("running", "missing") for all_ in standings.values() for one in all_)


def _plain(standing: Standing) -> dict[str, Any]:
    plain = asdict(standing)
    return {**plain.pop("cell"), **plain}


def _table(name: str, standings: Sequence[Standing]) -> Table:
    from harness.reports.tables.table import Column, simple

    counts = Counter[str](one.state for one in standings)
    summary = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
    columns = (
        Column("row", "row"),
        Column("model", "model", drop=3),
        Column("scale", "scale", "count", drop=0),
        Column("seed", "seed", "count", drop=0),
        Column("state", "state", drop=0),
        Column("said", "", drop=1),
    )
    body = (
        (
            one.cell.label,
            one.cell.model,
            one.cell.scale,
            "-" if one.cell.seed is None else one.cell.seed,
            one.state,
            _said(one),
        )
        for one in standings
    )
    return simple(f"{name}_status", f"{name}: {summary}", columns, body)


def _said(one: Standing) -> str:
    """Return why it failed, or where it runs and how far it is."""
    from harness.host.bars import duration

    lease = one.lease
    if lease is None:
        return one.why
    steps = f"step {lease.step:,} of {lease.steps:,}" if lease.steps else ""
    running = one.state == "running" and lease.left_s is not None
    left = f"{duration(lease.left_s or 0)} left" if running else ""
    return ", ".join(filter(None, [lease.host, f"since {lease.since}", steps, left]))

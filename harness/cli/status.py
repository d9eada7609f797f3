"""``harness status``: how far the cells of a run are, wherever they run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import completion
from harness.cli.ablation_options import only_names
from harness.cli.listing import columns
from harness.cli.options import results_root_only
from harness.errors import UsageError, suggest

if TYPE_CHECKING:
    from harness.records.plans import Standing, StoredPlan

_SHORTEST_S, _LONGEST_S = 0.1, 86_400.0
_STATES = ("done", "running", "failed", "lost", "missing")


@click.command()
@click.argument(
    "ablations",
    nargs=-1,
    metavar="[ABLATION]",
    callback=only_names,
    shell_complete=completion.ablations,
)
@results_root_only
@click.option("--watch", is_flag=True, help="Print it again every few seconds, until all is done.")
@click.option("--every", default=5.0, show_default=True, help="Seconds between two, with --watch.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def status(
    *, ablations: Sequence[str], results: Path, watch: bool, every: float, form: str
) -> None:
    """Say how far the runs of an ablation are.

    Each is done, running, failed, lost or missing. Of the latest run of an ablation, or of every
    ablation that was run. Works on any machine that sees the results root, and needs neither
    PyTorch nor the images. A cell is lost where the process that ran it has stopped: the same
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
        text, left = _report(results, plans, form)
        click.echo(text)
        if not watch or not left:
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


def _report(results: Path, found: Iterable[StoredPlan], form: str) -> tuple[str, bool]:
    """Return the text, and whether anything is left to do."""
    from harness.host.writing import json_text
    from harness.records import plans

    standings = {plan.ablation: list(plans.standings(results, plan)) for plan in found}
    left = any(one.state in ("running", "missing") for all_ in standings.values() for one in all_)
    if form == "json":
        return json_text(
            {name: [_plain(one) for one in all_] for name, all_ in standings.items()}
        ), left
    return "\n\n".join(_table(name, all_) for name, all_ in standings.items()), left


def _plain(standing: Standing) -> dict[str, Any]:
    plain = asdict(standing)
    return {**plain.pop("cell"), **plain}


def _table(name: str, standings: Sequence[Standing]) -> str:
    from harness.host.progress import duration

    body = []
    for one in standings:
        cell, lease = one.cell, one.lease
        said = one.why
        if lease is not None:
            steps = f"step {lease.step:,} of {lease.steps:,}" if lease.steps else ""
            left = "" if lease.left_s is None else f"{duration(lease.left_s)} left"
            parts = [
                lease.host,
                f"since {lease.since}",
                steps,
                left if one.state == "running" else "",
            ]
            said = ", ".join(filter(None, parts))
        seed = "-" if cell.seed is None else str(cell.seed)
        body.append([cell.label, cell.model, f"x{cell.scale}", seed, one.state, said])
    counts = Counter[str](one.state for one in standings)
    summary = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
    head = ["row", "model", "scale", "seed", "state", ""]
    return f"{name}: {summary}\n{columns([head, *body], right=(2, 3))}"

"""``harness prune``: remove the branches and units that a network needs least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import DATA_ROOT, DEVICE, KEY, LR, PROTOCOL, SCALE
from harness.cli.output import Output, format_option, say
from harness.cli.set_options import SetsCommand, set_option, sets_option
from harness.config import paper

if TYPE_CHECKING:
    from harness.deploy.prune import PruneResult
    from harness.deploy.prune_search import What
    from harness.host.device import DeviceChoice
    from harness.reports.tables.table import Table, TableCell


@click.command("prune", cls=SetsCommand)
@click.argument("model", metavar="ID", shell_complete=completion.networks)
@SCALE
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights, as for harness eval (default: those that are bundled); may be pruned already.",
)
@KEY
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The smaller checkpoint, .safetensors.",
)
@click.option(
    "--tolerance-db",
    type=float,
    default=0.02,
    show_default=True,
    help="Loss of mean PSNR on --data that is allowed in all.",
)
@click.option(
    "--what",
    type=click.Choice(["branches", "units", "all"]),
    default="branches",
    show_default=True,
    help="Branches of the reconstruction, residual units, or both.",
)
@set_option("Set to choose on.", "data", default="Set5")
@sets_option("Sets to score before and after, instead of that of --data.", "--report", "report")
@PROTOCOL
@LR
@DATA_ROOT
@DEVICE
@click.option("--force", is_flag=True, help="Replace OUTPUT where it exists.")
@format_option
@network_options("model")
def prune(
    *,
    model: str,
    scale: int,
    checkpoint: Path | None,
    key: str | None,
    output: Path,
    tolerance_db: float,
    what: What,
    data: str,
    report: Sequence[str],
    protocol: str,
    lr: str | None,
    root: Path | None,
    device: DeviceChoice,
    force: bool,
    out: Output,
) -> None:
    """Remove the branches and units that cost the least PSNR.

    As far as a tolerance allows. Every branch or unit is removed alone and the loss measured; the
    least harmful one goes, what is left is measured again, until the loss in all would exceed the
    tolerance. A unit is replaced by the identity. ID is from `harness list`, or FILE.py:CLASS;
    harness eval loads OUTPUT under the same ID.

    Example: harness prune awsrn_s --scale 2 --checkpoint a.safetensors -o b.safetensors
    """
    from harness.deploy.prune import prune

    result = prune(
        model,
        scale=scale,
        checkpoint=checkpoint,
        key=key,
        output=output,
        tolerance_db=tolerance_db,
        what=what,
        data=data,
        report=report,
        protocol=protocol,
        lr=lr,
        root=root,
        device=device,
        force=force,
    )
    removed = ", ".join(loss.candidate.name for loss in result.removed) or "nothing"
    lost = result.removed[-1].loss_db if result.removed else 0.0
    content = {"model": model, "scale": scale, "output": str(output)}
    if out.for_people:
        say(f"{model} x{scale}: removed {removed}; {lost:.4f} dB lost on {result.data}\n")
    out.show(_ranking(result), _states(result), json=lambda: content | asdict(result))
    if out.for_people:
        say(f"\n{output}")


def _ranking(result: PruneResult) -> Table:
    from harness.reports.tables.table import Column, simple

    order = [loss.candidate for loss in result.removed]
    columns = (
        Column("removed", "removed alone"),
        Column("loss_db", "loss (dB)", "weight", drop=0),
        Column("scalar", "alpha/lambda", "weight", drop=1),
        Column("goes_as", "goes as", drop=0),
    )
    rows = (
        (
            loss.candidate.name,
            loss.loss_db,
            "-" if loss.candidate.scalar is None else loss.candidate.scalar,
            str(order.index(loss.candidate) + 1) if loss.candidate in order else "kept",
        )
        for loss in result.ranking
    )
    return simple("ranking", "", columns, rows)


def _states(result: PruneResult) -> Table:
    from harness.records.counts import in_doubt
    from harness.records.means import incomparable_sets
    from harness.reports.tables.table import Column, simple

    before, after = result.before, result.after
    giga = (_giga(before.multi_adds), _giga(after.multi_adds))
    rows = [
        _row("Params", before.params, after.params, ",d", "+,d"),
        _row(f"Multi-Adds (G, {paper.OUTPUT_SIZE})", *giga, ".2f", "+.2f"),
    ]
    notes = []
    for old, new in zip(before.scores, after.scores, strict=True):
        name, alike = f"{old.set} PSNR (dB)", not incomparable_sets([[old], [new]], [old.set])
        rows.append(_row(name, old.psnr_db, new.psnr_db, ".3f", "+.4f" if alike else None))
        if not alike:
            why = "it is infinite on other images, or on all"
            notes.append(f"{old.set}: no change of PSNR: {why}")
        rows.append(_row(f"{old.set} SSIM", old.ssim, new.ssim, ".4f", "+.4f"))
    notes += [
        f"Multi-Adds: {in_doubt(reasons)}"
        for reasons in dict.fromkeys((before.count_doubts, after.count_doubts))
        if reasons
    ]
    columns = (Column("what", ""), *(Column(key, key, "count") for key in _STATES))
    return simple("states", "", columns, rows, notes)


_STATES = ("before", "after", "change")


def _giga(multi_adds: int | None) -> float | None:
    return None if multi_adds is None else multi_adds / 1e9


def _row(
    name: str, before: float | None, after: float | None, form: str, change: str | None
) -> tuple[TableCell, ...]:
    """Return a row; without a form of the change, that is left out."""
    gain = None if before is None or after is None else after - before
    numbers = ((before, form), (after, form), (gain, change))
    shown = ["n/a" if number is None else f"{number:{as_}}" for number, as_ in numbers if as_]
    return (name, *shown, *([] if change else [None]))

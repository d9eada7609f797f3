"""``harness prune``: remove the branches and units that a network needs least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import DATA_ROOT, DEVICE, KEY, LR, PROTOCOL, SCALE
from harness.cli.set_options import SetsCommand, set_option, sets_option
from harness.config import paper
from harness.host.writing import json_text

if TYPE_CHECKING:
    from harness.deploy.prune import PruneResult
    from harness.deploy.prune_search import What
    from harness.host.device import DeviceChoice


@click.command("prune", cls=SetsCommand)
@click.argument("model", metavar="ID", shell_complete=completion.networks)
@SCALE
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights, as for harness eval (default: those that come with the harness); may be "
    "pruned already.",
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
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
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
    form: str,
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
    if form == "json":
        content = {"model": model, "scale": scale, "output": str(output)}
        click.echo(json_text(content | asdict(result)))
        return
    removed = ", ".join(loss.candidate.name for loss in result.removed) or "nothing"
    lost = result.removed[-1].loss_db if result.removed else 0.0
    click.echo(f"{model} x{scale}: removed {removed}; {lost:.4f} dB lost on {result.data}")
    click.echo("\n".join(_ranking(result)))
    click.echo("\n".join(_states(result)))
    click.echo(output)


def _ranking(result: PruneResult) -> Iterator[str]:
    order = [loss.candidate for loss in result.removed]
    yield f"\n{'removed alone':<14} {'loss (dB)':>10} {'alpha/lambda':>13}  goes as"
    for loss in result.ranking:
        candidate = loss.candidate
        scalar = "-" if candidate.scalar is None else f"{candidate.scalar:.4f}"
        goes = str(order.index(candidate) + 1) if candidate in order else "kept"
        yield f"{candidate.name:<14} {loss.loss_db:>10.4f} {scalar:>13}  {goes}"


def _states(result: PruneResult) -> Iterator[str]:
    from harness.records.counts import in_doubt
    from harness.records.means import incomparable_sets

    before, after = result.before, result.after
    yield f"\n{'':<24} {'before':>14} {'after':>14} {'change':>14}"
    yield _row("Params", before.params, after.params, ",d", "+,d")
    giga = (_giga(before.multi_adds), _giga(after.multi_adds))
    yield _row(f"Multi-Adds (G, {paper.OUTPUT_SIZE})", *giga, ".2f", "+.2f")
    for old, new in zip(before.scores, after.scores, strict=True):
        name, alike = f"{old.set} PSNR (dB)", not incomparable_sets([[old], [new]], [old.set])
        yield _row(name, old.psnr_db, new.psnr_db, ".3f", "+.4f" if alike else None)
        if not alike:
            yield f"  {old.set}: no change of PSNR: it is infinite on other images, or on all"
        yield _row(f"{old.set} SSIM", old.ssim, new.ssim, ".4f", "+.4f")
    for reasons in dict.fromkeys((before.count_doubts, after.count_doubts)):
        if reasons:
            yield f"Multi-Adds: {in_doubt(reasons)}"


def _giga(multi_adds: int | None) -> float | None:
    return None if multi_adds is None else multi_adds / 1e9


def _row(
    name: str, before: float | None, after: float | None, form: str, change: str | None
) -> str:
    """Return a line; without a form of the change, that is left out."""
    gain = None if before is None or after is None else after - before
    numbers = [(before, form), (after, form)] + ([(gain, change)] if change else [])
    cells = ["n/a" if number is None else f"{number:{as_}}" for number, as_ in numbers]
    return f"{name:<24} " + " ".join(f"{cell:>14}" for cell in cells)

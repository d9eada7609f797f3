"""``harness eval``: score any weights on any sets, by a named protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import (
    DATA_ROOT,
    DEVICE,
    FUSED,
    KEY,
    LR,
    PRECISION,
    PROTOCOL,
    SCALE,
)
from harness.cli.output import Output, table_options
from harness.cli.set_options import SetsCommand, sets_option
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.evaluation.forms import Precision
    from harness.host.device import DeviceChoice
    from harness.records.record import SetScore
    from harness.reports.tables.table import Table, TableCell


def _refuse_sets(context: click.Context, parameter: click.Parameter, words: Sequence[str]) -> None:
    if words:
        raise UsageError(f"'{words[0]}': test sets are named by --data")


@click.command("eval", cls=SetsCommand)
@click.argument("model", metavar="ID", shell_complete=completion.networks)
@click.argument("more", nargs=-1, metavar="", expose_value=False, callback=_refuse_sets)
@SCALE
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights: ours, or public ones as released; see harness checkpoint inspect.",
)
@KEY
@sets_option("Test sets.")
@PROTOCOL
@LR
@DATA_ROOT
@DEVICE
@click.option("--self-ensemble", is_flag=True, help="The mean over 8 flips and turns.")
@FUSED
@PRECISION
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Results root: where records lie; where it is given, the scores are stored, too.",
)
@click.option("--images", is_flag=True, help="Print the scores of each image, too.")
@table_options
@network_options("model")
def evaluate(
    *,
    model: str,
    scale: int,
    checkpoint: Path | None,
    key: str | None,
    sets: tuple[str, ...],
    protocol: str,
    lr: str | None,
    root: Path | None,
    device: DeviceChoice,
    self_ensemble: bool,
    fused: bool,
    precision: Precision,
    results: Path | None,
    images: bool,
    out: Output,
) -> None:
    """Score a network with given weights on test sets.

    ID is from `harness list`, or FILE.py:CLASS. SET is a name below HARNESS_DATA, a
    folder, or sample.

    Example: harness eval imdn --scale 2 --checkpoint IMDN_x2.pth --data Set5 Set14
    """
    from harness.evaluation import scoring
    from harness.evaluation.forms import Form

    form = Form(fused=fused, precision=precision)
    scores = scoring.score(
        model,
        scale=scale,
        checkpoint=checkpoint,
        key=key,
        sets=sets,
        protocol=protocol,
        root=root,
        device=device,
        results=results,
        self_ensemble=self_ensemble,
        lr=lr,
        form=form,
    )
    content = {"model": model, "scale": scale, "protocol": protocol}
    content |= {"form": str(form)} if str(form) else {}
    title = ", ".join(filter(None, (f"{model} x{scale}", f"protocol {protocol}", str(form))))
    out.show(
        _table(title, scores, images=images),
        json=lambda: content | {"scores": [asdict(score) for score in scores]},
    )


def _table(title: str, scores: Sequence[SetScore], *, images: bool) -> Table:
    """Return the scores of sets, and those of their images below each."""
    from harness.reports.tables.table import Column, simple

    columns = (
        Column("set", "Set"),
        Column("image", "Image", printed=images, drop=0),
        Column("psnr_db", "PSNR\n(dB)", "diff", drop=0),
        Column("ssim", "SSIM", "ssim", drop=0),
        Column("lr", "LR", drop=1),
    )
    rows: list[tuple[TableCell, ...]] = []
    for score in scores:
        rows.append((score.set, "mean", score.psnr_db, score.ssim, score.lr_text))
        if images:
            rows += [(score.set, one.name, one.psnr_db, one.ssim, None) for one in score.images]
    return simple("eval", title, columns, rows)

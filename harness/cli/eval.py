"""``harness eval``: score any weights on any sets, by a named protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.network_options import network_options
from harness.cli.options import DATA_ROOT, DEVICE, FUSED, KEY, LR, PRECISION
from harness.cli.output import Output, table_options

if TYPE_CHECKING:
    from harness.evaluation.forms import Precision
    from harness.host.device import DeviceChoice
    from harness.records.record import SetScore
    from harness.reports.tables.table import Table, TableCell


@click.command("eval")
@click.argument("model", metavar="ID")
@click.argument("more", nargs=-1, metavar="[SET]...")
@click.option("--scale", type=int, help="Upscaling factor; not for one's own training.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights: ours, or public ones as released; see harness checkpoint inspect.",
)
@KEY
@click.option("--data", "sets", multiple=True, metavar="SET [SET]...", help="Test sets.")
@click.option("--protocol", default="awsrn", show_default=True, help="How to score; see README.")
@LR
@DATA_ROOT
@DEVICE
@click.option("--self-ensemble", is_flag=True, help="The mean over 8 flips and turns.")
@FUSED
@PRECISION
@click.option(
    "--results", type=click.Path(path_type=Path), help="Results root; stores a record below it."
)
@click.option("--images", is_flag=True, help="Print the scores of each image, too.")
@table_options
@network_options("model")
def evaluate(
    *,
    model: str,
    more: Sequence[str],
    scale: int,
    checkpoint: Path | None,
    key: str | None,
    sets: Sequence[str],
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
        sets=(*sets, *more),
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

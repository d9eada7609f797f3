"""``harness compare``: any networks beside each other, with intervals of their differences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.network_options import network_options
from harness.cli.options import (
    DATA_ROOT,
    DEVICE,
    FUSED,
    KEY,
    LR,
    PRECISION,
    RESULTS_ROOT,
)
from harness.cli.output import Output, table_options

if TYPE_CHECKING:
    from harness.evaluation.forms import Precision
    from harness.host.device import DeviceChoice


class _SeveralSets(click.Command):
    """Reads ``--data A B`` as ``--data A --data B``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words: list[str] = []
        within = False
        for word in args:
            if word.startswith("-"):
                within = False
            elif within and words[-1] != "--data":
                words.append("--data")
            within = within or word == "--data"
            words.append(word)
        return super().parse_args(ctx, words)


@click.command(cls=_SeveralSets)
@click.argument("rows", nargs=-1, metavar="A B [C]...")
@click.option("--scale", type=int, help="Upscaling factor of weights.")
@click.option("--data", "sets", multiple=True, metavar="SET [SET]...", help="Test sets.")
@click.option("--protocol", default="awsrn", show_default=True, help="How to score weights.")
@KEY
@LR
@DATA_ROOT
@RESULTS_ROOT
@DEVICE
@FUSED
@PRECISION
@click.option(
    "--ntire",
    type=int,
    metavar="YEAR",
    help="Score cost as the NTIRE challenge of 2024 or 2026 does, on runtimes measured now.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 99),
    help="Of --ntire: times that every runtime is measured anew (default: 6).",
)
@click.option(
    "--group",
    metavar="GROUP",
    help="Beside the published rows that the paper compares: awsrn_s, awsrn_m or awsrn.",
)
@table_options
@network_options("rows", own_trainings=False)
def compare(
    *,
    rows: Sequence[str],
    scale: int | None,
    sets: Sequence[str],
    protocol: str,
    key: str | None,
    lr: str | None,
    root: Path | None,
    results: Path,
    device: DeviceChoice,
    fused: bool,
    precision: Precision,
    ntire: int | None,
    processes: int | None,
    group: str | None,
    out: Output,
) -> None:
    """Compare two networks or more: cost, scores, differences to the first with intervals.

    Each is ID=FILE, a network with weights to score now (or the ID alone where it has none
    or comes with some); or records: the beginning of ids or a label, which takes all seeds as
    one row, with @STEPS where there are trainings of several lengths; an id; a file. Options
    stand after the rows.

    Example: harness compare wdsr_basic-x2@1500 "AWRU@1500"

    Example: harness compare imdn=imdn_x2.pth carn=carn_x2.pth --scale 2 --data Set5 Set14

    Example: harness compare --group awsrn_s awsrn_s-x2

    Example: harness compare --ntire 2026 imdn
    """
    from harness.cli import compare_cost, compare_group
    from harness.evaluation.compare import collect
    from harness.evaluation.contenders import Request
    from harness.reports.tables.compare import build

    if ntire is not None:
        compare_cost.show(rows, ntire, device, out, scale=scale, processes=processes or 6)
        return
    if processes is not None:
        raise click.UsageError("--processes is for --ntire")
    request = Request(
        scale,
        tuple(sets),
        protocol,
        root,
        device,
        results,
        key=key,
        lr=lr,
        fused=fused,
        precision=precision,
    )
    table = (
        compare_group.table(group, rows, request)
        if group is not None
        else build(*collect(rows, request))
    )
    out.show(table)

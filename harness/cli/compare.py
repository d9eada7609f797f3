"""``harness compare``: any networks beside each other, with intervals of their differences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import FUSED, PRECISION, SCORING
from harness.cli.output import Output, table_options
from harness.cli.set_options import SetsCommand

if TYPE_CHECKING:
    from harness.evaluation.forms import Precision
    from harness.host.device import DeviceChoice


@click.command(cls=SetsCommand)
@click.argument("rows", nargs=-1, metavar="A B [C]...", shell_complete=completion.networks)
@SCORING
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
    shell_complete=completion.groups,
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
    """Compare networks: cost, scores, differences with intervals.

    Two or more; the differences are to the first. Each is ID=FILE, a network with weights to score
    now (or the ID alone where it has none or comes with some); or records: the beginning of ids or
    a label, which takes all seeds as one row, with @STEPS where there are trainings of several
    lengths; an id; a file. Options stand after the rows.

    Example: harness compare wdsr_basic-x2@2500 "AWRU@2500"

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

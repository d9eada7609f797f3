"""``harness protocol``: prove on public weights that scores are what their papers print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import DATA_ROOT, DEVICE, LR, RESULTS_ROOT
from harness.cli.output import say
from harness.cli.set_options import SetsCommand, sets_option
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.host.device import DeviceChoice


@click.command(cls=SetsCommand)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--checkpoints",
    envvar="HARNESS_CHECKPOINTS",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of public weights (HARNESS_CHECKPOINTS).",
)
@sets_option("Test sets (default: all three).")
@LR
@DATA_ROOT
@RESULTS_ROOT
@DEVICE
def protocol(
    *,
    files: Sequence[str],
    checkpoints: Path,
    sets: Sequence[str],
    lr: str | None,
    root: Path | None,
    results: Path,
    device: DeviceChoice,
) -> None:
    """Score public weights by their papers' protocols and by ours.

    FILE is a name in results/published/weights.yaml; without one, all. What is recorded is
    not scored again. `harness tables` makes reports/protocol and reports/table5_rescored of
    the records.

    Example: harness protocol imdn_x2.pth --data Set5
    """
    from harness.evaluation import audit
    from harness.records import released

    if misplaced := [name for name in sets if name in released.by_file()]:
        raise UsageError(f"--data {misplaced[0]}: that is a FILE, and these stand before --data")
    number = audit.run(
        checkpoints,
        root=root,
        results=results,
        files=files,
        sets=sets or released.SETS,
        lr=lr,
        device=device,
    )
    say(f"{number} records: {(results / 'results' / 'runs').resolve()}")

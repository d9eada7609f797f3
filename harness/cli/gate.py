"""``harness gate``: judge a change in CI, by an interval and not by a number."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import completion
from harness.cli.network_options import network_options
from harness.cli.options import SCORING
from harness.cli.output import Output, say, table_options
from harness.cli.plan import finite
from harness.cli.set_options import SetsCommand

if TYPE_CHECKING:
    from harness.host.device import DeviceChoice
    from harness.reports.tables.table import Table
    from harness.statistics.gate import Claim, Judged

log = logging.getLogger(__name__)

EXIT_CODES = {"shown": 0, "cannot tell": 3, "refuted": 4}
"""Beside 1, something failed, and 2, what was asked for cannot be."""

_ANNOTATIONS = {"shown": "notice", "cannot tell": "warning", "refuted": "error"}


@click.command(cls=SetsCommand)
@click.argument("new", shell_complete=completion.networks)
@click.argument("old", shell_complete=completion.networks)
@click.option(
    "--margin",
    type=click.FloatRange(min=0),
    callback=finite,
    default=0.01,
    show_default=True,
    metavar="DB",
    help="Margin of the claim, in dB of mean PSNR.",
)
@click.option(
    "--claim",
    type=click.Choice(["non-inferiority", "improvement", "regression"]),
    default="non-inferiority",
    show_default=True,
    help="NEW is not worse by the margin; better by more than it; worse by more than it.",
)
@click.option(
    "--images-only",
    is_flag=True,
    help="Judge these very weights, over images alone: one training is enough.",
)
@SCORING
@table_options
@network_options("new", own_trainings=False)
@click.pass_context
def gate(
    context: click.Context,
    *,
    new: str,
    old: str,
    margin: float,
    claim: Claim,
    images_only: bool,
    scale: int | None,
    sets: tuple[str, ...],
    protocol: str,
    key: str | None,
    lr: str | None,
    root: Path | None,
    results: Path,
    device: DeviceChoice,
    out: Output,
) -> None:
    """Judge in CI whether NEW holds a claim against OLD.

    Exit code 0: shown, 3: cannot tell, 4: refuted. NEW and OLD are named as for `harness compare`.
    In GitHub's CI the outcome is an annotation, too. A refuted non-inferiority is a regression that
    is shown.

    Example: harness gate AWRU@2500 wdsr_basic-x2@2500 --margin 0.02
    """
    from harness.evaluation.compare import collect
    from harness.evaluation.contenders import Request
    from harness.reports.tables.compare import warnings
    from harness.statistics import estimates
    from harness.statistics.gate import judge

    request = Request(scale, sets, protocol, root, device, results, key=key, lr=lr)
    (before, after), common = collect((old, new), request)
    _, found = estimates.of_runs([before.runs, after.runs], before.runs.label, common)
    judged = judge(
        found,
        after.runs,
        before.runs,
        common,
        claim=claim,
        margin=margin,
        images_only=images_only,
    )
    text = _text(judged, after.runs.label, before.runs.label, common)
    warned = warnings((before, after), common)
    for one in warned:
        log.warning("%s", one.removesuffix("."))
    code = EXIT_CODES[judged.outcome]
    if out.for_people:
        say(text)
    else:
        content = {"new": new, "old": old, "sets": common, "exit_code": code, "warnings": warned}
        out.show(_table(judged, new, old), json=lambda: content | asdict(judged))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(annotation(judged, text), err=True)
    context.exit(code)


def _text(judged: Judged, new: str, old: str, sets: tuple[str, ...]) -> str:
    words = {
        "non-inferiority": f"{new} is not worse than {old} by {judged.margin:g} dB",
        "improvement": f"{new} is better than {old} by more than {judged.margin:g} dB",
        "regression": f"{new} is worse than {old} by more than {judged.margin:g} dB",
    }
    return (
        f"{judged.outcome}: {words[judged.claim]} (mean over {', '.join(sets)}; "
        f"{judged.seeds} {'training' if judged.seeds == 1 else 'trainings'} a row): "
        f"{judged.reason}"
    )


def _table(judged: Judged, new: str, old: str) -> Table:
    from harness.reports.tables.table import Column, simple

    columns = (
        Column("new", "New"),
        Column("old", "Old"),
        Column("claim", "Claim"),
        Column("margin_db", "Margin\n(dB)", "diff"),
        Column("outcome", "Outcome"),
        Column("diff_db", "Difference\n(dB)", "diff", signed=True),
        Column("diff_low_db", "Interval\n(dB)", "diff", signed=True, form="[{}"),
        Column("diff_high_db", kind="diff", signed=True, joined=True, between=", ", form="{}]"),
        Column("trainings", "Trainings\na row", "count"),
        Column("needed", "Seeds that\nwould tell", "count"),
    )
    cells = (
        new,
        old,
        judged.claim,
        judged.margin,
        judged.outcome,
        judged.diff,
        judged.low,
        judged.high,
        judged.seeds,
        judged.needed,
    )
    return simple("gate", "", columns, [cells], [f"{judged.reason}."])


def annotation(judged: Judged, text: str) -> str:
    """Return the outcome as a command of GitHub's runner, special characters escaped.

    Example:
        ::warning title=harness gate, improvement::cannot tell: .. 97.5 %25 ..
    """
    for mark, escape in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(mark, escape)
    kind = _ANNOTATIONS[judged.outcome]
    if judged.claim == "regression":  # that it is shown is what is bad
        kind = {"notice": "error", "error": "notice"}.get(kind, kind)
    return f"::{kind} title=harness gate, {judged.claim}::{text}"

"""``harness track``: send to MLflow what it missed."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import results_root_only
from harness.cli.output import say


@click.command()
@results_root_only
@click.option("--replay", is_flag=True, required=True, help="Send what MLflow does not have.")
@click.option("--uri", help="Of MLflow (default: MLFLOW_TRACKING_URI, or results/mlflow.db).")
def track(*, results: Path, replay: bool, uri: str | None) -> None:
    """Send to MLflow the records that it does not have.

    For what was trained while MLflow was gone. Nothing is sent twice.

    Example: harness track --replay
    """
    from harness.experiment.replay import replay as send
    from harness.experiment.tracking import default_uri

    found = send(results, uri or default_uri(results))
    for name in found.sent:
        say(f"sent: {name}")
    say(f"{len(found.sent)} sent, {found.known} known before")

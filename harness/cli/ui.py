"""``harness ui``: MLflow's page on what was logged."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import results_root_only


@click.command()
@results_root_only
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Port of the page.")
def ui(*, results: Path, port: int) -> None:
    """Open MLflow's page on what was logged.

    Example: harness ui --port 5001
    """
    from harness.experiment.mlflow_page import serve

    serve(results, port)

"""Serve MLflow's page until it is stopped, and leave none of its processes behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.experiment.mlflow_store import is_installed
from harness.experiment.tracking import database, default_uri

_GRACE_S = 5.0


def serve(results: Path, port: int) -> None:
    """Run MLflow's page on the store of a results root until it is stopped.

    Raises:
        UsageError: Nothing has been logged there.
        HarnessError: The page could not be served, or MLflow is not installed.
    """
    uri = default_uri(results)
    if uri.startswith("sqlite:") and not database(results).is_file():
        raise UsageError(
            f"nothing is logged below '{results}': expected {database(results)}; "
            "run an ablation first, or name its results root by --results"
        )
    if not is_installed():
        raise HarnessError("MLflow is not installed: pip install mlflow shows its page")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    code = run_group([*command, "--host", "127.0.0.1", "--port", str(port)])
    if code > 0:
        raise HarnessError(f"MLflow's page ended with exit code {code}")


def run_group(command: list[str]) -> int:
    """Run a command with all that it starts; end all of it where this process is stopped.

    Returns:
        Its exit code.

    Raises:
        KeyboardInterrupt: This process was stopped by Ctrl-C or a signal that counts as that.
    """
    server = subprocess.Popen(command, start_new_session=True)
    try:
        return server.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(server.pid, number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(_GRACE_S)

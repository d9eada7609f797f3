"""Mirror runs to MLflow; the records in results/ stay the truth.

MLflow is imported when a run is first logged, never at start-up. Whatever goes wrong
with it is warned about once, and the run goes on without it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

EXPERIMENT = "awsrn-harness"
_FLUSH_METRICS = 200
_FLUSH_SECONDS = 10.0
# A server that is down must not hold up training; and nothing is reported to anyone.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_KEY = "harness.key"  # tag by which a continued ablation or cell finds its run again


def default_uri(results: Path) -> str:
    """Return ``$MLFLOW_TRACKING_URI``, or an SQLite file below the results root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database(results)}"


def database(results: Path) -> Path:
    """Return the default store's file."""
    return (results / "results" / "mlflow.db").resolve()


@dataclass
class Tracker:
    """Where runs are logged; does nothing when ``uri`` is None.

    A tracker may be pickled: another process gets one that logs to the same store.

    Attributes:
        uri: MLflow tracking URI.
        artifacts: Folder for artifacts of a local store.
    """

    uri: str | None
    artifacts: Path
    _client: MlflowClient | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open connection behind."""
        return {"uri": self.uri, "artifacts": self.artifacts, "_client": None}

    def parent(self, name: str, key: str, config: Mapping[str, Any]) -> str | None:
        """Begin, or go on with, the run of an ablation; returns its id."""
        run: str | None = self._guard(lambda client: self._run(client, name, key, config, {}))
        return run

    def cell(self, name: str, key: str, config: Mapping[str, Any], parent: str | None) -> CellRun:
        """Begin, or go on with, the nested run of a cell."""
        tags = {"mlflow.parentRunId": parent} if parent else {}
        run = self._guard(lambda client: self._run(client, name, key, config, tags))
        return CellRun(self, run)

    def finish(
        self, run: str | None, *, status: str = "FINISHED", artifacts: tuple[Path, ...] = ()
    ) -> None:
        """End a run, attaching files to it."""
        if run is None:
            return

        def end(client: MlflowClient) -> None:
            for path in artifacts:
                client.log_artifact(run, str(path))
            client.set_terminated(run, status=status)

        self._guard(end)

    def _run(
        self,
        client: MlflowClient,
        name: str,
        key: str,
        config: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> str:
        from mlflow.entities import Param

        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            local = self.uri is not None and self.uri.startswith("sqlite:")
            where = self.artifacts.resolve().as_uri() if local else None
            number = client.create_experiment(EXPERIMENT, artifact_location=where)
        else:
            number = experiment.experiment_id
        parent = tags.get("mlflow.parentRunId")
        query = f"tags.`{_KEY}` = '{key}'"
        if parent:
            query += f" AND tags.`mlflow.parentRunId` = '{parent}'"
        earlier = client.search_runs([number], query, max_results=1)
        if earlier:
            run = str(earlier[0].info.run_id)
            client.update_run(run, status="RUNNING")
            return run
        created = client.create_run(number, run_name=name, tags={_KEY: key, **tags})
        run = str(created.info.run_id)
        params = [Param(item, value) for item, value in flatten(config).items()]
        client.log_batch(run, params=params)
        client.log_dict(run, dict(config), "config.yaml")
        return run

    def _guard(self, action: Callable[[MlflowClient], Any]) -> Any:
        """Do something with MLflow; on any failure warn and stop tracking."""
        if self.uri is None:
            return None
        try:
            if self._client is None:
                self._client = _connect(self.uri)
            return action(self._client)
        except Exception as error:  # MLflow's stores raise their own and their drivers' errors
            reason = str(error).strip().splitlines() or [type(error).__name__]
            log.warning("MLflow is not used any more in this run: %s", reason[0])
            self.uri = None
            return None


@dataclass
class CellRun:
    """The run of one cell: metrics are collected and sent in batches."""

    tracker: Tracker
    run: str | None
    _waiting: list[tuple[str, float, int]] = field(default_factory=list, repr=False)
    _sent: float = field(default_factory=time.monotonic, repr=False)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Note metrics of a step."""
        self._waiting += [(name, value, step) for name, value in metrics.items()]
        if len(self._waiting) >= _FLUSH_METRICS or time.monotonic() - self._sent > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what is waiting."""
        waiting, self._waiting, self._sent = self._waiting, [], time.monotonic()
        if self.run is None or not waiting:
            return
        run, now = self.run, int(time.time() * 1000)

        def send(client: MlflowClient) -> None:
            from mlflow.entities import Metric

            metrics = [Metric(name, value, now, step) for name, value, step in waiting]
            client.log_batch(run, metrics=metrics)

        self.tracker._guard(send)

    def finish(
        self,
        metrics: Mapping[str, float],
        *,
        step: int,
        artifacts: tuple[Path, ...] = (),
        status: str = "FINISHED",
    ) -> None:
        """Send final metrics and files, and end the run."""
        self.log(step, metrics)
        self.flush()
        self.tracker.finish(self.run, status=status, artifacts=artifacts)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as text by dotted key, lists joined by commas."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat[prefix + key] = ",".join(map(str, value))
        else:
            flat[prefix + key] = str(value)
    return flat


def _connect(uri: str) -> MlflowClient:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    from mlflow.tracking import MlflowClient

    for noisy in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri)


def serve(results: Path, port: int) -> None:
    """Run MLflow's page on the store of a results root until it is stopped.

    Raises:
        UsageError: Nothing has been logged there.
        HarnessError: The page could not be served.
    """
    uri = default_uri(results)
    if uri.startswith("sqlite:") and not database(results).is_file():
        raise UsageError(
            f"nothing is logged below '{results}': expected {database(results)}; "
            "run an ablation first, or name its results root by --results"
        )
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    with suppress(KeyboardInterrupt):
        done = subprocess.run([*command, "--port", str(port)], check=False)
        if done.returncode > 0:
            raise HarnessError(f"MLflow's page ended with exit code {done.returncode}")

"""Mirror runs to MLflow; the records in results/ stay the truth.

MLflow is imported when a run is first logged, never at start-up. Whatever goes wrong
with it is warned about once, and the run goes on without it.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.file_limits import flat
from harness.experiment.mlflow_store import PROCESS, Store, connect, is_installed
from harness.host import process

log = logging.getLogger(__name__)

_FLUSH_METRICS = 200
_FLUSH_SECONDS = 10.0
_RETRY_S = 0.5
_LONGEST_NAME = 250
_KEY = "harness.key"  # tag by which a continued ablation or cell finds its run again
_TAGS = ("model", "label", "options", "drop", "scale", "seed", "commit")


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
    _store: Store | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open connection behind."""
        return {"uri": self.uri, "artifacts": self.artifacts, "_store": None}

    def parent(self, name: str, key: str, config: Mapping[str, Any]) -> str | None:
        """Begin, or go on with, the run of an ablation; returns its id."""
        run: str | None = self._guard(lambda store: _run(store, name, key, config, {}))
        return run

    def cell(self, name: str, key: str, config: Mapping[str, Any], parent: str | None) -> CellRun:
        """Begin, or go on with, the nested run of a cell."""
        tags = {f"harness.{item}": text_of(config[item]) for item in _TAGS if item in config}
        if parent:
            tags["mlflow.parentRunId"] = parent
        run = self._guard(lambda store: _run(store, name, key, config, tags))
        return CellRun(self, run)

    def finished(self) -> set[str]:
        """Return the keys of all runs that are finished, of whatever ablation."""

        def find(store: Store) -> set[str]:
            query = "attributes.status = 'FINISHED'"
            found, token = set(), None
            while True:
                page = store.client.search_runs([store.experiment], query, page_token=token)
                found |= {str(run.data.tags.get(_KEY, "")) for run in page}
                token = page.token
                if not token:
                    return found

        keys: set[str] | None = self._guard(find)
        return keys or set()

    def finish(
        self, run: str | None, *, status: str = "FINISHED", artifacts: tuple[Path, ...] = ()
    ) -> None:
        """End a run, attaching files to it."""
        if run is None:
            return

        def end(store: Store) -> None:
            for path in artifacts:
                store.client.log_artifact(run, str(path))
            store.client.set_terminated(run, status=status)

        self._guard(end)

    def _guard(self, action: Callable[[Store], Any]) -> Any:
        """Do something with MLflow; where it fails for good, warn and stop tracking.

        A local store may be busy for a moment, so that a second try is worth its while. A
        server gets one: it may hang for a time-out each.
        """
        if self.uri is not None and self._store is None and not is_installed():
            log.warning(
                "MLflow is not installed (pip install mlflow): runs are in results/ only, and "
                "tracking.mlflow=false says nothing of it"
            )
            self.uri = None
        tries = 2 if self.uri and self.uri.startswith("sqlite:") else 1
        while self.uri is not None:
            tries -= 1
            try:
                if self._store is None:
                    self._store = connect(self.uri, self.artifacts)
                return action(self._store)
            except Exception as error:  # MLflow's stores raise their own and their drivers' errors
                if tries:
                    log.debug("MLflow: %s; once more", error)
                    time.sleep(_RETRY_S)
                    continue
                reason = str(error).strip().splitlines() or [type(error).__name__]
                log.warning("MLflow is not used any more in this run: %s", reason[0])
                self.uri = None
        return None


def _run(
    store: Store, name: str, key: str, config: Mapping[str, Any], tags: Mapping[str, str]
) -> str:
    """Return the run of a key, made where there is none."""
    from mlflow.entities import Param

    client, key = store.client, key.replace("'", "_")
    parent = tags.get("mlflow.parentRunId")
    query = f"tags.`{_KEY}` = '{key}'"
    if parent:
        query += f" AND tags.`mlflow.parentRunId` = '{parent}'"
    earlier = client.search_runs([store.experiment], query, max_results=1)
    if earlier:
        run = str(earlier[0].info.run_id)
        client.set_tag(run, PROCESS, process.identity())
        client.update_run(run, status="RUNNING")
        return run
    own = {_KEY: key, PROCESS: process.identity()}
    created = client.create_run(store.experiment, run_name=name, tags=own | dict(tags))
    run = str(created.info.run_id)
    params = [Param(allowed_name(item), text_of(value)) for item, value in flat(config)]
    client.log_batch(run, params=params)
    client.log_dict(run, dict(config), "config.yaml")
    return run


@dataclass
class CellRun:
    """The run of one cell: metrics are collected and sent in batches."""

    tracker: Tracker
    run: str | None
    _waiting: list[tuple[str, float, int, int]] = field(default_factory=list, repr=False)
    _sent: float = field(default_factory=time.monotonic, repr=False)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Note metrics of a step, and when that was."""
        now = int(time.time() * 1000)
        self._waiting += [(name, value, now, step) for name, value in metrics.items()]
        if len(self._waiting) >= _FLUSH_METRICS or time.monotonic() - self._sent > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what is waiting."""
        waiting, self._waiting, self._sent = self._waiting, [], time.monotonic()
        if self.run is None or not waiting:
            return
        run = self.run

        def send(store: Store) -> None:
            from mlflow.entities import Metric

            metrics = [
                Metric(allowed_name(name), value, now, step) for name, value, now, step in waiting
            ]
            store.client.log_batch(run, metrics=metrics)

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


def allowed_name(name: str) -> str:
    """Return a name as MLflow takes it for a metric or parameter.

    Example:
        >>> allowed_name("psnr_db.my set (v2)")
        'psnr_db.my set _v2_'
    """
    plain = re.sub(r"[^/\w.\- ]", "_", name)
    parts = [part if part.strip(".") else "_" for part in plain.split("/")]
    return "/".join(parts)[:_LONGEST_NAME]


def text_of(value: object) -> str:
    """Return a setting as text: lists joined by commas, sections as ``key=value``."""
    if isinstance(value, Mapping):
        return " ".join(f"{key}={text_of(inner)}" for key, inner in flat(value))
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

"""Open an MLflow store, so that several processes may begin at once and none is left broken.

A local store is an SQLite file. MLflow makes its tables in many steps, which two processes must
not do at once, and which leave a file that nobody can use where they are cut short. So a lock is
held meanwhile, and the file is made elsewhere and takes its name when it is whole.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from harness.host import process

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

EXPERIMENT = "awsrn-harness"
PROCESS = "harness.process"  # tag: who writes a run
_SQLITE = "sqlite:///"
_LOCK_S = 120.0
# A server that is down must not hold up training; and nothing is reported to anyone.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True, slots=True)
class Store:
    """An open store.

    Attributes:
        client: Talks to it.
        experiment: Id of the experiment that all runs are in.
    """

    client: MlflowClient
    experiment: str


def is_installed() -> bool:
    """Tell whether MLflow is installed; nothing of it is loaded."""
    return find_spec("mlflow") is not None


def connect(uri: str, artifacts: Path) -> Store:
    """Open a store, made where it is missing; close the runs of processes that were killed.

    Args:
        uri: MLflow tracking URI.
        artifacts: Folder for artifacts of a local store. A broken ``mlflow.db`` beside it, which
            is our own, is moved aside.

    Raises:
        Exception: MLflow and its drivers raise errors of many kinds.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for noisy in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    if not uri.startswith(_SQLITE):
        client = MlflowClient(tracking_uri=uri)
        return _opened(client, None)
    file = Path(uri.removeprefix(_SQLITE)).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=_LOCK_S):
        if file == artifacts.absolute().resolve().parent / "mlflow.db":
            _move_aside_if_broken(file)
        if not file.exists():
            _make(file)
        return _opened(MlflowClient(tracking_uri=uri), artifacts.resolve().as_uri())


def _opened(client: MlflowClient, artifacts: str | None) -> Store:
    store = Store(client, _experiment(client, artifacts))
    _close_ended(store)
    return store


def _experiment(client: MlflowClient, artifacts: str | None) -> str:
    """Return the id of our experiment: made, or restored where somebody deleted it."""
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        try:
            return str(client.create_experiment(EXPERIMENT, artifact_location=artifacts))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(EXPERIMENT)  # another process was faster
            if experiment is None:
                raise
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
        log.warning("MLflow's experiment '%s' was deleted: it is restored", EXPERIMENT)
    return str(experiment.experiment_id)


def _close_ended(store: Store) -> None:
    """Give the runs of processes that ended without a word the status KILLED."""
    running = store.client.search_runs([store.experiment], "attributes.status = 'RUNNING'")
    for run in running:
        if process.has_ended(run.data.tags.get(PROCESS, "")):
            store.client.set_terminated(run.info.run_id, status="KILLED")


def _make(file: Path) -> None:
    """Make a store; its file is there when it is whole."""
    from mlflow.tracking import MlflowClient

    with tempfile.TemporaryDirectory(prefix="mlflow.db.", dir=file.parent) as folder:
        made, whole = Path(folder, "made.db"), Path(folder, "whole.db")
        MlflowClient(tracking_uri=f"{_SQLITE}{made.resolve()}").search_experiments()
        with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(whole)) as target:
            source.backup(target)
        whole.replace(file)


def _move_aside_if_broken(file: Path) -> None:
    """Rename a store that nobody can open, so that a new one can be made."""
    if not file.is_file() or not (fault := _fault(file)):
        return
    number = 1
    while (aside := file.with_name(f"{file.name}.broken{number}")).exists():
        number += 1
    file.replace(aside)
    log.warning("MLflow's store %s is broken (%s): moved to %s", file, fault, aside.name)


def _fault(file: Path) -> str:
    """Return why a store cannot be used; empty where it can, or cannot be read just now."""
    try:
        with closing(sqlite3.connect(file)) as opened:
            found = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {str(name) for (name,) in found}
            versions: list[object] = []
            if "alembic_version" in names:
                versions = opened.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError:  # locked, or not ours to read
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    half_done = names and (len(versions) != 1 or any("_alembic_tmp_" in name for name in names))
    return "its tables were half made" if half_done else ""

"""Tasks of a Ray cluster, one that runs already or one that is started here and ended again."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.experiment.launch.jobs import Job, Outcome, Work, do, missing_extra

log = logging.getLogger(__name__)

_ANSWER_S = 5.0


class RayLauncher:
    """Runs each job as a Ray task."""

    def __init__(
        self,
        *,
        address: str | None = None,
        jobs: int | None = None,
        timeout_s: float | None = None,
        work: Work = do,
    ) -> None:
        """Begin with no cluster.

        Args:
            address: Of the head of a running cluster, or ``auto``; None to start one here.
            jobs: How many tasks run at once at most, where one is started here: its cores are
                ``jobs`` times those of a task. None for all cores of this machine.
            timeout_s: Seconds after which a task is ended; None for no limit.
            work: What runs a job.
        """
        self.address = address
        self.jobs = jobs
        self.timeout_s = timeout_s
        self.work = work

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield every job with what became of it, as soon as that is known.

        Raises:
            HarnessError: There is no Ray here, or no cluster at the address.
        """
        ray = _ray()
        mine = not ray.is_initialized()
        if mine:
            self._connect(ray, jobs[0].plan.config.threads)
        try:
            yield from self._run(ray, jobs)
        finally:
            if mine:
                ray.shutdown()

    def _connect(self, ray: Any, threads: int) -> None:
        if self.address and self.address != "auto":
            _check_answers(self.address)  # Ray itself tries for minutes
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        logging.getLogger("ray").setLevel(logging.ERROR)
        started_here: dict[str, Any] = {
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
            "num_cpus": self.jobs * threads if self.jobs else None,
        }
        try:
            ray.init(
                address=self.address or "local",
                logging_level=logging.WARNING,
                log_to_driver=False,
                **({} if self.address else started_here),
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = f"at '{self.address}'" if self.address else "here"
            why = str(error).strip().splitlines()[:1]
            raise HarnessError(f"there is no Ray cluster {where}: {''.join(why)}") from error

    def _run(self, ray: Any, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
        config = jobs[0].plan.config
        task = ray.remote(
            num_cpus=config.threads,
            num_gpus=config.devices if config.device == "cuda" else 0,
            max_retries=0,  # a job that is lost is tried again as the user has asked
        )(self.work)
        running: dict[Any, Job] = {task.remote(job): job for job in jobs}
        began: dict[Any, float] = {}
        try:
            while running:
                ready, others = ray.wait(list(running), num_returns=1, timeout=1.0)
                for reference in ready:
                    job = running.pop(reference)
                    yield job, self._outcome(ray, reference)
                self._end_late(ray, others, began)
        finally:
            for reference in running:
                ray.cancel(reference)  # as Ctrl-C: a training stores a checkpoint

    def _outcome(self, ray: Any, reference: Any) -> Outcome:
        try:
            outcome: Outcome = ray.get(reference)
        except ray.exceptions.TaskCancelledError:
            return Outcome(lost=f"it took longer than {self.timeout_s:g} s and was ended")
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return Outcome(lost=f"its worker has gone: {lines[0]}")
        return outcome

    def _end_late(self, ray: Any, running: Sequence[Any], began: dict[Any, float]) -> None:
        """End the tasks that take too long; they are counted from when they may have begun."""
        if self.timeout_s is None:
            return
        now = time.monotonic()
        for reference in running:
            if now - began.setdefault(reference, now) > self.timeout_s:
                ray.cancel(reference, force=True)


def _check_answers(address: str) -> None:
    """Refuse an address where nobody listens.

    Raises:
        UsageError: It is not ``HOST:PORT``.
        HarnessError: Nobody listens.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--address: expected HOST:PORT or auto, not '{address}'")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise HarnessError(f"there is no Ray cluster at '{address}': {why}") from error


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise missing_extra("ray") from None
    return ray

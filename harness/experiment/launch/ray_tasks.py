"""Tasks of a Ray cluster, one that runs already or one that is started here and ended again."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.experiment.launch.jobs import GRACE_S, Job, Outcome, Work, do, missing_extra
from harness.host.signals import interruptible

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
        grace_s: float = GRACE_S,
        work: Work = do,
    ) -> None:
        """Begin with no cluster.

        Args:
            address: Of the head of a running cluster, or ``auto``; None to start one here.
            jobs: How many tasks run at once at most, where one is started here: its cores are
                ``jobs`` times those of a task. None for all cores of this machine.
            timeout_s: Seconds after which a task is ended, from when it has begun; None for no
                limit.
            grace_s: Seconds that it then has to store a checkpoint; not more than the limit.
            work: What runs a job.
        """
        self.address = address
        self.jobs = jobs
        self.timeout_s = timeout_s
        self.grace_s = min(grace_s, timeout_s or grace_s)
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
        # At least one task has to fit, however many threads it has: it would wait for ever.
        at_once = self.jobs or max(1, len(os.sched_getaffinity(0)) // threads)
        started_here: dict[str, Any] = {
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
            "num_cpus": at_once * threads,
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
        gpus = config.devices if config.device == "cuda" else 0
        _warn_of_waiting(ray, config.threads, gpus)
        task = ray.remote(
            num_cpus=config.threads,
            num_gpus=gpus,
            num_returns="streaming",
            max_retries=0,  # a job that is lost is tried again as the user has asked
        )(_telling(self.work, self.timeout_s, self.grace_s))
        running: dict[Any, Job] = {task.remote(job): job for job in jobs}
        began: dict[Any, float] = {}
        try:
            while running:
                ready, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
                for answers in ready:
                    said = self._next(ray, answers, began.get(answers))
                    if isinstance(said, Outcome):
                        yield running.pop(answers), said
                    else:
                        began[answers] = time.monotonic()
        finally:
            for answers in running:
                ray.cancel(answers)  # as Ctrl-C: a training stores a checkpoint

    def _next(self, ray: Any, answers: Any, began: float | None) -> Outcome | None:
        """Return what a task says next: that it has begun, which is None, or its outcome."""
        try:
            said: Outcome | None = ray.get(next(answers))
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            said = Outcome(lost=f"its worker has gone: {lines[0]}")
            if began is not None and time.monotonic() - began > (self.timeout_s or math.inf):
                said = _too_long(self.timeout_s)
        return said


def _too_long(timeout_s: float | None) -> Outcome:
    return Outcome(lost=f"it took longer than {timeout_s or 0:g} s and was ended")


def _telling(
    work: Work, timeout_s: float | None, grace_s: float
) -> Callable[[Job], Iterator[Outcome | None]]:
    """Return work that says first that it has begun, and ends its process if it takes too long.

    A task may wait long for its turn, so that nobody else knows when to end it; and Ray cannot end
    by force what it was asked to end as Ctrl-C does.
    """

    def told(job: Job) -> Iterator[Outcome | None]:
        yield None
        ended, late = threading.Event(), threading.Event()

        def watch() -> None:
            if ended.wait(timeout_s):
                return
            late.set()
            os.kill(os.getpid(), signal.SIGUSR1)  # Ray blocks SIGINT
            if not ended.wait(grace_s):
                os._exit(1)

        if timeout_s is not None:
            threading.Thread(target=watch, daemon=True).start()
        try:
            with interruptible():
                outcome = work(job)
        finally:
            ended.set()
        yield _too_long(timeout_s) if late.is_set() and not outcome.good else outcome

    return told


def _warn_of_waiting(ray: Any, threads: int, gpus: int) -> None:
    """Say where no machine of the cluster has what a task needs: it waits until one joins."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(one.get("CPU", 0) >= threads and one.get("GPU", 0) >= gpus for one in nodes):
        log.warning(
            "no machine of the Ray cluster has %d CPUs and %d GPUs: waiting for one "
            "(threads=N and devices=N ask for fewer)",
            threads,
            gpus,
        )


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

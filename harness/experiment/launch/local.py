"""Processes of this machine, kept from job to job, each with its share of the cores or a GPU."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from harness.experiment.launch.jobs import GRACE_S, Job, Outcome, Work, do
from harness.host.logs import log_to_stderr
from harness.host.signals import interruptible

log = logging.getLogger(__name__)

_BEGUN = "begun"


@dataclass
class _Worker:
    """A process, the way to it, and what it does, since when (0 where that has not begun)."""

    process: BaseProcess
    pipe: Connection
    slot: int
    job: Job | None = None
    began: float = 0.0
    late: bool = False


class LocalLauncher:
    """Runs jobs in several processes of this machine."""

    def __init__(
        self,
        workers: int,
        *,
        gpus: Sequence[str] = (),
        timeout_s: float | None = None,
        grace_s: float = GRACE_S,
        work: Work = do,
    ) -> None:
        """Begin with no process.

        Args:
            workers: How many jobs run at once.
            gpus: CUDA devices, which the workers take in turn; none where cells run on the CPU.
            timeout_s: Seconds after which a job is ended; None for no limit.
            grace_s: Seconds that it then has to store a checkpoint; not more than the limit.
            work: What runs a job.
        """
        self.workers = workers
        self.gpus = tuple(gpus)
        self.timeout_s = timeout_s
        self.grace_s = min(grace_s, timeout_s or grace_s)
        self.work = work
        self._context = multiprocessing.get_context("spawn")
        self._running: list[_Worker] = []

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield every job with what became of it, as soon as that is known."""
        waiting = deque(jobs)
        try:
            for slot in range(min(self.workers, len(jobs))):
                self._start(slot, waiting)
            while self._running:
                yield from self._finished(waiting)
        finally:
            self._end()

    def _start(self, slot: int, waiting: deque[Job]) -> None:
        if not waiting:
            return
        here, there = self._context.Pipe()
        gpu = self.gpus[slot % len(self.gpus)] if self.gpus else None
        process = self._context.Process(
            target=_serve, args=(there, self.work, slot, self.workers, gpu), name=f"harness-{slot}"
        )
        process.start()
        there.close()  # so that the worker's end is noticed
        worker = _Worker(process, here, slot)
        self._running.append(worker)
        self._give(worker, waiting)

    def _give(self, worker: _Worker, waiting: deque[Job]) -> None:
        worker.job, worker.began, worker.late = waiting.popleft(), 0.0, False
        with suppress(OSError):  # it has died: that is noticed when its end is waited for
            worker.pipe.send(worker.job)

    def _finished(self, waiting: deque[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Wait until something happens, and yield the jobs that have ended."""
        timeout = None if self.timeout_s is None else 0.2
        # Processes that a worker has begun may hold its end of the pipe after its death.
        signs = [
            sign for worker in self._running for sign in (worker.pipe, worker.process.sentinel)
        ]
        ready = connection.wait(signs, timeout)
        for worker in list(self._running):
            if worker.pipe not in ready and worker.process.sentinel not in ready:
                continue
            job = worker.job
            assert job is not None
            try:
                said = worker.pipe.recv() if worker.pipe.poll() else self._dead(worker)
            except (EOFError, OSError):
                said = self._dead(worker)
            if said == _BEGUN:
                worker.began = time.monotonic()
                continue
            outcome: Outcome = said
            if worker.late:
                outcome = outcome if outcome.good else Outcome(lost=self._too_long())
            if worker.process.exitcode is not None or worker.late or not waiting:
                self._dismiss(worker)
                self._start(worker.slot, waiting)
            else:
                self._give(worker, waiting)
            yield job, outcome
        self._end_late()

    def _end_late(self) -> None:
        if self.timeout_s is None:
            return
        for worker in self._running:
            seconds = time.monotonic() - worker.began if worker.began else 0.0
            if seconds > self.timeout_s and not worker.late:
                worker.late = True
                worker.process.terminate()  # which lets a training store a checkpoint
            elif worker.late and seconds > self.timeout_s + self.grace_s:
                worker.process.kill()

    def _too_long(self) -> str:
        return f"it took longer than {self.timeout_s:g} s and was ended"

    def _dead(self, worker: _Worker) -> Outcome:
        worker.process.join(self.grace_s)
        code = worker.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return Outcome(lost=f"its process was ended by {name} (killed, or out of memory)")
        return Outcome(lost=f"its process ended with exit code {code}")

    def _dismiss(self, worker: _Worker) -> None:
        worker.pipe.close()  # an idle worker ends by itself then
        self._running.remove(worker)
        worker.process.join(self.grace_s)
        if worker.process.exitcode is None:
            worker.process.kill()

    def _end(self) -> None:
        """End all workers; those that train store a checkpoint first."""
        for worker in self._running:
            worker.process.terminate()
        deadline = time.monotonic() + self.grace_s
        try:
            for worker in self._running:
                worker.process.join(max(0.0, deadline - time.monotonic()))
        finally:
            for worker in self._running:
                if worker.process.exitcode is None:
                    worker.process.kill()
            self._running.clear()


def _serve(pipe: Connection, work: Work, slot: int, workers: int, gpu: str | None) -> None:
    """Run jobs as they come, until the way to the sender is closed."""
    log_to_stderr(logging.WARNING)
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    _take_share(slot, workers)
    import harness.experiment.cell_runner  # noqa: F401 - its time is no job's

    with suppress(EOFError, OSError, KeyboardInterrupt), interruptible():
        while True:
            job = pipe.recv()
            pipe.send(_BEGUN)
            pipe.send(work(job))


def _take_share(slot: int, workers: int) -> None:
    """Keep to this worker's share of the cores, where there are enough for all."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // workers
    if each:
        last = slot == workers - 1
        os.sched_setaffinity(0, cores[slot * each : None if last else (slot + 1) * each])

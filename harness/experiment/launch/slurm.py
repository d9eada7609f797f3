"""Job arrays of Slurm, by submitit: a preempted or timed-out job goes on from its checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.experiment.launch.jobs import Job, Outcome, do, missing_extra
from harness.host import signals

log = logging.getLogger(__name__)

_POLL_S = 0.5


class SlurmLauncher:
    """Submits the jobs as one array, and waits for them."""

    def __init__(
        self,
        folder: Path,
        *,
        jobs: int | None = None,
        options: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        cluster: str | None = None,
    ) -> None:
        """Begin with nothing submitted.

        Args:
            folder: Where submitit keeps what it sends and the jobs' output; all machines see it.
            jobs: How many run at once at most; None for as many as Slurm allows.
            options: Of Slurm, as submitit names them: ``slurm_partition``, ``mem_gb`` ...
            timeout_s: Seconds that a job may run; None for an hour less than Slurm's usual day.
            cluster: ``local`` to run the jobs as processes of this machine; None for Slurm.
        """
        self.folder = folder
        self.jobs = jobs
        self.options = dict(options or {})
        self.timeout_s = timeout_s
        self.cluster = cluster

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Yield every job with what became of it, as soon as that is known.

        Raises:
            UsageError: submitit or Slurm is not here, or does not know an option.
            HarnessError: Slurm does not take the jobs.
        """
        executor = self._executor(jobs[0])
        from submitit.core.utils import FailedJobError

        try:
            with executor.batch():
                submitted = [executor.submit(_Task(job)) for job in jobs]
        except FailedJobError as error:  # sbatch has ended with an error
            why = " ".join(str(error).split()) or "sbatch failed"
            raise HarnessError(f"Slurm does not take the jobs: {why}") from error
        running = dict(zip(submitted, jobs, strict=True))
        log.info("submitted %d jobs; their output is in '%s'", len(jobs), self.folder)
        try:
            while running:
                ended = [task for task in running if task.done()]
                for task in ended:
                    yield running.pop(task), _outcome(task)
                if not ended:
                    time.sleep(_POLL_S)
        finally:
            for task in running:
                task.cancel()

    def _executor(self, job: Job) -> Any:
        try:
            import submitit
        except ImportError:
            raise missing_extra("slurm") from None
        config = job.plan.config
        gpus = config.devices if config.device == "cuda" else 0
        wanted: dict[str, Any] = {
            "name": f"harness-{job.plan.ablation.name}",
            "timeout_min": max(1, round((self.timeout_s or 23 * 3600) / 60)),
            "cpus_per_task": config.threads,
            "gpus_per_node": gpus,
        }
        if self.jobs and self.cluster is None:
            wanted["slurm_array_parallelism"] = self.jobs
        try:
            executor = submitit.AutoExecutor(self.folder, cluster=self.cluster or "slurm")
            executor.update_parameters(**wanted, **self.options)
        except (RuntimeError, NameError, ValueError, TypeError) as error:
            raise UsageError(f"the jobs cannot be given to Slurm: {error}") from error
        return executor


class _Task:
    """A job as submitit sends it; sent anew, as it is, where it was ended before its time."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self) -> Outcome:
        signals.leave_alone()  # submitit's answers to signals hold
        return do(self.job)

    def checkpoint(self) -> Any:
        """Return what is to be submitted again: the same, which goes on from its checkpoint."""
        from submitit.helpers import DelayedSubmission

        signals.leave()
        return DelayedSubmission(self)


def _outcome(task: Any) -> Outcome:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        outcome: Outcome = task.result()
    except (FailedJobError, UncompletedJobError) as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        return Outcome(lost=f"the job ended without a word: {lines[0] if lines else error}")
    return outcome

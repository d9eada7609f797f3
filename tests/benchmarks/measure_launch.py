"""Measure what a launcher costs a cell: many jobs that only sleep, through kept workers.

Prints the overhead per job, which is the time over what the sleeping itself takes, and the bytes
that a job is sent as.

    python tests/benchmarks/measure_launch.py local --jobs 1000
"""

import pickle
import time
from dataclasses import replace

import click

from harness.config import ablation
from harness.experiment import plan
from harness.experiment.launch.jobs import Job, Launcher, Outcome, split
from harness.experiment.launch.local import LocalLauncher
from harness.experiment.launch.ray_tasks import RayLauncher
from harness.experiment.session import Session

SLEEP_S = 0.05


def sleep(job: Job) -> Outcome:
    time.sleep(SLEEP_S)
    return Outcome(done=job.ids)


def jobs(count: int) -> list[Job]:
    """Real jobs of a shipped ablation, the first of which stands many times."""
    planned = plan.make(ablation.load("awru"), {"profile": "smoke", "threads": "1"})
    session = Session(planned, {})
    job = split(planned, [session.identify(planned.cells[-1])])[0]
    return [replace(job, ids=(f"cell-{number}",)) for number in range(count)]


@click.command()
@click.argument("kind", type=click.Choice(["local", "ray"]))
@click.option("--jobs", "count", default=1000, show_default=True)
@click.option("--workers", default=2, show_default=True)
def main(kind: str, count: int, workers: int) -> None:
    """Run so many sleeping jobs."""
    local = kind == "local"
    launcher: Launcher = (
        LocalLauncher(workers, work=sleep) if local else RayLauncher(jobs=workers, work=sleep)
    )
    todo = jobs(count)
    sent = len(pickle.dumps(todo[0]))
    ended_at = []
    for _, outcome in launcher.run(todo):
        assert outcome.good
        ended_at.append(time.perf_counter())
    done = len(ended_at)
    warm = done // 10  # by then every worker has started
    seconds, timed = ended_at[-1] - ended_at[warm], done - 1 - warm
    overhead = seconds * workers / timed - SLEEP_S
    click.echo(
        f"{kind}: {done} of {count} jobs, {workers} workers: {1000 * overhead:.1f} ms a job over "
        f"its sleep of {1000 * SLEEP_S:.0f} ms; a job is sent as {sent:,} bytes"
    )


if __name__ == "__main__":
    main()

"""Options that say where the cells of a run are run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import renamed
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.experiment.launch.all_cells import Launching
    from harness.experiment.launch.jobs import Launcher
    from harness.experiment.plan import Plan

_UNITS = {"s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m or h."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if not found or float(found[1]) <= 0:
            self.fail(f"expected a time such as 90s, 30m or 2h, not '{value}'", param, ctx)
        return float(found[1]) * _UNITS[found[2] or "s"]


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """What the user asked for.

    Attributes:
        launcher: ``local``, ``ray``, ``slurm``, or None for this process.
        jobs: How many trainings go on at once; None for what fits.
        retries: How often one that failed is tried again.
        timeout_s: Seconds after which one is ended; None for no limit.
        address: Of a running Ray cluster; None to start one here.
        slurm: Options of Slurm, ``KEY=VALUE``.
    """

    launcher: str | None
    jobs: int | None
    retries: int
    timeout_s: float | None
    address: str | None
    slurm: tuple[str, ...]

    def check(self) -> None:
        """Refuse options that nobody would look at.

        Raises:
            UsageError: There are some.
        """
        of_all = {"--jobs": self.jobs, "--retries": self.retries, "--run-timeout": self.timeout_s}
        for name, value in of_all.items():
            if value and self.launcher is None:
                raise UsageError(f"{name} needs --launcher local, ray or slurm")
        if self.address and self.launcher != "ray":
            raise UsageError("--address needs --launcher ray")
        if self.slurm and self.launcher != "slurm":
            raise UsageError("--slurm needs --launcher slurm")

    def settings(self, values: dict[str, str]) -> None:
        """Fix the number of threads, which changes bits and must not depend on the machine."""
        if self.launcher is not None:
            values.setdefault("threads", "1")

    def launching(self, plan: Plan) -> Launching | None:
        """Return how the cells of a plan are launched; None for in this process."""
        if self.launcher is None:
            return None
        from harness.experiment.launch.all_cells import Launching

        return Launching(self._launcher(plan), self.retries)

    def _launcher(self, plan: Plan) -> Launcher:
        if self.launcher == "local":
            from harness.experiment.launch.local import LocalLauncher

            workers, gpus = self._share(plan)
            return LocalLauncher(workers, gpus=gpus, timeout_s=self.timeout_s)
        if self.launcher == "ray":
            from harness.experiment.launch.ray_tasks import RayLauncher

            return RayLauncher(address=self.address, jobs=self.jobs, timeout_s=self.timeout_s)
        from harness.experiment.launch.slurm import SlurmLauncher

        return SlurmLauncher(
            Path(plan.results, "results", "slurm").resolve(),
            jobs=self.jobs,
            options=_pairs(self.slurm),
            timeout_s=self.timeout_s,
            cluster=os.environ.get("HARNESS_SLURM"),
        )

    def _share(self, plan: Plan) -> tuple[int, Sequence[str]]:
        """Return how many workers there are, and the GPUs that they take in turn."""
        config = plan.config
        if config.device == "cpu":
            each = config.threads * config.devices
            return self.jobs or max(1, len(os.sched_getaffinity(0)) // each), ()
        if config.devices > 1:
            raise UsageError("--launcher local gives each run one GPU: expected devices=1")
        import torch

        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        gpus = visible.split(",") if visible else list(map(str, range(torch.cuda.device_count())))
        return self.jobs or len(gpus), gpus


def launch_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as ``launch``."""

    def wrapped(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in _NAMES}
        command(launch=LaunchOptions(**given), **arguments)

    wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
    options: Any = getattr(command, "__click_params__", [])
    wrapped.__click_params__ = options  # type: ignore[attr-defined]
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_OPTIONS = (
    click.option(
        "--launcher",
        type=click.Choice(["local", "ray", "slurm"]),
        help="Train in processes of this machine, on a Ray cluster, or as Slurm jobs.",
    ),
    click.option("--jobs", type=click.IntRange(min=1), help="How many trainings go on at once."),
    click.option(
        "--retries", type=click.IntRange(min=0), default=0, help="Try a failed run again, N times."
    ),
    click.option(
        "--run-timeout", "timeout_s", type=Duration(), help="End a run after 90s, 30m or 2h."
    ),
    renamed("--cell-timeout", "it is --run-timeout"),
    click.option("--address", help="Of a running Ray cluster, or auto; else one is started here."),
    click.option(
        "--slurm", multiple=True, metavar="KEY=VALUE", help="Option of Slurm; repeatable."
    ),
)
_NAMES = ("launcher", "jobs", "retries", "timeout_s", "address", "slurm")


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"--slurm: expected KEY=VALUE, such as partition=gpu, not '{text}'")
        known = name.startswith(("slurm_", "mem_gb", "timeout_min"))
        pairs[name if known else f"slurm_{name}"] = value
    return pairs

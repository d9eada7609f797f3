"""A measurement in a process of its own: what is asked, and how it is run."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.efficiency.bench.latency import Effort
from harness.errors import HarnessError
from harness.host.device import Device

log = logging.getLogger(__name__)

Dtype = Literal["fp32", "bf16"]

_START = (
    "import sys; sys.path[:] = sys.argv[1:]; from harness.efficiency.bench import worker; "
    "worker.main()"
)


@dataclass(frozen=True, slots=True)
class Setup:
    """How networks are run.

    Attributes:
        device: Where.
        dtype: ``fp32``, on CUDA without TF32; or ``bf16``: autocast, weights cast once.
        channels_last: Whether weights and images have their channels side by side.
        threads: CPU threads within an operator; None for PyTorch's own choice.
        as_built: Whether weight norms stay; else they are folded into the kernels.
        fused: Whether the merged form of :func:`harness.models.fusing.fused` runs instead.
        backend: What runs the network instead of PyTorch as above: ``module:function`` that takes
            a function that loads the network as built, and this setup, and returns a function
            from images to images.
        runtime: Which runtime of several, for a backend that asks.
        folder: Where a backend's own files lie.
    """

    device: Device = "cpu"
    dtype: Dtype = "fp32"
    channels_last: bool = False
    threads: int | None = None
    as_built: bool = False
    fused: bool = False
    backend: str = ""
    runtime: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A network and the image it is run on.

    Attributes:
        model: Its id, or a user's own class as ``pkg.module:Class`` or ``file.py:Class``.
        scale: Upscaling factor.
        lr_px: Width and height of the LR image.
        checkpoint: File of its weights; empty for random ones.
    """

    model: str
    scale: int
    lr_px: tuple[int, int]
    checkpoint: str = ""

    def __str__(self) -> str:
        return f"'{self.model}' at x{self.scale}"


@dataclass(frozen=True, slots=True)
class Job:
    """What one process measures: a network, or without one the peak of the machine."""

    setup: Setup
    effort: Effort
    target: Target | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Job:
        """Return the job that :func:`dataclasses.asdict` made the values from."""
        target = values["target"]
        if target is not None:
            target = Target(**{**target, "lr_px": tuple(target["lr_px"])})
        return cls(Setup(**values["setup"]), Effort(**values["effort"]), target)


def run(job: Job) -> dict[str, Any]:
    """Run a job in a new Python process with this one's import path; return its answer.

    Raises:
        HarnessError: The process failed or died; the message names the network.
    """
    done = subprocess.run(
        [sys.executable, "-c", _START, *sys.path],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        check=False,
    )
    log.debug("%s", done.stderr.strip())
    name = str(job.target) if job.target else "the measurement of the machine's peak"
    if done.returncode:
        raise HarnessError(f"{name} {_death(done.returncode, done.stderr)}")
    answer = json.loads(done.stdout)
    if "failed" in answer:
        raise HarnessError(f"{name} failed: {answer['failed']}")
    measured: dict[str, Any] = answer["measured"]
    return measured


def _death(code: int, stderr: str) -> str:
    """Say how a process ended that gave no answer."""
    if code == -signal.SIGKILL:
        return "was killed by the system (SIGKILL), as it does when memory runs out"
    if code < 0:
        return f"was ended by signal {signal.Signals(-code).name}"
    last = stderr.strip().splitlines()[-1:]
    return ": ".join([f"ended its process with exit code {code}", *last])

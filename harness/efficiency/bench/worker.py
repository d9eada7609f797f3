"""What a measuring process does: one job from stdin, one answer to stdout, as JSON."""

from __future__ import annotations

import json
import os
import pkgutil
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.efficiency.bench import energy, latency, memory, peak
from harness.efficiency.bench.process import Job, Setup, Target
from harness.errors import HarnessError
from harness.host import environment
from harness.host.device import out_of_memory, use_real_float32
from harness.models.fusing import CannotMerge, deployed, fold_norms, fused
from harness.weights import load as weights
from harness.weights import networks

Run = Callable[[Tensor], Tensor]
"""Maps LR ``(1, 3, H, W)`` RGB in 0..255, float32, to SR in the same range."""

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_PEAK_SHARE = 0.12  # of a network's measuring time, for each piece of work


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process measured of a network.

    Attributes:
        device: What it ran on.
        threads: CPU threads within an operator.
        first_s: Seconds of the first, cold run.
        times_s: Seconds of each timed repetition.
        cpu_share: CPU time of the process as a share of all its threads' time while it
            was timed; None on CUDA.
        peak_memory_mib: Peak from the first run on, None where the system does not tell.
        joules: Energy of all timed repetitions, or None.
        energy_note: What the energy belongs to, or why there is none.
        folded: Weight norms folded into kernels.
    """

    device: str
    threads: int
    first_s: float
    times_s: tuple[float, ...]
    cpu_share: float | None
    peak_memory_mib: float | None
    joules: float | None
    energy_note: str
    folded: int


def main() -> None:
    """Do the job that stands on stdin; whatever a network prints goes to stderr."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            answer: dict[str, object] = {"measured": work(Job.of(json.load(sys.stdin)))}
        except Exception as error:  # a user's network may raise anything at all
            answer = {"failed": reason(error)}
        json.dump(answer, answers)


def work(job: Job) -> dict[str, object]:
    """Do a job in this process; return the fields of ``Measured`` or ``Peak``.

    Raises:
        HarnessError: The network does not return an SR image.
    """
    prepare(job.setup)
    if job.target:
        return asdict(measure(job, job.target))
    seconds = min(0.6, _PEAK_SHARE * job.effort.max_s)
    return asdict(
        peak.measure(
            job.setup.device,
            _DTYPES[job.setup.dtype],
            seconds=seconds,
            synchronise=waiting(job.setup),
        )
    )


def prepare(setup: Setup) -> None:
    """Set the number of threads, and on CUDA real float32 instead of TF32."""
    if setup.threads:
        torch.set_num_threads(setup.threads)
    if setup.device == "cuda":
        use_real_float32()


def waiting(setup: Setup) -> Callable[[], None]:
    """Return a function that waits for the device; on a CPU there is nothing to wait for."""
    return torch.cuda.synchronize if setup.device == "cuda" else _nothing


def _nothing() -> None:
    return


def measure(job: Job, target: Target) -> Measured:
    """Build a network and measure it on a random image.

    Raises:
        HarnessError: It does not return an SR image.
    """
    setup, effort = job.setup, job.effort
    watch = memory.watch(setup.device)
    network, folded = load(target, setup)
    width, height = target.lr_px
    lr = placed(255 * torch.rand(1, 3, height, width), setup)
    wait = waiting(setup)

    def step() -> None:
        check(network(lr), target)
        wait()

    watch.forget()
    with torch.no_grad(), numbers(setup):  # inference_mode would cast weights on every run
        first_s = latency.warm_up(step, effort)
        meter = energy.meter(setup.device)
        meter.start()
        cpu_s = time.process_time()
        times = latency.repeat(step, effort)
        cpu_s = time.process_time() - cpu_s
        used = meter.stop()
    threads = torch.get_num_threads()
    return Measured(
        device=environment.device_name(setup.device),
        threads=threads,
        first_s=first_s,
        times_s=tuple(times),
        cpu_share=cpu_s / sum(times) / threads if setup.device == "cpu" else None,
        peak_memory_mib=watch.peak_mib(),
        joules=used.joules,
        energy_note=used.note,
        folded=folded,
    )


def load(target: Target, setup: Setup) -> tuple[Run, int]:
    """Return what runs a network, and the number of weight norms folded before.

    One that declares its merged form is run in that one, unless it is to stay as built.

    Raises:
        HarnessError: The network has no such form, or a backend cannot run it.
    """
    if setup.backend:
        make: Callable[[Callable[[], nn.Module], Setup], Run] = pkgutil.resolve_name(setup.backend)
        return make(partial(_network, target), setup), 0
    network = _network(target)
    try:
        if setup.fused:
            network = fused(network)
        elif not setup.as_built:
            network = deployed(network)
    except CannotMerge as error:
        form = "fused" if setup.fused else "merged"
        raise HarnessError(f"it has no {form} form: {error}") from error
    folded = 0 if setup.as_built else fold_norms(network)
    network = network.to(setup.device)
    if setup.channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network, folded


def _network(target: Target) -> nn.Module:
    torch.manual_seed(0)
    if not target.checkpoint:
        return networks.build(target.model, scale=target.scale).eval()
    return weights.build(target.model, scale=target.scale, checkpoint=Path(target.checkpoint))


def placed(image: Tensor, setup: Setup) -> Tensor:
    """Return an image on the device, in the memory format."""
    image = image.to(setup.device)
    return image.contiguous(memory_format=torch.channels_last) if setup.channels_last else image


def numbers(setup: Setup) -> AbstractContextManager[object]:
    """Return the context in which a network computes in the numbers asked for."""
    return torch.autocast(setup.device, dtype=torch.bfloat16, enabled=setup.dtype == "bf16")


def check(sr: object, target: Target) -> None:
    """See that a network returned an SR image.

    Raises:
        HarnessError: It did not.
    """
    width, height = (target.scale * side for side in target.lr_px)
    expected = (1, 3, height, width)
    got = tuple(sr.shape) if isinstance(sr, Tensor) else type(sr).__name__
    if got != expected:
        raise HarnessError(f"its forward returned {got}, expected an SR image {expected}")


def reason(error: Exception) -> str:
    """Return an error in one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, HarnessError):
        return lines[0]
    if out_of_memory(error):
        return f"out of memory: {lines[0]}"
    return f"{type(error).__name__}: {lines[0]}"


if __name__ == "__main__":
    main()

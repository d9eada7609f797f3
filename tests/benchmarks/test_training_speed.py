"""A training step of AWSRN-S in bf16, with channels side by side in memory and without."""

import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch
from lightning_fabric import Fabric

from harness.config.settings import TrainConfig
from harness.experiment.trainer import Trainer
from harness.models import registry
from harness.models.initialise import initialise

CPUINFO = Path("/proc/cpuinfo")
HAS_AMX = CPUINFO.is_file() and "amx_bf16" in CPUINFO.read_text(encoding="utf-8")
CONFIG = TrainConfig(steps=10_000, log_every=10_000)


class Noise:
    """Patches of the length of a training, all alike: 16 of 32x32."""

    lr = torch.randint(0, 255, (16, 3, 32, 32), dtype=torch.uint8).numpy()
    hr = torch.randint(0, 255, (16, 3, 64, 64), dtype=torch.uint8).numpy()

    def __getitem__(self, step):
        return self.lr, self.hr


def steps(*, channels_last):
    """Endless training, a step at a time."""
    network = registry.get("awsrn_s").build(scale=2)
    initialise(network, seed=0)
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    config = replace(CONFIG, channels_last=channels_last)
    yield from Trainer(network, config, fabric=fabric, fingerprint="").steps(Noise())  # type: ignore[arg-type]


def seconds(training):
    started = time.perf_counter()
    next(training)
    return time.perf_counter() - started


@pytest.mark.skipif(not HAS_AMX, reason="the CPU has no AMX, so there is little to gain")
def test_channels_last_makes_a_step_faster_where_the_cpu_has_amx(benchmark):
    ways = {way: steps(channels_last=way) for way in (False, True)}
    taken: dict[bool, list[float]] = {way: [] for way in ways}
    for turn in range(16):
        for way, training in ways.items():
            took = seconds(training)
            if turn >= 3:
                taken[way].append(took)
    benchmark.pedantic(next, args=(ways[True],), rounds=5)
    ratio = median(taken[False]) / median(taken[True])
    benchmark.extra_info.update(ratio=ratio)
    assert ratio >= 1.15

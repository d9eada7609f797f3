"""A training step of AWSRN-S in bf16 beside plainer ones, step by step in turn."""

import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from types import MethodType
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.utils import deterministic

from harness.config.settings import TrainConfig
from harness.experiment.trainer import Trainer
from harness.host.device import computes_bf16
from harness.models import registry
from harness.models.awms import AWMS
from harness.models.awsrn import LRFU
from harness.models.initialise import initialise
from harness.models.units import AWRU

CPUINFO = Path("/proc/cpuinfo")
HAS_AMX = CPUINFO.is_file() and "amx_bf16" in CPUINFO.read_text(encoding="utf-8")
MEMORY: Any = deterministic
CONFIG = TrainConfig(steps=10_000, log_every=10_000)


class Noise:
    """Patches of the length of a training, all alike: 16 of 32x32."""

    def __init__(self, scale):
        side = 32 * scale
        self.lr = torch.randint(0, 255, (16, 3, 32, 32), dtype=torch.uint8).numpy()
        self.hr = torch.randint(0, 255, (16, 3, side, side), dtype=torch.uint8).numpy()

    def __getitem__(self, step):
        return self.lr, self.hr


def weigh(weight, x):
    return weight.view(1, 1, 1, 1) * x


def plain_awru(unit, x):
    total = weigh(unit.lambda_res, unit.body(x)) + weigh(unit.lambda_x, x)
    return total.to(torch.bfloat16)


def plain_lrfu(fusion, outputs, block_input):
    fused = fusion.conv(torch.cat(outputs, 1))
    total = weigh(fusion.lambda_res, fused) + weigh(fusion.lambda_x, block_input)
    return total.to(torch.bfloat16)


def plain_awms(tail, features):
    return sum(weigh(tail.alpha[name], conv(features)) for name, conv in tail.branches.items())


PLAIN = {AWRU: plain_awru, LRFU: plain_lrfu, AWMS: plain_awms}


def plainly(network):
    """The network with equations 3, 4 and 6 as they are printed, and all new memory filled."""
    for module in network.modules():
        if type(module) in PLAIN:
            form: Any = PLAIN[type(module)]
            module.forward = MethodType(form, module)
        if isinstance(module, nn.ReLU):
            module.inplace = False

    def fill(*_arguments):
        MEMORY.fill_uninitialized_memory = True

    network.register_forward_pre_hook(fill)
    return network


def steps(*, scale=2, channels_last, plain=False):
    """Endless training, a step at a time."""
    network = registry.get("awsrn_s").build(scale=scale)
    initialise(network, seed=0)
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    config = replace(CONFIG, channels_last=channels_last)
    network = plainly(network) if plain else network
    patches: Any = Noise(scale)
    yield from Trainer(network, config, fabric=fabric, fingerprint="").steps(patches)


def seconds(training):
    """CPU time of a step, which other processes lengthen less than they do the time."""
    started = time.process_time()
    next(training)
    return time.process_time() - started


def ratio(benchmark, slower, faster):
    """The median over 11 turns of how many times as long a step takes as another."""
    for training in (slower, faster):
        for _ in range(3):
            next(training)
    ratios = [seconds(slower) / seconds(faster) for _ in range(11)]
    benchmark.pedantic(next, args=(faster,), rounds=5)
    benchmark.extra_info.update(ratio=median(ratios), least=min(ratios), most=max(ratios))
    return median(ratios)


@pytest.fixture(autouse=True)
def _as_in_training():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


NEEDS_BF16 = pytest.mark.skipif(not computes_bf16(), reason="the CPU does not multiply bf16")


@NEEDS_BF16
@pytest.mark.parametrize(("scale", "bound"), [(2, 1.2), (4, 1.25)])
def test_a_step_beside_the_plain_form(benchmark, scale, bound):
    plain = steps(scale=scale, channels_last=False, plain=True)
    assert ratio(benchmark, plain, steps(scale=scale, channels_last=True)) >= bound


@NEEDS_BF16
def test_channels_last_makes_a_step_faster(benchmark):
    usual = steps(channels_last=False)
    bound = 1.15 if HAS_AMX else 1.02
    assert ratio(benchmark, usual, steps(channels_last=True)) >= bound

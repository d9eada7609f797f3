"""Trainings of noise without end, a step at a time: ours, its forms before, and plain ones."""

from dataclasses import replace
from types import MethodType
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.utils import deterministic

from harness.config.settings import TrainConfig
from harness.experiment.trainer import Trainer
from harness.host.process import keep_memory
from harness.models import registry
from harness.models.awms import AWMS
from harness.models.awsrn import LRFU
from harness.models.initialise import initialise
from harness.models.units import AWRU
from tests.benchmarks import naive

MEMORY: Any = deterministic
CONFIG = TrainConfig(steps=10_000, log_every=10_000)
BLOCKS = {"awsrn_s": 1, "awsrn_m": 3, "awsrn": 4}


class Noise:
    """Patches of the length of a training, all alike: 16 of them."""

    def __init__(self, scale, patch):
        side = patch * scale
        self.lr = torch.randint(0, 255, (16, 3, patch, patch), dtype=torch.uint8).numpy()
        self.hr = torch.randint(0, 255, (16, 3, side, side), dtype=torch.uint8).numpy()

    def __getitem__(self, step):
        return self.lr, self.hr


def ours(model, *, scale, patch=48, compiled=False):
    """As `harness train` does with precision=bf16-mixed, in a process of its own."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    keep_memory()
    yield from steps(model, scale=scale, patch=patch, channels_last=True, compiled=compiled)


def steps(model="awsrn_s", *, scale=2, patch=32, channels_last, plain=False, compiled=False):
    network = registry.get(model).build(scale=scale)
    initialise(network, seed=0)
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    config = replace(CONFIG, channels_last=channels_last, compile=compiled)
    network = plainly(network) if plain else network
    patches: Any = Noise(scale, patch)
    yield from Trainer(network, config, fabric=fabric, fingerprint="").steps(patches)


def printed(model, *, scale, patch=48):
    """AWSRN as the paper prints it, in float32."""
    network = naive.NaiveAWSRN(scale=scale, blocks=BLOCKS[model])
    yield from naive.steps(network.train(), scale=scale, patch=patch)


def itself(model, *, scale, patch=48):
    """A network of ours in float32, by a plain loop."""
    network = registry.get(model).build(scale=scale)
    yield from naive.steps(network.train(), scale=scale, patch=patch)


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

"""Trainings on a GPU from a set of noise, a hundred steps at a time: ours, and a plain one."""

from dataclasses import replace
from itertools import count, islice

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.nn.functional import l1_loss

from harness.config.settings import Config
from harness.data.patches import Patches
from harness.data.prepare import Entry, Prepared
from harness.experiment import batches
from harness.experiment.fit import make_deterministic
from harness.experiment.trainer import Trainer
from harness.models import registry
from harness.models.initialise import initialise
from tests.benchmarks import naive
from tests.benchmarks.training import BLOCKS, CONFIG

STEPS = 100
BATCH, PATCH = 16, 48  # the paper's
HEIGHT, WIDTH, IMAGES = 678, 1020, 50  # LR of DIV2K at x2


def patches(scale):
    size = 3 * HEIGHT * WIDTH
    entries = [Entry(str(n), HEIGHT, WIDTH, n * size, scale**2 * n * size) for n in range(IMAGES)]
    generator = np.random.default_rng(0)
    lr, hr = (
        generator.integers(0, 256, IMAGES * size * times, np.uint8) for times in (1, scale**2)
    )
    prepared = Prepared("noise", scale, "", tuple(entries), (), "", hr, lr)
    return Patches(prepared, patch=PATCH, batch=BATCH, seed=0)


def ours(model, *, scale, compiled=False, device="cuda"):
    """As `harness train` does with device=cuda precision=bf16-mixed."""
    make_deterministic(replace(Config(), threads=1))
    network = registry.get(model).build(scale=scale)
    initialise(network, seed=0)
    fabric = Fabric(accelerator=device, devices=1, precision="bf16-mixed")
    config = replace(CONFIG, steps=10**6, channels_last=True, compile=compiled)
    trainer = Trainer(network, config, fabric=fabric, fingerprint="")
    steps = trainer.steps(batches.source(patches(scale), asked=True, device=fabric.device))
    while list(islice(steps, STEPS)):
        _finish(device)
        yield


def plain(model, *, scale, device="cuda"):
    """AWSRN as its paper prints it, in float32, each batch cut on the CPU and sent."""
    network = naive.NaiveAWSRN(scale=scale, blocks=BLOCKS[model]).to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    cut = patches(scale)
    for step in count(1):
        lr, hr = (torch.from_numpy(part).to(device).float() for part in cut[step])
        optimizer.zero_grad()
        l1_loss(network(lr), hr).backward()
        optimizer.step()
        if step % STEPS == 0:
            _finish(device)
            yield


def _finish(device):
    if device == "cuda":
        torch.cuda.synchronize()

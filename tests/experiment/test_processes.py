"""Two processes that share a batch have the gradients of one: the mean over equal shares."""

import subprocess
import sys
from pathlib import Path

import torch

SCRIPT = """
import sys
from functools import partial
import torch
from lightning_fabric import Fabric
from harness.config.settings import TrainConfig
from harness.experiment.trainer import Trainer
from harness.models import registry
from harness.models.initialise import initialise

class Noise:
    def __getitem__(self, step):
        draw = torch.Generator().manual_seed(step)
        return [torch.randint(0, 256, (4, 3, side, side), generator=draw, dtype=torch.uint8).numpy()
                for side in (8, 16)]

def work(fabric, file):
    torch.set_num_threads(1)
    network = registry.get("awsrn_s").build(scale=2)
    initialise(network, seed=0)
    config = TrainConfig(steps=2, log_every=10)
    trainer = Trainer(network, config, fabric=fabric, fingerprint="")
    next(trainer.steps(Noise()))
    state = trainer.optimizer.state_dict()["state"]
    if fabric.global_rank == 0:
        torch.save([state[n]["exp_avg"] / 0.1 for n in sorted(state)], file)

if __name__ == "__main__":
    count, file = int(sys.argv[1]), sys.argv[2]
    strategy = "auto" if count == 1 else "ddp_fork"
    fabric = Fabric(accelerator="cpu", devices=count, strategy=strategy, precision="32-true")
    if count == 1:
        work(fabric, file)
    else:
        fabric.launch(partial(work, file=file))
"""


def gradients(tmp_path, processes):
    script, file = tmp_path / "script.py", tmp_path / f"{processes}.pt"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(processes), str(file)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    return torch.load(file)


def test_two_processes_have_the_gradients_of_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    one, two = gradients(tmp_path, 1), gradients(tmp_path, 2)
    assert len(one) == len(two) > 10
    for mine, theirs in zip(one, two, strict=True):
        assert mine.abs().max() > 0
        torch.testing.assert_close(mine, theirs, rtol=0, atol=float(1e-4 * mine.abs().max()))

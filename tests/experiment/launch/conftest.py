"""Ablations whose networks do what they should not, and a way to run them in processes."""

import json
import subprocess
import sys
import time

import pytest

NETWORK = """
import os, signal, time
from pathlib import Path
from torch import nn
FLAG = Path(__file__).with_suffix(".flag")
class Net(nn.Module):
    def __init__(self, *, scale, fault="pass"):
        super().__init__()
        self.fault = fault
        self.parts = nn.Sequential(nn.Conv2d(3, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))
    def forward(self, lr):
        if self.training:
            exec(self.fault)
        return self.parts(lr)
"""
FAULTS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "killed once": "FLAG.exists() or (FLAG.touch(), os.kill(os.getpid(), signal.SIGKILL))",
    "hangs": "time.sleep(3600)",
    "raises": "raise ValueError('no such map')",
    "asks for too much": "lr.new_empty(2**60)",
    "is slow": "time.sleep(0.2)",
}


@pytest.fixture
def ablation(tiny, tmp_path):
    """Arguments of a run whose rows have the faults asked for, and one row that has none."""

    def make(*faults, **settings):
        (tmp_path / "net.py").write_text(NETWORK)
        rows = ["rows:", f"  - {{label: good, model: '{tmp_path}/net.py:Net'}}"]
        for name in faults:
            row = {
                "label": name,
                "model": f"{tmp_path}/net.py:Net",
                "with": {"fault": FAULTS[name]},
            }
            rows.append(f"  - {json.dumps(row)}")
        head = ["name: faulty", "title: Networks with faults", "benchmarks: [own]", "base: good"]
        (tmp_path / "faulty.yaml").write_text("\n".join([*head, *rows]) + "\n")
        kept = [one for one in tiny if one.partition("=")[0] not in {"ablation", *settings}]
        mine = [f"{key}={value}" for key, value in ({"train.log_every": 2} | settings).items()]
        return [f"ablation={tmp_path}/faulty.yaml", *kept, *mine]

    return make


def started(*arguments, **options):
    """Start the harness in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found

"""Training on a GPU beside the plain way: steps a second, and hours for the paper's recipe."""

from functools import partial

import pytest
import torch

from harness.config import paper
from tests.benchmarks import training_gpu
from tests.benchmarks.alternate import Apart, claims

TRAININGS = [name for name, claim in claims().items() if claim.device == "cuda"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_on_a_gpu_beside_the_plain_way(hold, name):
    _, model, scale_text, *more = name.split()
    scale = int(scale_text.removeprefix("x"))
    peer = Apart(partial(training_gpu.plain, model, scale=scale), threads=0)
    compiled = "compiled" in more
    ours = Apart(partial(training_gpu.ours, model, scale=scale, compiled=compiled), threads=0)

    def about(measured):
        rate = training_gpu.STEPS / measured.under_s
        return {"steps_per_s": round(rate, 1), "paper_h": round(paper.STEPS / rate / 3600, 2)}

    try:
        hold(name, peer, ours, about=about)
    finally:
        peer.close()
        ours.close()


@pytest.mark.parametrize("work", [training_gpu.ours, training_gpu.plain])
def test_the_same_code_runs_on_a_cpu(work, monkeypatch):
    """What is measured on a GPU is tried where there is none: one step, a small set."""
    small = {"STEPS": 1, "BATCH": 2, "PATCH": 8, "HEIGHT": 60, "WIDTH": 70, "IMAGES": 2}
    for name, value in small.items():
        monkeypatch.setattr(training_gpu, name, value)
    turns = work("awsrn_s", scale=2, device="cpu")
    try:
        next(turns)
        next(turns)
    finally:
        turns.close()
        torch.use_deterministic_algorithms(False)

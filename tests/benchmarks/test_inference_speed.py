"""Upscaling to 1280x720 in the fused form, beside AWSRN as its paper prints it: bounds.yaml."""

from typing import Any

import pytest
import torch

from harness.host.device import computes_bf16
from harness.models import registry
from harness.models.fusing import fused
from tests.benchmarks.alternate import claims, timed
from tests.benchmarks.naive import NaiveAWSRN

BLOCKS = {"awsrn_s": 1, "awsrn": 4}
INFERENCES = [name for name in claims() if name.startswith("inference ")]


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", INFERENCES)
def test_upscaling_beside_the_printed_form(hold, name):
    _, model, scale_text, form = name.split()
    if form == "bf16" and not computes_bf16():
        pytest.skip("the CPU does not multiply bf16")
    scale = int(scale_text.removeprefix("x"))
    ours = registry.get(model).build(scale=scale).eval()
    plain = NaiveAWSRN(scale=scale, blocks=BLOCKS[model]).eval()
    plain.load_state_dict(ours.state_dict())
    quick: Any = fused(ours)
    quick = quick.to(memory_format=torch.channels_last)
    lr = 255 * torch.rand(1, 3, 720 // scale, 1280 // scale)
    lr_last = lr.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def in_form():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=form == "bf16"):
            quick(lr_last)

    hold(name, timed(torch.no_grad()(plain), lr), timed(in_form))

"""A count in doubt is said in the plan, and does not stop it."""

import pytest

from harness.cli.run import plan_text
from harness.experiment import plan
from harness.experiment.session import statuses

OWN = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, *, scale):
        super().__init__()
        self.scale = scale
        self.conv = nn.Conv2d(3, 3 * scale**2, 3, padding=1)

    def forward(self, lr):
        return nn.functional.pixel_shuffle(self.conv(lr), self.scale)


class Item(Net):
    def forward(self, lr):
        return super().forward(lr - lr.mean().item())


class Fourier(Net):
    def forward(self, lr):
        return super().forward(torch.fft.irfft2(torch.fft.rfft2(lr), s=lr.shape[2:]))
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The name of a class in a user's file, made from that of the class."""
    (tmp_path / "own_net.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return "own_net.py:{}".format


def planned(model):
    arguments = {"scale": "2", "profile": "smoke", "train.steps": "2", "data.test": "sample"}
    return plan.make(plan.single(model), arguments)


def test_what_reads_values_is_counted_as_it_would_be_without(own):
    costs = [planned(own(name)).cells[-1].cost.multi_adds for name in ("Net", "Item")]
    assert costs[0] == costs[1] == 9 * 3 * 12 * 640 * 360


def test_a_count_in_doubt_is_not_available_and_says_why(own):
    made = planned(own("Fourier"))
    cell = made.cells[-1]
    assert cell.trained
    assert made.training_multi_adds(cell) is None
    text = plan_text(made, statuses(made))
    assert "n/a" in text
    assert "aten._fft" in text

"""A count in doubt is said in the plan, and does not stop it."""

from dataclasses import replace

import pytest

from harness.cli import dry_run
from harness.config import settings
from harness.config.ablation import Row, load
from harness.errors import UsageError
from harness.experiment import fingerprint, plan, resolve
from harness.experiment.session import statuses
from harness.reports.tables.render import to_text

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


def planned(model, **changes):
    arguments = {"scale": "2", "profile": "smoke", "train.steps": "2", "data.test": "sample"}
    return plan.make(plan.single(model), arguments | changes)


def test_what_reads_values_is_counted_as_it_would_be_without(own):
    costs = [planned(own(name)).cells[-1].cost.multi_adds for name in ("Net", "Item")]
    assert costs[0] == costs[1] == 9 * 3 * 12 * 640 * 360


def test_a_count_in_doubt_is_not_available_and_says_why(own):
    made = planned(own("Fourier"))
    cell = made.cells[-1]
    assert cell.trained
    assert made.training_multi_adds(cell) is None
    text = to_text(dry_run.table(made, statuses(made)))
    assert "n/a" in text
    assert "aten._fft" in text


@pytest.mark.parametrize(
    ("model", "changes", "has_bf16", "expected"),
    [
        ("awsrn_s", {"precision": "bf16-mixed"}, True, True),
        ("awsrn_s", {"precision": "bf16-mixed"}, False, False),
        ("awsrn_s", {"precision": "fp32"}, True, False),
        ("own", {"precision": "bf16-mixed"}, True, False),
        ("own", {"precision": "bf16-mixed", "train.channels_last": "true"}, False, True),
        ("awsrn_s", {"precision": "bf16-mixed", "train.channels_last": "false"}, True, False),
        ("awsrn_s", {"precision": "bf16-mixed", "train.channels_last": "none"}, True, True),
    ],
)
def test_the_layout_is_chosen_where_it_is_open_and_said(
    own, monkeypatch, model, changes, has_bf16, expected
):
    monkeypatch.setattr(resolve, "computes_bf16", lambda: has_bf16)
    monkeypatch.setattr(resolve, "choose_device", lambda *_args, **_options: "cpu")
    made = planned(own("Net") if model == "own" else model, **changes)
    assert made.config.train.channels_last is expected
    assert ("channels last" in to_text(dry_run.table(made, statuses(made)))) == expected
    chosen = replace(made.config, train=replace(made.config.train, channels_last=not expected))
    digests = {fingerprint.training(made.cells[-1], one, "0") for one in (made.config, chosen)}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("changes", "has_bf16", "expected", "said"),
    [
        ({"profile": "cpu"}, True, "bf16-mixed", None),
        ({"profile": "cpu"}, False, "fp32", "INFO"),
        ({"profile": "cpu", "precision": "bf16-mixed"}, False, "bf16-mixed", "WARNING"),
        ({"profile": "cpu", "precision": "bf16-mixed"}, True, "bf16-mixed", None),
        ({"profile": "cpu", "precision": "fp32"}, True, "fp32", None),
        ({"precision": "auto"}, True, "bf16-mixed", None),
        ({}, True, "fp32", None),
    ],
)
def test_bf16_is_for_cpus_that_multiply_it_unless_it_is_asked_for(
    monkeypatch, caplog, changes, has_bf16, expected, said
):
    monkeypatch.setattr(resolve, "computes_bf16", lambda: has_bf16)
    monkeypatch.setattr(resolve, "choose_device", lambda *_args, **_options: "cpu")
    caplog.set_level("INFO")
    made = planned("awsrn_s", **{"data.train": "sample"} | changes)
    assert made.config.precision == expected
    assert [one.levelname for one in caplog.records if "bf16" in one.message] == [said] * bool(said)
    assert f", {expected}, cpu," in to_text(dry_run.table(made, statuses(made)))


def test_auto_is_bf16_on_a_gpu(monkeypatch):
    monkeypatch.setattr(resolve, "computes_bf16", lambda: False)
    config = replace(settings.Config(), precision="auto", device="cuda")
    assert resolve.precision(config).precision == "bf16-mixed"


def test_bf16_on_a_gpu_lays_channels_side_by_side(monkeypatch):
    monkeypatch.setattr(resolve, "computes_bf16", lambda: False)
    bf16 = replace(settings.Config(), precision="bf16-mixed", device="cuda")
    rows = [Row("base", "awsrn_s")]
    assert resolve.channels_last(bf16, rows).train.channels_last
    assert not resolve.channels_last(replace(bf16, device="cpu"), rows).train.channels_last
    assert not resolve.channels_last(replace(bf16, precision="fp32"), rows).train.channels_last


def test_a_user_s_part_keeps_the_usual_layout(monkeypatch):
    monkeypatch.setattr(resolve, "computes_bf16", lambda: True)
    config = replace(settings.Config(), precision="bf16-mixed", device="cpu")
    rows = [Row("mine", "awsrn_s", overrides={"unit": "own.py:Unit"}), Row("base", "awsrn_s")]
    assert resolve.channels_last(config, rows[1:]).train.channels_last
    assert not resolve.channels_last(config, rows).train.channels_last


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("AWSRN-B w/ AWMS, w/o 9x9", ["AWSRN-B w/ AWMS, w/o 9x9"]),
        ("WDSR w/ AWMS,WDSR w/ AWMS,w/o 3x3", ["WDSR w/ AWMS", "WDSR w/ AWMS, w/o 3x3"]),
        ("WDSR w/ AWMS", ["WDSR w/ AWMS"]),
    ],
)
def test_a_row_whose_label_has_a_comma_is_chosen_by_it(asked, expected):
    arguments = {"profile": "smoke", "seeds": "0", "data.test": "sample", "rows": asked}
    cells = plan.make(load("branches"), arguments).cells
    assert [cell.row.label for cell in cells if cell.row.model != "bicubic"] == expected


def test_a_part_of_such_a_label_is_no_row():
    with pytest.raises(UsageError, match="there is no row 'w/o 9x9'"):
        plan.make(load("branches"), {"profile": "smoke", "rows": "w/o 9x9"})

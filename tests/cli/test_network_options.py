"""Options of a network reach it from every command that runs one."""

import json

import pytest
import torch

from harness.records.record import load_all
from harness.weights import networks

NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, nf=4, upscale_factor=4):
        super().__init__()
        self.body = nn.Conv2d(3, nf, 3, padding=1)
        self.tail = nn.Conv2d(nf, 3 * upscale_factor**2, 1)
        self.up = nn.PixelShuffle(upscale_factor)

    def forward(self, x):
        assert x.shape[-1] % 4 == 0
        return self.up(self.tail(self.body(x)))
"""


@pytest.fixture
def own(tmp_path, monkeypatch, tiny_root):
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", str(tiny_root))
    torch.manual_seed(0)
    torch.save(networks.build("net.py:Net{nf: 6}", scale=2).state_dict(), tmp_path / "w.pth")
    return "net.py:Net"


FLAGS = ["--with", "nf=6", "--pad-to", "4"]


def test_flops_count_the_network_with_its_options(own, invoke):
    for name, flags in ((own, FLAGS), (own + "{nf: 6, expects: {pad_to: 4}}", [])):
        result = invoke("flops", name, "--scale", "2", *flags, "--format", "json")
        assert result.exit_code == 0, result.output
        (row,) = json.loads(result.stdout)
        assert row["params"] == 3 * 6 * 9 + 6 + 6 * 12 + 12


def test_eval_and_upscale_load_weights_into_it(own, invoke, tmp_path, tiny_root):
    weights = ["--scale", "2", "--checkpoint", "w.pth"]
    result = invoke("eval", own, *weights, "--data", "own", *FLAGS, "--results", ".")
    assert result.exit_code == 0, result.output
    (record,) = load_all(tmp_path)
    assert (record.model, record.overrides) == (own, {"nf": 6, "expects": {"pad_to": 4}})
    assert record.remarks == ("images of its own: RGB in 0..255, sides in multiples of 4",)
    photo = next((tiny_root / "benchmark" / "own" / "HR").iterdir())
    result = invoke("upscale", photo, "-o", "sr.png", "--model", own, *weights, *FLAGS)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "sr.png").is_file()


def test_train_records_them(own, invoke, tmp_path, tiny):
    settings = [item for item in tiny if not item.startswith("ablation=")]
    result = invoke("train", own, "--scale", "2", *settings, "--with", "nf=5", "--pad-to", "4")
    assert result.exit_code == 0, result.output
    (record,) = [record for record in load_all(tmp_path) if record.steps]
    assert record.overrides == {"nf": 5, "expects": {"pad_to": 4}}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--with", "nf"], "KEY=VALUE"),
        (["--with", "width=6"], "width"),
        (["--range", "0"], "range"),
        (["--mean", "a,b,c"], "--mean"),
        (["--pad-to", "0"], "pad_to"),
    ],
)
def test_what_no_network_takes_is_refused(own, invoke, flags, words):
    result = invoke("flops", own, "--scale", "2", *flags)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.output


SCORED = ("--scale", "2", "--data", "own")
DRAWN = ("--scale", "2", "--image", "own/at150", "-o", "figure")
WITH_NETWORK = {
    "bench": ("net.py:Net", "--scale", "2"),
    "compare": ("net.py:Net{nf: 6}=w.pth", "net.py:Net{nf: 4}=w.pth", *SCORED),
    "deploy": ("net.py:Net", "--scale", "2", "--checkpoint", "w.pth", "-o", "out"),
    "eval": ("net.py:Net", "--checkpoint", "w.pth", *SCORED),
    "figures crops": ("--model", "net.py:Net=w.pth", *DRAWN),
    "figures branches": ("--model", "net.py:Net", "--checkpoint", "w.pth", *DRAWN),
    "flops": ("net.py:Net", "--scale", "2"),
    "gate": ("net.py:Net=w.pth", "bicubic", *SCORED),
    "prune": ("net.py:Net", "--checkpoint", "w.pth", *SCORED, "-o", "p.safetensors"),
    "train": ("net.py:Net", "--scale", "2", "profile=smoke", "--dry-run"),
    "upscale": ("photo.png", "--model", "net.py:Net", "--checkpoint", "w.pth", "--scale", "2"),
}


@pytest.mark.parametrize("command", WITH_NETWORK)
def test_they_reach_the_network_from_every_command(own, invoke, command, tiny_root):
    photo = tiny_root / "benchmark" / "own" / "HR" / "at150.png"
    arguments = [photo if word == "photo.png" else word for word in WITH_NETWORK[command]]
    for flags, words in (
        (("--with", "nope=1"), "nope"),
        (("--range", "0"), "range must be a positive number"),
        (("--luma", "--range", "0"), "range must be a positive number"),
        (("--mean", "0,x,0"), "expected three numbers"),
        (("--pad-to", "0"), "pad_to must be a whole number"),
    ):
        result = invoke(*command.split(), *arguments, *flags)
        assert result.exit_code == 2, result.output
        assert words in result.stderr


MERGING = """\
import torch
from torch import nn


class Merging(nn.Module):
    def __init__(self, upscale=2):
        super().__init__()
        self.up = upscale
        self.one = nn.Parameter(torch.zeros(3 * upscale**2, 3, 3, 3))
        self.two = nn.Parameter(torch.zeros(3 * upscale**2, 3, 3, 3))

    def forward(self, x):
        kernel = self.one + self.two
        return nn.functional.pixel_shuffle(nn.functional.conv2d(x, kernel, padding=1), self.up)
"""


def test_the_plan_and_the_record_of_a_merging_network_say_which_form_is_counted(
    own, invoke, tmp_path, tiny
):
    (tmp_path / "merging.py").write_text(MERGING)
    settings = [item for item in tiny if not item.startswith("ablation=")]
    arguments = ("train", "merging.py:Merging", "--scale", "2", *settings)
    plan = invoke(*arguments, "--dry-run")
    assert "put together in each pass" in plan.stdout
    (row,) = [line for line in plan.stdout.splitlines() if line.startswith("Merging ")]
    assert "n/a" in row  # of a training: what is counted is not what is trained
    assert invoke(*arguments).exit_code == 0
    (record,) = [record for record in load_all(tmp_path) if record.steps]
    assert (record.params, record.multi_adds) == (2 * 324, 324 * 640 * 360)
    assert any("put together in each pass" in remark for remark in record.remarks)

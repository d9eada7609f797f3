"""Options of a network reach it from every command that runs one."""

import json

import pytest
import torch
from safetensors.torch import save_file

from harness.models import registry
from harness.records.record import load_all
from harness.weights import described, networks

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


@pytest.fixture
def trained_here(tmp_path):
    """Two files of weights of one structure that say what they are of."""
    options = {"num_units": 1, "channels": 4, "inner_channels": 8}
    said = described.Described("awsrn_s", 2, options=options).metadata()
    for name in ("one", "other"):
        state = registry.get("awsrn_s").build(scale=2, **options).state_dict()
        save_file(state, tmp_path / f"{name}.safetensors", metadata=said)
    return [str(tmp_path / f"{name}.safetensors") for name in ("one", "other")]


QUICK = ("--input-size", "8x8", "--processes", 1, "--repeats", 1, "--max-seconds", 0.01)


def test_bench_needs_no_weights_of_what_was_trained_here(trained_here, invoke, tmp_path):
    result = invoke("bench", *trained_here, *QUICK, "--format", "json", "--results", tmp_path)
    assert result.exit_code == 0, result.output
    assert {row["scale"] for row in json.loads(result.stdout)} == {2}


def test_backends_do_not_run_one_training_with_the_weights_of_another(
    trained_here, invoke, tmp_path
):
    words = ("--backends", "eager", *QUICK, "--results", tmp_path)
    result = invoke("bench", *trained_here, *words)
    assert result.exit_code == 2, result.output
    assert "the weights of one network" in result.stderr


def test_a_network_that_cannot_take_luma_is_told_in_a_line(tmp_path, monkeypatch, invoke):
    """Three channels are given one, as --luma says; bicubic beside it has no options."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(
        "import torch\n\n\nclass Net(torch.nn.Module):\n"
        "    def __init__(self, *, scale):\n"
        "        super().__init__()\n"
        "        self.scale = scale\n"
        "        self.conv = torch.nn.Conv2d(3, 3 * scale**2, 3, padding=1)\n\n"
        "    def forward(self, lr):\n"
        "        return torch.nn.functional.pixel_shuffle(self.conv(lr), self.scale)\n"
    )
    network = networks.build("own.py:Net", scale=2)
    torch.save(network.state_dict(), "own.pth")
    asked = ("--scale", 2, "--data", "sample")
    result = invoke("eval", "own.py:Net", "--luma", "--checkpoint", "own.pth", *asked)
    assert result.exit_code == 1
    assert "Net does not run on" in result.stderr
    assert "expected input[1, 1," in result.stderr
    result = invoke("compare", "own.py:Net=own.pth", "bicubic", "--range", 255, *asked)
    assert result.exit_code == 0, result.output

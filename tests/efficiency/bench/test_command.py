"""``harness bench`` as a whole: real processes, its file, and one clear line for every mistake."""

import csv
import json
import sys

import pytest
import torch
from click.testing import CliRunner

from harness.cli.bench import bench
from harness.efficiency.bench import measure, rows
from harness.errors import HarnessError, UsageError

OWN = """
import os
import signal
import time

import torch
from torch import nn


class Net(nn.Module):
    '''Sleeps 20 ms and holds 96 MiB, unless it is only counted.'''

    def __init__(self, *, scale):
        super().__init__()
        self.scale = scale
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3 * scale**2, 3, padding=1))

    def forward(self, lr):
        if lr.device.type != "meta":
            print("some progress")
            block = torch.ones(96 * 2**18)
            time.sleep(0.02)
            assert len(block)
        return nn.functional.pixel_shuffle(self.conv(lr), self.scale)


class Dies(Net):
    def forward(self, lr):
        if lr.device.type != "meta":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(lr)


class Broken(Net):
    def forward(self, lr):
        return super().forward(lr[:, :2])


class ByNumPy(Net):
    def forward(self, lr):
        return torch.from_numpy(super().forward(lr).numpy())


class Merging(Net):
    def __init__(self, *, scale):
        super().__init__(scale=scale)
        self.conv = nn.Conv2d(3, 3 * scale**2, 3, padding=1)
        self.other = nn.Parameter(torch.zeros(self.conv.weight.shape))

    def forward(self, lr):
        sr = nn.functional.conv2d(lr, self.conv.weight + self.other, self.conv.bias, padding=1)
        return nn.functional.pixel_shuffle(sr, self.scale)


class NeedsMore(nn.Module):
    def __init__(self, *, scale, depth):
        super().__init__()
"""


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "own.py"
    path.write_text(OWN)
    return path


@pytest.fixture(scope="module")
def ran(own_file, tmp_path_factory):
    """One run of the command in real processes, and its results root."""
    root = tmp_path_factory.mktemp("root")
    names = [f"{own_file}:{name}" for name in ("Net", "Dies", "Broken")]
    quick = ["--processes", "1", "--repeats", "3", "--min-seconds", "0", "--max-seconds", "0.1"]
    where = ["--scale", "2", "--input-size", "24x16", "--device", "cpu", "--threads", "1"]
    result = CliRunner().invoke(
        bench, [*names, *quick, *where, "--format", "json", "--results", str(root)]
    )
    return result, root


def test_a_row_says_what_ran_and_how_fast(ran):
    (row,) = json.loads(ran[0].stdout)
    assert list(row) == list(rows.COLUMNS)
    assert (row["label"], row["scale"], row["input_px"], row["output_px"]) == (
        "Net",
        2,
        "24x16",
        "48x32",
    )
    assert (row["dtype"], row["memory_format"], row["threads"]) == ("fp32", "contiguous", 1)
    assert (row["weights"], row["weight_norms_folded"]) == ("folded", 1)
    assert (row["processes"], row["torch"]) == (1, torch.__version__)
    assert row["device"].startswith("cpu (")
    assert row["multi_adds"] == 3 * 12 * 9 * 24 * 16
    assert 20 <= row["p10_ms"] <= row["p50_ms"] <= row["p90_ms"]
    assert row["p50_low_ms"] <= row["p50_ms"] <= row["p50_high_ms"]
    assert row["mpixel_per_s"] == pytest.approx(48 * 32 / row["p50_ms"] / 1e3, rel=1e-4)
    assert row["gmacs_per_s"] == pytest.approx(row["multi_adds"] / row["p50_ms"] / 1e6, rel=1e-4)
    assert row["peak_share"] == pytest.approx(
        row["gmacs_per_s"] / row["peak_gmacs_per_s"], rel=1e-4
    )
    assert 0 < row["peak_share"] < 1
    assert row["peak_by"]


def test_memory_is_what_the_network_held(ran):
    (row,) = json.loads(ran[0].stdout)
    assert row["peak_memory_mib"] == pytest.approx(96, abs=30)


def test_energy_comes_with_its_source_or_the_reason(ran):
    (row,) = json.loads(ran[0].stdout)
    assert row["energy_note"]
    assert (row["energy_j"] is None) == ("RAPL," not in row["energy_note"])


def test_rows_go_to_one_file_per_device_dtype_and_torch_version(ran):
    (path,) = (ran[1] / "results" / "bench").iterdir()
    assert path.name.startswith("cpu-")
    assert path.name.endswith(f"_fp32_torch-{torch.__version__}.csv")
    with path.open(newline="") as stream:
        (kept,) = csv.DictReader(stream)
    (row,) = json.loads(ran[0].stdout)
    assert kept == {key: "n/a" if value is None else str(value) for key, value in row.items()}


def test_networks_that_fail_are_named_and_the_others_kept(ran):
    error = ran[0].exception
    assert isinstance(error, HarnessError)
    assert error.exit_code == 1
    died, broke = str(error).splitlines()
    assert "own.py:Dies' at x2 was killed by the system (SIGKILL)" in died
    assert "own.py:Broken' at x2 failed: RuntimeError: " in broke


def candidates(*models, scales=(2,), output_size=None, input_size=None):
    return measure.candidates(models, scales=scales, output_size=output_size, input_size=input_size)


def test_where_the_scale_does_not_divide_the_output_a_whole_image_is_measured():
    (one,) = candidates("srcnn", scales=(3,))
    assert one.target.lr_px == (427, 240)
    weights = 9 * 9 * 3 * 64 + 5 * 5 * 64 * 32 + 5 * 5 * 32 * 3
    luma = 9 * 9 * 64 + 5 * 5 * 64 * 32 + 5 * 5 * 32
    assert one.multi_adds in {pixels * 1281 * 720 for pixels in (weights, luma)}


def test_scales_default_to_all_that_a_network_has():
    assert [one.target.scale for one in candidates("carn", scales=())] == [2, 3, 4]


def test_a_network_that_cannot_be_counted_is_measured_without_a_rate(own_file):
    (one,) = candidates(f"{own_file}:ByNumPy")
    assert one.multi_adds is None
    assert "values leave PyTorch by Tensor.numpy" in one.note


def test_a_latency_that_has_the_merging_of_kernels_in_it_says_so(own_file):
    one, other = candidates(f"{own_file}:Merging", f"{own_file}:Net")
    assert one.multi_adds == other.multi_adds == 9 * 3 * 12 * 1280 * 720 // 4
    assert "in every pass" in one.note
    assert other.note == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name networks to measure, for example: harness bench awsrn_s --scale 4"),
        (("awsrn_x",), "unknown model 'awsrn_x' (did you mean 'awsrn_s'?)"),
        (("falsr_a", "--scale", "3"), "'falsr_a' is defined for x2, not x3"),
        (("srcnn", "--scale", "two"), "--scale two: expected whole numbers"),
        (("srcnn", "--output-size", "720p"), "--output-size must be WIDTHxHEIGHT"),
        (("srcnn", "--input-size", "4x4", "--output-size", "8x8"), "not both"),
        (("no_such.py:Net", "--scale", "2"), "there is no file 'no_such.py'"),
        (("no.such:Net", "--scale", "2"), "cannot import 'no.such'"),
        (("{own}:Nett", "--scale", "2"), "has no class 'Nett'"),
        (("{own}:Net",), "say by --scale"),
        (("{own}:NeedsMore", "--scale", "2"), "cannot build"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_one_line(own_file, monkeypatch, arguments, said):
    monkeypatch.setattr(sys, "path", list(sys.path))
    asked = [one.format(own=own_file) for one in arguments]
    with pytest.raises(UsageError) as error:
        CliRunner().invoke(bench, asked, catch_exceptions=False)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_gpu_is_told():
    with pytest.raises(UsageError, match="finds no CUDA device here"):
        CliRunner().invoke(bench, ["srcnn", "--device", "cuda"], catch_exceptions=False)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_gpu_gives_all_figures(dtype, tmp_path):
    arguments = ["espcn", "--scale", "2", "--input-size", "64x64", "--precision", dtype]
    quick = ["--processes", "1", "--max-seconds", "0.5", "--format", "json"]
    result = CliRunner().invoke(
        bench, [*arguments, *quick, "--results", str(tmp_path)], catch_exceptions=False
    )
    (row,) = json.loads(result.stdout)
    assert row["device"].startswith("cuda (")
    assert row["peak_memory_mib"] > 0
    assert 0 < row["peak_share"] < 1
    assert row["cpu_share"] is None

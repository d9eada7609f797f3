"""What runs networks, side by side: equal outputs, one table of speed and quality."""

import csv
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn

from harness.deploy import backends
from harness.deploy.backends import BACKENDS, Backend, chosen
from harness.deploy.export.int8 import Calibration
from harness.efficiency.bench import rounds
from harness.efficiency.bench.latency import Effort
from harness.efficiency.bench.process import Job, Setup, Target
from harness.efficiency.bench.rounds import BenchCandidate
from harness.errors import UsageError
from harness.weights.load import load

TORCH = ["eager", "fused", "fused-bf16"]
QUICK = ("--processes", 1, "--repeats", 1, "--min-seconds", 0, "--max-seconds", 0.05)
WHERE = ("--scale", 4, "--input-size", "24x16", "--device", "cpu", "--threads", 1)


@pytest.fixture
def made_up(monkeypatch):
    """Backends beside those of PyTorch: one without its package, one for CPUs, one that works."""
    more = (
        Backend("absent", "Absent", "nowhere:make", packages=("torch", "no_such_package")),
        Backend("here", "Here", "harness.deploy.backends:eager", exported=True),
    )
    monkeypatch.setattr(backends, "BACKENDS", (*BACKENDS, *more))


def ids(found):
    return [backend.id for backend in found]


def test_all_are_those_that_are_installed_and_run_on_the_device(made_up):
    installed = [one.id for one in BACKENDS if not one.missing()]
    assert ids(chosen(["all"], device="cpu")) == [*installed, "here"]
    assert ids(chosen(["all"], device="cuda")) == TORCH


def test_the_order_is_that_of_the_list(made_up):
    assert ids(chosen(["here", "fused", "eager", "fused"], device="cpu")) == [
        "eager",
        "fused",
        "here",
    ]


@pytest.mark.parametrize(
    ("name", "device", "said"),
    [
        ("fusd", "cpu", "no backend 'fusd'.*fused"),
        ("absent", "cpu", r"needs no_such_package: .*pip install 'awsrn-harness\[deploy\]'"),
        ("here", "cuda", "runs on the CPU alone"),
    ],
)
def test_backends_that_cannot_be_had_are_refused(made_up, name, device, said):
    with pytest.raises(UsageError, match=said):
        chosen([name], device=device)


def test_the_runtimes_of_exported_files_are_among_them():
    exported = {one.id: one for one in BACKENDS if one.exported}
    assert {"onnxruntime-fp32", "onnxruntime-int8", "openvino-f32", "openvino-int8"} <= {*exported}
    assert "openvino" in exported["openvino-f32"].packages
    assert [one.id for one in BACKENDS if not one.exported] == TORCH


@pytest.fixture(scope="module")
def network():
    return load("awsrn_s", scale=4, checkpoint=None).network


@pytest.fixture(scope="module")
def files(network, tmp_path_factory):
    """Exported files, where the packages that write and run them are installed."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("files") / "0"
    usable = [one for one in BACKENDS if not one.missing()]
    draw = np.random.default_rng(0)
    patches = Calibration(draw.integers(0, 256, (4, 3, 24, 24), np.uint8), "noise")
    backends.write(usable, network, folder, name="it", scale=4, calibration=lambda: patches)
    return folder


def outputs(backend, network, folder):
    run = backend.make(lambda: network, backend.setup(Setup(threads=1), folder))
    for height, width in ((33, 21), (40, 56)):
        draw = torch.Generator().manual_seed(width)
        lr = 255 * torch.rand(1, 3, height, width, generator=draw)
        with torch.no_grad():
            yield run(lr), network(lr)


@pytest.mark.parametrize("backend", BACKENDS[:3], ids=TORCH)
def test_torch_gives_the_network_s_output_at_any_size(backend, network, tmp_path):
    for sr, expected in outputs(backend, network, tmp_path):
        assert sr.dtype == torch.float32
        assert sr.shape == expected.shape
        assert (sr - expected).abs().mean() < (1 if backend.id == "fused-bf16" else 0.01)


@pytest.mark.parametrize("backend", BACKENDS[3:], ids=lambda one: one.id)
def test_runtimes_give_the_network_s_output_at_any_size(backend, network, files):
    if backend.missing():
        pytest.skip(f"{' and '.join(backend.missing())} not installed")
    for sr, expected in outputs(backend, network, files):
        assert sr.dtype == torch.float32
        assert sr.shape == expected.shape
        exact = not backend.eight_bit and "bf16" not in backend.id
        assert (sr - expected).abs().mean() < (0.01 if exact else 4)


def test_nothing_is_written_for_backends_of_torch(network, tmp_path):
    def never():
        raise AssertionError

    folder = tmp_path / "0"
    backends.write(BACKENDS[:3], network, folder, name="it", scale=4, calibration=never)
    assert not folder.exists()


def test_a_candidate_may_be_run_in_its_own_way():
    asked = []

    def run(job):
        asked.append((job.setup, job.target and job.target.model))
        if job.target is None:
            return {"gmacs_per_s": 1.0, "by": "product"}
        return {
            "device": "cpu (any)",
            "threads": 1,
            "first_s": 1.0,
            "times_s": (1.0,),
            "cpu_share": 1.0,
            "peak_memory_mib": 1.0,
            "joules": None,
            "energy_note": "no counter",
            "folded": 0,
        }

    own = Setup(backend="some:thing")
    first = BenchCandidate(Target("a", 2, (4, 4)), "A", 10**9)
    second = replace(first, backend="Other", setup=own, quality=("Set5", 30.5))
    rows = rounds.measure([first, second], Setup(), Effort(), processes=1, run=run).rows
    assert asked == [(Setup(), None), (Setup(), "a"), (own, "a")]
    assert [row.backend for row in rows] == ["", "Other"]
    assert [row.weights for row in rows] == ["folded", "by backend"]
    assert [row.psnr_db for row in rows] == [None, 30.5]
    assert [row.gmacs_per_s is None for row in rows] == [False, True]


def test_a_job_with_a_backend_survives_its_way_through_json():
    job = Job(Setup(backend="a:b"), Effort(), Target("x", 2, (3, 4), checkpoint="f"))
    assert Job.of(json.loads(json.dumps(asdict(job)))) == job


@pytest.fixture(scope="module")
def compared(tiny_root, tmp_path_factory):
    """The command in real processes, on the weights that are shipped."""
    from click.testing import CliRunner

    from harness.cli.main import main

    root = tmp_path_factory.mktemp("root")
    words = ("--data", "own", "--data-root", tiny_root, "--results", root)
    names = ("--backends", "eager", "--backends", "fused", "--backends", "fused-bf16")
    arguments = ("bench", "awsrn_s", *WHERE, *QUICK, *names, *words)
    return CliRunner().invoke(main, [str(word) for word in arguments]), root


def rows_of(root):
    (path,) = (root / "results" / "bench").iterdir()
    return list(csv.DictReader(path.read_text().splitlines()))


def test_the_table_has_speed_beside_quality(compared):
    result, _ = compared
    assert result.exit_code == 0, result.output
    assert "PyTorch, fused, bf16" in result.stdout
    assert "by the protocol awsrn" in result.stdout
    assert "computing in bf16, as asked" in result.stderr


def test_the_rows_hold_scores_of_the_same_weights(compared, tiny_root, invoke):
    result, root = compared
    assert result.exit_code == 0, result.output
    rows = rows_of(root)
    words = ("--scale", 4, "--data", "own", "--data-root", tiny_root, "--format", "json")
    said = json.loads(invoke("eval", "awsrn_s", *words).stdout)["scores"][0]["psnr_db"]
    eager, fused, bf16 = (float(row["psnr_db"]) for row in rows)
    assert eager == said
    assert abs(fused - said) < 0.0005
    assert 0 < abs(bf16 - said) < 0.05
    assert {row["psnr_set"] for row in rows} == {"own"}
    assert int(rows[1]["multi_adds"]) < int(rows[0]["multi_adds"])


def test_a_fused_network_is_measured_and_counted_as_such(invoke, tmp_path):
    result = invoke("bench", "awsrn_s", *WHERE, *QUICK, "--fused", "--results", tmp_path)
    assert result.exit_code == 0, result.output
    (row,) = rows_of(tmp_path)
    assert row["weights"] == "fused"
    kernels = 459_104 - (32 + 4 * 160 + 32 + 48)  # all scalars but the biases
    assert int(row["multi_adds"]) == kernels * 24 * 16
    assert ", fused, torch" in result.stdout


def test_what_cannot_be_compared_is_refused_in_one_line(invoke, tmp_path):
    for words, said in (
        (("awsrn_s", "--backends", "fused", "--precision", "bf16"), "leave out --precision"),
        (("awsrn_s", "--checkpoint", "x.pth"), "--checkpoint is for --backends"),
        (("awsrn_s", "--as-built", "--fused"), "exclude each other"),
        (("awsrn", "--backends", "all"), "awsrn x4 needs weights"),
        (("awsrn_s", "--backends", "all", "--data", "Set6"), "Set6"),
    ):
        result = invoke("bench", *words, *WHERE, *QUICK, "--results", tmp_path)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
        assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_a_network_without_a_fused_form_is_named(invoke, tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "from torch import nn\n"
        "class Hooked(nn.Module):\n"
        "    def __init__(self, *, scale):\n"
        "        super().__init__()\n"
        "        self.up = nn.Upsample(scale_factor=scale)\n"
        "        self.up.register_forward_hook(lambda *_: None)\n"
        "    def forward(self, lr):\n"
        "        return self.up(lr)\n"
    )
    for words in (("--fused",), ("--backends", "fused")):
        result = invoke("bench", f"{own}:Hooked", *WHERE, *QUICK, *words, "--results", tmp_path)
        assert result.exit_code == 2, result.output
        assert "'up' (Upsample) has a hook" in result.stderr


def test_networks_that_are_no_torch_modules_of_weights_need_none():
    run = backends.eager(lambda: nn.Upsample(scale_factor=2).eval(), Setup())
    assert run(torch.ones(1, 3, 2, 2)).shape == (1, 3, 4, 4)

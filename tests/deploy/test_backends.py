"""What runs networks, side by side: equal outputs, one table of speed and quality."""

import csv
import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn

from harness.deploy import backends
from harness.deploy.backends import BACKENDS, Backend, chosen
from harness.efficiency.bench import rounds
from harness.efficiency.bench.latency import Effort
from harness.efficiency.bench.process import Job, Setup, Target
from harness.efficiency.bench.rounds import BenchCandidate
from harness.errors import UsageError
from harness.weights.load import load

QUICK = ("--processes", 1, "--repeats", 1, "--min-seconds", 0, "--max-seconds", 0.05)
WHERE = ("--scale", 4, "--input-size", "24x16", "--device", "cpu", "--threads", 1)


@pytest.fixture
def made_up(monkeypatch):
    """Backends beside those of PyTorch: one without its package, one for CPUs, one that works."""
    more = (
        Backend("absent", "Absent", "nowhere:make", packages=("torch", "no_such_package")),
        Backend("here", "Here", "harness.deploy.backends:eager", cpu_only=True),
    )
    monkeypatch.setattr(backends, "BACKENDS", (*BACKENDS, *more))


def ids(found):
    return [backend.id for backend in found]


def test_all_are_those_that_are_installed_and_run_on_the_device(made_up):
    assert ids(chosen(["all"], device="cpu")) == [*ids(BACKENDS), "here"]
    assert ids(chosen(["all"], device="cuda")) == ids(BACKENDS)


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
        ("absent", "cpu", r"needs no_such_package: pip install 'awsrn-harness\[deploy\]'"),
        ("here", "cuda", "runs on the CPU alone"),
    ],
)
def test_backends_that_cannot_be_had_are_refused(made_up, name, device, said):
    with pytest.raises(UsageError, match=said):
        chosen([name], device=device)


@pytest.mark.parametrize(
    "backend", [one for one in BACKENDS if not one.missing()], ids=lambda one: one.id
)
def test_backends_give_the_network_s_output_at_any_size(backend):
    network = load("awsrn_s", scale=4, checkpoint=None).network
    run = backend.make(network, "cpu")
    for height, width in ((13, 21), (32, 8)):
        draw = torch.Generator().manual_seed(width)
        lr = 255 * torch.rand(1, 3, height, width, generator=draw)
        with torch.no_grad():
            expected = network(lr)
        sr = run(lr)
        assert sr.dtype == torch.float32
        assert sr.shape == expected.shape
        apart = (sr - expected).abs()
        assert apart.mean() < (0.01 if backend.id in ("eager", "fused") else 1)


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
        (("awsrn_s", "--backends", "fused", "--dtype", "bf16"), "leave out --dtype"),
        (("awsrn_s", "--checkpoint", "x.pth"), "--checkpoint is for --backends"),
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
    run = backends.eager(nn.Upsample(scale_factor=2).eval(), "cpu")
    assert run(torch.ones(1, 3, 2, 2)).shape == (1, 3, 4, 4)

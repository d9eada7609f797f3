"""Inside a measuring process: how networks are run; and what its starter makes of its end."""

import json
from dataclasses import asdict

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from harness.efficiency.bench import measure as bench_measure
from harness.efficiency.bench import peak, process, worker
from harness.efficiency.bench.latency import Effort
from harness.efficiency.bench.process import Job, Setup, Target
from harness.errors import HarnessError

OWN = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, *, scale):
        super().__init__()
        self.scale = scale
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3 * scale**2, 3, padding=1))

    def forward(self, lr):
        return nn.functional.pixel_shuffle(self.conv(lr), self.scale)


class Small(Net):
    def forward(self, lr):
        return self.conv(lr)


class Half(Net):
    def forward(self, lr):
        sr = super().forward(lr)
        assert sr.dtype == torch.bfloat16
        assert lr.is_contiguous(memory_format=torch.channels_last)
        assert self.conv.weight.is_contiguous(memory_format=torch.channels_last)
        return sr
"""

DECLARING = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, *, scale):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 3 * scale**2, 1) for _ in range(2)])
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr):
        return self.shuffle(sum(conv(lr) for conv in self.convs))

    def deploy(self):
        del self.convs[1]
        return self
"""

QUICK = Effort(repeats=3, min_s=0, max_s=0.1, warmup_s=0)


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def in_this_process(own_file, name, **setup):
    threads = torch.get_num_threads()
    try:
        return worker.work(Job(Setup(**setup), QUICK, Target(f"{own_file}:{name}", 2, (24, 16))))
    finally:
        torch.set_num_threads(threads)


def test_bf16_channels_last_and_threads_are_what_they_say(own_file):
    found = in_this_process(own_file, "Half", dtype="bf16", channels_last=True, threads=1)
    assert (found["threads"], found["folded"]) == (1, 1)


def test_weight_norms_can_stay(own_file):
    assert in_this_process(own_file, "Net", as_built=True)["folded"] == 0


def test_a_job_survives_its_way_through_json():
    job = Job(Setup(threads=2), QUICK, Target("srcnn", 3, (24, 16)))
    assert Job.of(json.loads(json.dumps(asdict(job)))) == job
    assert Job.of(json.loads(json.dumps(asdict(Job(Setup(), QUICK))))).target is None


def test_what_is_no_sr_image_is_refused(own_file):
    with pytest.raises(HarnessError, match=r"returned \(1, 12, 16, 24\), expected an SR image"):
        in_this_process(own_file, "Small")


def test_lack_of_memory_is_called_that():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert worker.reason(error.value).startswith("out of memory: ")
    assert worker.reason(MemoryError()) == "out of memory: MemoryError"


@pytest.mark.parametrize(
    ("code", "stderr", "said"),
    [
        (-9, "", "was killed by the system (SIGKILL), as it does when memory runs out"),
        (-11, "", "was ended by signal SIGSEGV"),
        (3, "Traceback\nboom\n", "ended its process with exit code 3: boom"),
        (3, "", "ended its process with exit code 3"),
    ],
)
def test_the_death_of_a_process_is_told_in_one_line(code, stderr, said):
    assert process._death(code, stderr) == said


class Casts(TorchDispatchMode):
    """Counts conversions to bf16."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        self.count += func is torch.ops.aten._to_copy.default and kwargs.get("dtype") is not None
        return func(*args, **kwargs)


def test_bf16_weights_are_cast_once_and_not_on_every_run(monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 12, 1), nn.PixelShuffle(2))
    monkeypatch.setattr(worker, "load", lambda target, setup: (network, 0))
    with Casts() as casts:
        found = worker.measure(Job(Setup(dtype="bf16"), QUICK), Target("any", 2, (8, 8)))
    runs = 1 + len(found.times_s)
    weights = 4
    assert casts.count == weights + runs  # of the image, once a run


def test_the_peak_is_the_fastest_work_at_its_median_run(monkeypatch):
    now = 0.0

    def work(name, seconds):
        def run():
            nonlocal now
            now += next(seconds)

        return peak.Work(name, 10**9, run)

    works = [
        work("steady", iter([9.0] + [0.5] * 50)),
        work("lucky once", iter([9.0, 0.1] + [1.0] * 50)),
    ]
    monkeypatch.setattr(peak, "large_works", lambda device, dtype: works)
    found = peak.measure(
        "cpu", torch.float32, seconds=5, synchronise=lambda: None, clock=lambda: now
    )
    assert found == peak.Peak(2.0, "steady")


def test_the_work_for_the_peak_has_the_multi_adds_it_claims():
    from torch.utils.flop_counter import FlopCounterMode

    for work in peak.large_works("meta", torch.float32):
        with FlopCounterMode(display=False) as counter:
            work.run()
        assert counter.get_total_flops() == 2 * work.multi_adds, work.name


@pytest.mark.parametrize(("as_built", "convs"), [(False, 1), (True, 2)])
def test_a_network_that_declares_its_merged_form_is_run_in_it_unless_as_built(
    as_built, convs, tmp_path
):
    (tmp_path / "own.py").write_text(DECLARING)
    target = Target(f"{tmp_path / 'own.py'}:Net", 2, (8, 6))
    network, _ = worker.load(target, Setup(as_built=as_built))
    assert isinstance(network, nn.Module)
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == convs
    assert not network.training
    (candidate,) = bench_measure.candidates(
        [target.model], scales=[2], output_size=None, input_size="8x6", as_built=as_built
    )
    assert candidate.multi_adds == convs * 3 * 12 * 8 * 6
    assert ("merged form" in candidate.note) != as_built

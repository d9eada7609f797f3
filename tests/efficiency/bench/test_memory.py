"""Peak memory of a process: what it counts, and what it leaves out."""

import subprocess
import sys

import pytest
import torch

from harness.efficiency.bench.memory import MIB, AllocatorWatch, ResidentWatch, watch

IN_A_CHILD = """
import json, sys
from harness.efficiency.bench.memory import ResidentWatch
before = bytearray(b"x") * (40 * 2**20)
watch = ResidentWatch()
sizes = []
for name, mib in (("small", 30), ("large", 150)):
    watch.forget()
    block = bytearray(b"x") * (mib * 2**20)
    del block
    sizes.append(watch.peak_mib())
watch.forget()
sizes.append(watch.peak_mib())
print(json.dumps(sizes))
"""


def in_a_child():
    import json

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path}\n{IN_A_CHILD}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be reset on Linux only")
def test_the_peak_is_what_was_held_at_once_above_the_base():
    small, large, forgotten = in_a_child()
    assert small == pytest.approx(30, abs=6)
    assert large == pytest.approx(150, abs=6)
    assert forgotten < 10


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is inherited on Linux")
def test_a_child_does_not_inherit_the_peak_of_a_large_parent():
    parent = bytearray(b"x") * (300 * MIB)
    small, _, _ = in_a_child()
    assert len(parent) == 300 * MIB
    assert small < 60


def test_a_system_without_these_figures_is_not_misread(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.efficiency.bench.memory._maxrss_mib", lambda: None)
    blind = ResidentWatch(tmp_path)
    blind.forget()
    assert blind.peak_mib() is None


def test_linux_figures_are_read_as_kibibytes(tmp_path):
    (tmp_path / "status").write_text("Name:\tpython\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n")
    seen = ResidentWatch(tmp_path)
    assert seen.peak_mib() == 1.0
    (tmp_path / "status").write_text("VmHWM:\t  5120 kB\nVmRSS:\t  1024 kB\n")
    assert seen.peak_mib() == 4.0
    (tmp_path / "clear_refs").touch()
    seen.forget()
    assert (tmp_path / "clear_refs").read_text() == "5"


def test_other_systems_give_the_peak_of_the_process(tmp_path, monkeypatch):
    used = iter([100.0, 130.0])
    monkeypatch.setattr("harness.efficiency.bench.memory._maxrss_mib", lambda: next(used))
    assert ResidentWatch(tmp_path).peak_mib() == 30


def test_the_device_chooses_the_watch():
    assert isinstance(watch("cpu"), ResidentWatch)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_allocator_s_peak_is_what_tensors_took():
    seen = AllocatorWatch()
    held = torch.cuda.memory_allocated() / MIB
    block = torch.empty(64 * MIB, dtype=torch.uint8, device="cuda")
    del block
    assert seen.peak_mib() == pytest.approx(held + 64, abs=1)
    seen.forget()
    assert seen.peak_mib() == pytest.approx(held, abs=1)

"""The device that is used where it is asked for or found, its arithmetic, its lack of memory."""

import subprocess
import sys
from typing import Any

import pytest
import torch

from harness.errors import UsageError
from harness.host.device import (
    choose_device,
    computes_bf16,
    inference_device,
    out_of_memory,
    use_real_float32,
)


@pytest.fixture(params=[True, False], ids=["with CUDA", "without CUDA"])
def cuda(request, monkeypatch):
    """Whether PyTorch says that it finds a CUDA device."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return request.param


@pytest.fixture
def tf32():
    """PyTorch's switches for TF32, on; as they were after the test."""
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = True
    yield switches
    for switch, value in zip(switches, before, strict=True):
        switch.allow_tf32 = value


def test_auto_is_cuda_where_there_is_one(cuda):
    assert choose_device("auto") == ("cuda" if cuda else "cpu")


@pytest.mark.usefixtures("cuda")
def test_the_cpu_is_always_there():
    assert choose_device("cpu") == "cpu"


def test_cuda_that_is_not_there_is_refused_in_the_words_of_the_option(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"^--device cuda: .* \(expected auto or cpu\)$"):
        choose_device("cuda")
    with pytest.raises(UsageError, match=r"^device=cuda: "):
        choose_device("cuda", option="device=")


def test_real_float32_turns_tf32_off_in_products_and_convolutions(tf32):
    use_real_float32()
    assert [switch.allow_tf32 for switch in tf32] == [False, False]


def test_inference_is_in_real_float32(tf32):
    assert inference_device("cpu") == torch.device("cpu")
    assert [switch.allow_tf32 for switch in tf32] == [False, False]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."), True),
        (MemoryError(), True),
        (RuntimeError("size mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_want_of_memory_is_told_from_other_errors(error, expected):
    assert out_of_memory(error) is expected


def test_a_real_failure_to_get_memory_is_recognised():
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(failure.value)


def test_the_module_is_light():
    script = "import harness.host.device, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx512f avx512_bf16 avx512_vnni", True),
        ("fpu amx_bf16 amx_tile", True),
        ("fpu avx512f avx512_vnni", False),
        ("fpu avx512_bf16x", False),
        ("fpu avx2 bf16x", False),
        ("", False),
    ],
)
def test_bf16_is_told_by_the_flags_of_the_cpu(tmp_path, flags, expected):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: avx512_bf16\nflags\t\t: {flags}\n")
    assert computes_bf16(file) == expected


def test_arm_s_bf16_is_told_by_its_features(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nFeatures\t: fp asimd sve i8mm bf16\nCPU part\t: 0xd40\n")
    assert computes_bf16(file)


def test_where_nothing_is_said_of_the_cpu_it_has_no_bf16(tmp_path):
    assert not computes_bf16(tmp_path / "cpuinfo")

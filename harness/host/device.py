"""Where PyTorch computes, in real float32, and whether its memory ran out there."""

from __future__ import annotations

import sys
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.errors import UsageError

if TYPE_CHECKING:  # PyTorch is imported where it is needed: this package stays light
    import torch

Device = Literal["cpu", "cuda"]
DeviceChoice = Literal["auto", "cpu", "cuda"]

_TRACES_OF_DRIVERS = ("/dev/nvidia*", "/dev/nvhost*", "/dev/nvmap", "/dev/dxg", "/dev/kfd")
CPUINFO = Path("/proc/cpuinfo")
_OF_BF16 = frozenset({"amx_bf16", "avx512_bf16", "bf16"})  # the last is what Linux calls Arm's
_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "out of memory")


def choose_device(asked: DeviceChoice, *, option: str = "--device ") -> Device:
    """Return the device asked for; ``auto`` is CUDA where PyTorch finds a device, else the CPU.

    Args:
        asked: ``auto``, ``cpu`` or ``cuda``.
        option: How the user asked, for the message: what stands before the device.

    Raises:
        UsageError: CUDA is asked for, and there is none.
    """
    available = _finds_gpu()
    if asked == "cuda" and not available:
        raise UsageError(
            f"{option}{asked}: PyTorch finds no CUDA device here (expected auto or cpu)"
        )
    return "cuda" if available and asked != "cpu" else "cpu"


def _finds_gpu() -> bool:
    """Tell whether PyTorch finds a GPU; it is not loaded where no driver has left a trace."""
    if "torch" not in sys.modules and not any(map(glob, _TRACES_OF_DRIVERS)):
        return False
    import torch

    return torch.cuda.is_available()


def inference_device(asked: DeviceChoice) -> torch.device:
    """Return the device asked for, as :func:`choose_device`, and compute in real float32 on it.

    Raises:
        UsageError: CUDA is asked for, and there is none.
    """
    import torch

    device = torch.device(choose_device(asked))
    use_real_float32()
    return device


def use_real_float32() -> None:
    """Multiply and convolve float32 as float32; PyTorch's default on CUDA is TF32 convolutions.

    TF32 keeps 10 of the 23 bits of a number's fraction.
    """
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def computes_bf16(cpuinfo: Path = CPUINFO) -> bool:
    """Tell whether the CPU has instructions that multiply bf16: AVX-512 BF16, AMX, or Arm's.

    Args:
        cpuinfo: What Linux says of the CPU; where there is no such file, none are known of.
    """
    return not _OF_BF16.isdisjoint(instructions(cpuinfo))


def instructions(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """Return the extensions of the CPU by Linux's names, such as ``avx2``.

    Args:
        cpuinfo: What Linux says of the CPU; none are known where there is no such file.
    """
    lines = cpu_lines(cpuinfo)
    listed = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(listed, "").split())


def cpu_lines(cpuinfo: Path = CPUINFO) -> list[str]:
    """Return what Linux says of the CPU, line by line; nothing elsewhere."""
    try:
        return cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def out_of_memory(error: BaseException) -> bool:
    """Tell whether the memory that was asked for could not be had, on a GPU or a CPU.

    PyTorch raises a plain RuntimeError on a CPU, so that the text has to decide.
    """
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _MEMORY_WORDS)

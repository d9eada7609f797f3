"""Compile a network's forward pass for training, with torch.compile."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import TrainingError

_WITHOUT = "train.compile=false trains without"


def check_compiler(device: str) -> None:
    """Refuse to compile where what PyTorch compiles with is missing: known before any step.

    Args:
        device: ``cpu`` or ``cuda``.

    Raises:
        TrainingError: There is no C++ compiler, or no Triton for a GPU.
    """
    if device == "cuda":
        if find_spec("triton") is None:
            raise TrainingError(
                "train.compile=true: torch.compile needs Triton on a GPU, which is not installed "
                f"(pip install triton); {_WITHOUT}"
            )
        return
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise TrainingError(
            f"train.compile=true: torch.compile needs a C++ compiler, and '{compiler}' is not "
            f"found (install it, or name another in CXX); {_WITHOUT}"
        )


def compile_training(network: nn.Module, device: torch.device) -> None:
    """Let a network's forward pass be compiled in training, in place; on CUDA captured as well.

    In evaluation, with images of any size, it stays as it is. Names of tensors do not change: the
    instance gets another ``forward``, and no module is wrapped (Fabric takes such a wrapper off).
    On CUDA the mode is ``reduce-overhead``, which records the kernels of forward and backward in
    CUDA graphs and replays them.

    On a CPU it fuses what stands between the convolutions, which are the same as before. What
    that is worth depends on the network and has to be measured. Steps in bf16 at one thread, as
    multiples of the authors' module in fp32, without and with: AWSRN-S 2.34 and 2.46 at x2, 2.58
    and 2.67 at x4; of the same module in fp32: AWSRN-M x2 2.02 and 2.11, but CARN x2 2.35 and
    1.99, which is slower. The first step takes half a minute longer.
    """
    eager: Callable[..., Any] = network.forward
    captured = device.type == "cuda"
    mode = "reduce-overhead" if captured else None
    fused: Callable[..., Any] = torch.compile(eager, mode=mode, dynamic=False)

    def forward(*arguments: Any, **options: Any) -> Any:
        if not network.training:
            return eager(*arguments, **options)
        if captured:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        with _traceable_types():
            return fused(*arguments, **options)

    network.forward = forward


@contextmanager
def _traceable_types() -> Iterator[None]:
    """Let ``torch.result_type`` be traced, which else cuts the graph of each unit in two.

    Weighted sums ask it for the type of a sum of two maps (:mod:`harness.models.layers`). Its
    result is no tensor, so that Dynamo does not trace it; that of ``promote_types`` is known to
    it. Without this a compiled AWSRN-S is no faster than before.
    """
    original = torch.result_type

    def result_type(one: Any, other: Any) -> torch.dtype:
        maps = isinstance(one, Tensor) and isinstance(other, Tensor) and one.ndim and other.ndim
        return torch.promote_types(one.dtype, other.dtype) if maps else original(one, other)

    torch.result_type = result_type  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.result_type = original


def failure(error: BaseException) -> TrainingError | None:
    """Return an error of the compiler as one of ours, None for any other."""
    exceptions = sys.modules.get("torch._dynamo.exc")  # not loaded where nothing was compiled
    if exceptions is None or not isinstance(error, exceptions.TorchDynamoException):
        return None
    told = " ".join(str(error).partition("Set TORCHDYNAMO_VERBOSE")[0].split())
    return TrainingError(f"the network cannot be compiled ({told[:200]}); {_WITHOUT}")

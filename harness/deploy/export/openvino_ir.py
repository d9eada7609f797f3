"""OpenVINO: the intermediate representation, made from ONNX, and its use on the CPU."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.deploy.export import extra
from harness.deploy.export.traced import ExportError, first_line


@cache
def _core() -> Any:
    """Return the one core of this process, which is there to its end.

    For each core OpenVINO's CPU plugin (2026.4) gives the thread a stack for signal handlers, and
    puts back the one before it in the end. Where cores end in the order in which they began, that
    one is gone: the next signal, Ctrl-C or the end of a DataLoader's worker, ends the process
    without a word, or writes over what has taken its place, such as a training batch.

    Raises:
        UsageError: The package is missing.
    """
    return extra.openvino().Core()


def write(onnx_file: Path, target: Path) -> None:
    """Write a model as OpenVINO's XML, and its weights beside it, in float32.

    Args:
        onnx_file: The model.
        target: The file to write, ``.xml``; its weights are ``.bin``.

    Raises:
        UsageError: The package is missing.
        ExportError: OpenVINO cannot read it.
    """
    openvino = extra.openvino()
    try:
        model = _core().read_model(str(onnx_file))
        openvino.save_model(model, str(target), compress_to_fp16=False)
    except RuntimeError as error:  # an operator that it does not have
        raise ExportError(f"OpenVINO cannot read it: {first_line(error)}") from error


class OpenVinoNetwork(nn.Module):
    """A model in OpenVINO on the CPU, used as a network."""

    def __init__(self, model: Path, *, precision: str = "f32", threads: int | None = None) -> None:
        """Compile a model.

        Args:
            model: Its file, ``.xml`` or ``.onnx``.
            precision: ``f32``, or ``bf16`` where the CPU has it.
            threads: Of one run; None for PyTorch's number.

        Raises:
            UsageError: The package is missing.
            ExportError: OpenVINO cannot compile it.
        """
        super().__init__()
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
            "NUM_STREAMS": 1,
        }
        core = _core()
        try:
            self._model = core.compile_model(str(model), "CPU", options)
        except RuntimeError as error:
            raise ExportError(f"OpenVINO cannot run it: {first_line(error)}") from error

    def forward(self, lr: Tensor) -> Tensor:
        """Map ``(1, 3, H, W)`` RGB in 0..255 to SR, float32."""
        sr = self._model([lr.float().contiguous().numpy()])[0]
        return torch.from_numpy(sr.copy())

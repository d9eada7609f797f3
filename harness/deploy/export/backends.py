"""The runtimes that an exported network can be measured in, each used as a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from harness.deploy.export import extra, int8, onnx_graph
from harness.deploy.export.int8 import Calibration
from harness.deploy.export.onnx_graph import OnnxNetwork
from harness.deploy.export.openvino_ir import OpenVinoNetwork
from harness.deploy.export.traced import trace
from harness.errors import UsageError, suggest


@dataclass(frozen=True, slots=True)
class Backend:
    """A runtime and a precision.

    Attributes:
        label: In tables.
        package: That it needs.
        precision: Of OpenVINO's floating-point operators; empty for ONNX Runtime.
        eight_bit: Whether convolutions are in 8 bits.
    """

    label: str
    package: str
    precision: str = ""
    eight_bit: bool = False

    def open(self, folder: Path, *, threads: int | None = None) -> nn.Module:
        """Return a network that :func:`write` exported, run by this backend.

        It maps ``(1, 3, H, W)`` RGB in 0..255 to SR, float32, on the CPU.

        Args:
            folder: Where it was exported to.
            threads: Of one run; None for PyTorch's number.

        Raises:
            UsageError: The package is not installed.
        """
        extra.require(self.package)
        file = folder / (_INT8 if self.eight_bit else _FLOAT)
        if self.package == "onnxruntime":
            return OnnxNetwork(file, threads=threads)
        return OpenVinoNetwork(file, precision=self.precision, threads=threads)


BACKENDS: Mapping[str, Backend] = {
    "onnxruntime-fp32": Backend("ONNX Runtime fp32", "onnxruntime"),
    "onnxruntime-int8": Backend("ONNX Runtime int8", "onnxruntime", eight_bit=True),
    "openvino-f32": Backend("OpenVINO f32", "openvino", "f32"),
    "openvino-bf16": Backend("OpenVINO bf16", "openvino", "bf16"),
    "openvino-int8": Backend("OpenVINO int8", "openvino", "f32", eight_bit=True),
}
"""By the name that asks for one."""

_FLOAT, _INT8 = "network.onnx", "network_int8.onnx"


def get(name: str) -> Backend:
    """Return a backend by its name.

    Raises:
        UsageError: There is none.
    """
    if name not in BACKENDS:
        raise UsageError(f"there is no backend '{name}'{suggest(name, BACKENDS)}")
    return BACKENDS[name]


def write(
    network: nn.Module, folder: Path, *, name: str, scale: int, patches: Calibration | None = None
) -> None:
    """Export a network for all backends into a folder that is there.

    Args:
        network: Maps ``(1, 3, H, W)`` RGB in 0..255 to SR; in evaluation mode.
        folder: Where to.
        name: What messages call it.
        scale: Upscaling factor.
        patches: What 8-bit ranges are from; None leaves the 8-bit model out.

    Raises:
        UsageError: A package is missing, or the network cannot be exported.
    """
    model = onnx_graph.build(trace(network, name=name, scale=scale), name=name)
    (folder / _FLOAT).write_bytes(model.SerializeToString())
    if patches is not None:
        content = int8.quantise(model, patches).SerializeToString()
        (folder / _INT8).write_bytes(content)

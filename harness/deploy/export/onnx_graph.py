"""ONNX: the graph with its weights, for any height and width, and its use by ONNX Runtime."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.deploy.export import extra
from harness.deploy.export.traced import AROUND, ExportError, Traced, first_line, noise
from harness.errors import HarnessError

INPUT, OUTPUT = "lr", "sr"
"""Names of the image that goes in and of the one that comes out."""

OPSET = 18
"""Of the graph; ONNX Runtime has it since 1.14, OpenVINO since 2023.1."""

TOLERANCE = 1e-4
"""How far an output may be from PyTorch's, of white."""

_WHITE = 255


def build(traced: Traced, *, name: str) -> Any:
    """Return a network as an ONNX model, ``onnx.ModelProto``.

    Args:
        traced: Its graph.
        name: What messages call it.

    Raises:
        UsageError: A package is missing.
        ExportError: ONNX has no operator for what the network does.
    """
    extra.require(*extra.NEEDED)
    try:
        with extra.quiet():
            exported = torch.onnx.export(
                traced.program,
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
            )
    except Exception as error:  # an exporter may raise anything at all
        raise ExportError(f"{name} cannot be exported to ONNX: {first_line(error)}") from error
    assert exported is not None
    model = exported.model_proto
    _plain(model)
    _shorten_names(model)
    _name_sides(model, traced.scale)
    return model


def _plain(model: Any) -> None:
    """Take off what the exporter notes of its own affairs."""
    graph = model.graph
    named = (graph.node, graph.input, graph.output, graph.initializer, graph.value_info)
    for one in (model, graph, *(item for items in named for item in items)):
        del one.metadata_props[:]
        one.doc_string = ""
    del graph.value_info[:]  # runtimes infer shapes by themselves


def _shorten_names(model: Any) -> None:
    """Call tensors as the network does, without the name of the module around it."""
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.removeprefix(AROUND)
    for node in model.graph.node:
        shorter = [name.removeprefix(AROUND) for name in node.input]
        del node.input[:]
        node.input.extend(shorter)


def _name_sides(model: Any, scale: int) -> None:
    """Name the sides ``height`` and ``width``, those of SR by the scale."""
    sides = {INPUT: ("height", "width"), OUTPUT: (f"{scale}*height", f"{scale}*width")}
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        for dim, text in zip(dims[2:], sides[value.name], strict=True):
            dim.Clear()
            dim.dim_param = text


def operators(model: Any) -> dict[str, int]:
    """Return how often each operator of a model occurs, the most frequent first."""
    return dict(Counter(node.op_type for node in model.graph.node).most_common())


def operators_text(counts: Mapping[str, int]) -> str:
    """Return counts of operators in one line."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())


class OnnxNetwork(nn.Module):
    """An ONNX model in ONNX Runtime on the CPU, used as a network."""

    def __init__(self, model: Path | bytes, *, threads: int | None = None) -> None:
        """Open a model.

        Args:
            model: Its file, or its bytes.
            threads: Of one run; None for PyTorch's number.

        Raises:
            UsageError: The package is missing.
            ExportError: ONNX Runtime cannot read or run it.
        """
        super().__init__()
        runtime = extra.onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        options.log_severity_level = 3
        content = model if isinstance(model, bytes) else str(model)
        try:
            self._session = runtime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # each of its status codes has a class of its own
            raise ExportError(f"ONNX Runtime cannot run it: {first_line(error)}") from error

    def forward(self, lr: Tensor) -> Tensor:
        """Map ``(1, 3, H, W)`` RGB in 0..255 to SR, float32."""
        (sr,) = self._session.run(None, {INPUT: lr.float().contiguous().numpy()})
        return torch.from_numpy(sr)


def largest_difference(
    one: Callable[[Tensor], Tensor],
    other: Callable[[Tensor], Tensor],
    sizes: Iterable[tuple[int, int]],
) -> float:
    """Return the largest difference of two networks' outputs on noise, of white.

    Args:
        one: A network.
        other: Another.
        sizes: Heights and widths of LR.
    """
    largest = 0.0
    with torch.no_grad():
        for height, width in sizes:
            lr = noise(height, width)
            first, second = one(lr), other(lr)
            if first.shape != second.shape:
                return float("inf")
            largest = max(largest, float((first - second).abs().max()) / _WHITE)
    return largest


def check(difference: float, *, file: str) -> float:
    """Return a difference that is small enough.

    Raises:
        HarnessError: It is not; nothing that computes something else is handed out.
    """
    if not difference <= TOLERANCE:  # NaN, too
        raise HarnessError(
            f"{file} differs from the network by {difference:.1e} of white, expected at most "
            f"{TOLERANCE:g}: nothing is written"
        )
    return difference

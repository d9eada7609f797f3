"""An ONNX model with 8-bit convolutions: weights and activations, static (QDQ)."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.catalogue import SAMPLE, TrainSet, find_train, joined_name
from harness.data.patches import Patches
from harness.data.prepare import prepare
from harness.deploy.export import extra
from harness.deploy.export.onnx_graph import INPUT
from harness.deploy.export.traced import ExportError
from harness.host.paths import cache_folder

PATCHES = 64
"""Training patches that ranges of activations are taken from."""

PATCH = 48
"""Their side in LR pixels; smaller where images are."""

_IMAGES = 32
_COLOURS = 3


@dataclass(frozen=True, slots=True)
class Calibration:
    """LR patches, and what they are of.

    Attributes:
        lr: ``(N, 3, S, S)``, uint8.
        text: Where they come from, in words.
    """

    lr: NDArray[np.uint8]
    text: str


def calibration(name: str | None, root: Path | None, scale: int) -> Calibration:
    """Return random patches of a training set.

    Args:
        name: Of the training set; None for the images bundled with scikit-image.
        root: Data root.
        scale: Upscaling factor.

    Raises:
        HarnessError: There is no such set, or it cannot be read.
    """
    sets = tuple(map(_some, find_train(name or SAMPLE, root, scale)))
    prepared = prepare(sets, scale, cache_folder())
    patch = min(PATCH, max(min(one.height, one.width) for one in prepared.entries))
    lr, _ = Patches(prepared, patch=patch, batch=PATCHES, seed=0)[0]
    images = len(prepared.usable(patch))
    text = f"{PATCHES} patches of {patch}x{patch} LR pixels of {images} images of "
    return Calibration(lr, text + f"{joined_name(sets)}, {prepared.lr_text}")


def _some(train: TrainSet) -> TrainSet:
    """Return a set with evenly chosen images of it alone: ranges need no more."""
    step = -(-len(train.images) // _IMAGES)
    lr = None if train.lr is None else train.lr[::step]
    return replace(train, images=train.images[::step], lr=lr)


def kept_float(model: Any) -> list[str]:
    """Return the names of the convolutions that stay in float: head, global path, colour shifts.

    Those are all that read the image: no other convolution stands before them, or they have no
    more input channels than it.
    """
    widths = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    features: set[str] = set()  # what a convolution had its hands in
    kept = []
    for node in model.graph.node:
        convolves = node.op_type in ("Conv", "ConvTranspose")
        if node.op_type == "Conv":
            groups = next((one.i for one in node.attribute if one.name == "group"), 1)
            shape = widths.get(node.input[1], (0, 0))
            if node.input[0] not in features or shape[1] * groups <= _COLOURS:
                kept.append(node.name)
        if convolves or features.intersection(node.input):
            features.update(node.output)
    return kept


def quantise(model: Any, patches: Calibration) -> Any:
    """Return a model whose convolutions have 8-bit weights and activations.

    Weights have a scale for each output channel. The range of an activation reaches from the
    mean over the patches of its least value to that of its largest: the extremes of all would
    leave too few levels for the values that are common.

    Args:
        model: ``onnx.ModelProto`` in float32; it stays as it is.
        patches: What it is calibrated on.

    Raises:
        ExportError: It has no convolution that could be in 8 bits.
    """
    extra.require(*extra.NEEDED)
    import onnx

    if not _convolutions(model) - set(kept_float(model)):
        raise ExportError("no convolution could be in 8 bits: all of them read the image")
    extra.onnxruntime()
    with extra.quiet(), tempfile.TemporaryDirectory() as folder:
        from onnxruntime import quantization

        target = Path(folder, "int8.onnx")
        quantization.quantize_static(
            copy.deepcopy(model),  # its tensors are moved into a file
            target,
            _reader(quantization.CalibrationDataReader, patches.lr),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu", "Clip"],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=kept_float(model),
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )
        return onnx.load(target)


def _convolutions(model: Any) -> set[str]:
    return {node.name for node in model.graph.node if node.op_type == "Conv"}


def _reader(base: Any, patches: NDArray[np.uint8]) -> Any:
    class Reader(base):  # type: ignore[misc]
        """Gives one patch after the other."""

        def __init__(self) -> None:
            self._left: Iterator[NDArray[np.uint8]] = iter(patches)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            patch = next(self._left, None)
            return None if patch is None else {INPUT: patch[None].astype(np.float32)}

    return Reader()


def quantised(model: Any) -> tuple[int, int]:
    """Return how many convolutions of a model read 8-bit values, and how many it has."""
    made = {name for node in model.graph.node for name in _dequantised(node)}
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    return sum({*conv.input[:2]} <= made for conv in convs), len(convs)


def _dequantised(node: Any) -> tuple[str, ...]:
    return tuple(node.output) if node.op_type == "DequantizeLinear" else ()
